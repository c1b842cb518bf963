"""The situations that a reward function is tried on are what their names say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_world_rewards import TYPES

from hairpin.sim.situations import params_grid, reward_situations
from hairpin.tracks import Track, load_track, track_names


@pytest.fixture(scope="module")
def oval() -> Track:
    return load_track("oval")


@pytest.mark.parametrize("name", track_names())
def test_every_built_in_track_gives_them_whole(name: str) -> None:
    situations = reward_situations(load_track(name))
    assert len(dict(situations)) == len(situations) == 12
    for _, params in situations:
        assert {key: type(value) for key, value in params.items()} == TYPES
        assert params["progress"] <= 100.0 and params["steps"] >= 2


def test_they_are_what_they_are_called(oval: Track) -> None:
    named = dict(reward_situations(oval))
    on, fast, left = named["mid-lap, on the line"], named["mid-lap, fast"], named["left of the line"]
    assert on["distance_from_center"] == pytest.approx(0.0, abs=1e-6) and on["progress"] == 50.0
    assert fast["speed"] == 3.0 and named["mid-lap, steering left"]["steering_angle"] == 30.0
    right = named["right of the line"]
    assert left["is_left_of_center"] and not right["is_left_of_center"]
    assert left["distance_from_center"] == pytest.approx(right["distance_from_center"], abs=0.02)
    assert not named["near the border"]["all_wheels_on_track"] and not named["near the border"]["is_offtrack"]
    assert named["off the track"]["is_offtrack"] and not named["off the track"]["all_wheels_on_track"]
    turned = named["facing backwards"]["heading"] - named["near the border"]["heading"]
    assert math.remainder(turned, 360.0) == pytest.approx(180.0) or math.remainder(turned, 360.0) == -180.0
    assert (named["start"]["steps"], named["start"]["progress"]) == (2, 0.0)
    assert named["finish"]["progress"] == 100.0


def test_the_grid_covers_the_road(oval: Track) -> None:
    xs, ys, rows = params_grid(oval, 0.2, 1.5, 0.0)
    assert len(rows) == len(ys) and {len(row) for row in rows} == {len(xs)}
    cells = [(x, y, one) for y, row in zip(ys, rows, strict=True) for x, one in zip(xs, row, strict=True)]
    given = [(x, y, one) for x, y, one in cells if one is not None]
    for x, y, one in given:
        assert (one["x"], one["y"]) == pytest.approx((x, y))
        assert one["speed"] == 1.5
    s, d = oval.to_road(np.array([[x, y] for x, y, _ in cells]))
    on_road = np.abs(d) < oval.width(s) / 2 - 1e-9
    assert on_road.sum() > 50
    assert all(one is not None for (*_, one), on in zip(cells, on_road, strict=True) if on)
    assert len(given) < len(cells)


def test_the_grid_looks_along_the_road_either_way(oval: Track) -> None:
    ways = [params_grid(oval, 0.4, 1.0, 0.3, reverse=reverse)[2] for reverse in (False, True)]
    pairs = [
        (a, b) for one, other in zip(*ways, strict=True) for a, b in zip(one, other, strict=True) if a and b
    ]
    assert len(pairs) > 20
    for forward, backward in pairs:
        assert (forward["is_reversed"], backward["is_reversed"]) == (False, True)
        if forward["distance_from_center"] < 0.1:
            gap = math.remainder(forward["heading"] - backward["heading"], 360.0)
            assert abs(gap) == pytest.approx(180.0, abs=1.0)
            assert forward["progress"] + backward["progress"] == pytest.approx(100.0, abs=0.5)
