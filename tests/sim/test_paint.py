"""Pictures for people: what is in them, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from driving import TINY, TINY_RGB, pursue, tiny_world

from hairpin.edge.contract import ObservationSpec
from hairpin.sim.episode import Start
from hairpin.sim.figure import BODY, CHASE, draw_car
from hairpin.sim.paint import HEIGHT, WIDTH, Painter

TALL = ObservationSpec(width=20, height=90)


def test_a_picture_has_the_car_its_camera_the_map_and_the_figures() -> None:
    world = tiny_world(observation=TINY_RGB)
    for _ in range(10):
        world.drive(pursue(world))
    picture = Painter(world).paint(0)
    assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.uint8
    middle = picture[250:420, 220:420].reshape(-1, 3).astype(int)
    assert (np.abs(middle - BODY).sum(axis=1) < 12).sum() > 500  # the car
    corner = picture[12:155, 12:202].reshape(-1, 3).astype(int)
    assert (np.abs(corner - BODY).sum(axis=1) < 60).sum() > 20  # its dot on the map
    inset = picture[12:154, 438:628]
    seen = world.observe()[0]
    rows, columns = (np.arange(n) * size // n for n, size in ((142, 24), (190, 32)))
    assert (inset == seen[rows][:, columns]).mean() > 0.9
    assert picture[HEIGHT - 20 :].max() == 255  # the caption


@pytest.mark.parametrize("spec", [TINY, TINY_RGB, TALL], ids=["gray", "rgb", "tall"])
@pytest.mark.parametrize("settings", [{}, {"track": "alley"}, {"physics": "bullet", "renderer": "bullet"}])
def test_any_camera_and_track_can_be_painted(spec: ObservationSpec, settings: dict[str, Any]) -> None:
    world = tiny_world(observation=spec, **settings)
    assert Painter(world).paint(0).std() > 20


def test_the_trail_is_the_way_driven_and_ends_with_the_episode() -> None:
    world = tiny_world()
    painter = Painter(world)
    before = painter.paint(0)[12:155, 12:202].copy()
    for _ in range(40):
        world.drive(pursue(world))
        painter.paint(0)
    after = painter.paint(0)[12:155, 12:202]
    assert (before != after).any(axis=2).sum() > 60
    world.reset(np.arange(1))
    np.testing.assert_array_equal(painter.paint(0)[12:155, 12:202], before)


def test_figures_of_the_caption() -> None:
    world = tiny_world(2, laps=3)
    painter = Painter(world)
    world.reset(np.arange(1), Start(share=0.5))
    assert painter._figures(0)[0] == "lap 1 of 3"
    laps = []
    while world.race.laps[0] < 2:
        world.drive(pursue(world))
        laps.append((painter._figures(0)[0], float(world.race.progress[0])))
    assert [lap for lap, progress in laps if progress == 100.0] == ["lap 1 of 3", "lap 2 of 3"]
    assert {lap for lap, _ in laps} == {"lap 1 of 3", "lap 2 of 3"}
    assert painter._figures(0)[1:] == ["100.0 %", f"{len(laps) / 15:.2f} s", "1.50 m/s"]
    assert Painter(tiny_world())._figures(0)[0] == "lap 1"


def test_the_car_steers_in_the_picture_and_stands_on_the_ground() -> None:
    frames = []
    for steering in (-0.5, 0.0, 0.5):
        frame = np.full((HEIGHT, WIDTH, 3), 120, dtype=np.uint8)
        draw_car(frame, steering)
        frames.append(frame)
    assert (frames[0] != frames[1]).any() and (frames[1] != frames[2]).any()
    mirrored = frames[0][:, ::-1].astype(int) - frames[2]
    assert np.abs(mirrored).mean() < 1.0
    rows, columns = np.nonzero((frames[1] != 120).any(axis=2))
    u, v = CHASE.project([[-0.18, 0.0, 0.0], [0.18, 0.0, 0.0]]).T
    assert rows.max() == pytest.approx(v[0], abs=8) and rows.min() < v[1]
    assert columns.mean() == pytest.approx(u.mean(), abs=2)
