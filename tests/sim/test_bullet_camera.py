from dataclasses import replace

import numpy as np
import pytest
from exact_frames import closeness, gray, poses_on

from hairpin.sim.camera import CAMERAS
from hairpin.sim.errors import SimError
from hairpin.sim.render import Renderer, nominal_view
from hairpin.tracks import load_track
from hairpin.tracks.style import STYLES, Style
from hairpin.tracks.surface import rasterise

pytest.importorskip("pybullet")

from hairpin.sim.bullet_camera import BulletRenderer

FRONT = replace(CAMERAS["deepracer"], channels=3)


@pytest.fixture
def bullet():
    made = []

    def make(camera, surfaces):
        made.append(BulletRenderer(camera, surfaces))
        return made[-1]

    yield make
    for renderer in made:
        renderer.close()
        renderer.close()  # harmless


def arguments(poses, which=0):
    count = len(poses)
    return poses, np.full(count, which), nominal_view(count), np.arange(count, dtype=np.uint64)


@pytest.mark.parametrize("name", ["reinvent_2018", "alley", "reinvent_base", "reInvent2019_track"])
def test_both_renderers_draw_the_same_picture(name, bullet, request):
    if name.startswith(("reinvent_base", "reInvent")):
        name = request.getfixturevalue("deepracer_data") / "tracks" / f"{name}.npy"
    track = load_track(name)
    surface, poses = rasterise(track), poses_on(track)
    theirs = bullet(FRONT, [surface]).render(*arguments(poses))
    ours = Renderer(FRONT, [surface]).render(*arguments(poses))
    scores = []
    for a, b in zip(ours, theirs, strict=True):
        ground = ~((a == STYLES["deepracer"].sky).all(axis=-1) | (b == STYLES["deepracer"].sky).all(axis=-1))
        scores.append(closeness(gray(a), gray(b), ground))
    ssim, error = np.mean(scores, axis=0)
    print(f"SSIM {ssim:.4f}, mean absolute error {error:.2f} levels")
    assert ssim >= 0.94
    assert error < 3


def test_both_renderers_agree_on_every_part_of_the_view(bullet):
    track = load_track("oval")
    surface, poses = rasterise(track), poses_on(track)
    camera = replace(FRONT, crop=(20, 5, 10, 3), roll=0.1, width=200)
    count = len(poses)
    view = nominal_view(count)
    for name, value in {
        "height": 0.02,
        "pitch": -0.03,
        "roll": 0.05,
        "yaw": 0.1,
        "gain": 0.8,
        "bias": 9.0,
    }.items():
        view[name] = value
    both = [
        renderer.render(poses, np.zeros(count, int), view, np.zeros(count, np.uint64)).astype(float)
        for renderer in (Renderer(camera, [surface]), bullet(camera, [surface]))
    ]
    assert both[0].shape == both[1].shape == (count, 95, 187, 3)
    assert np.abs(both[0] - both[1]).mean() < 2.5
    # A pixel's shift any way makes it worse: they are aligned to less than half a pixel.
    inner = np.s_[:, 2:-2, 2:-2]
    aligned = np.abs(both[0] - both[1])[inner].mean()
    for axis, shift in ((1, 1), (1, -1), (2, 1), (2, -1)):
        assert np.abs(np.roll(both[0], shift, axis) - both[1])[inner].mean() > 1.2 * aligned


def test_colours_are_those_of_the_surface(bullet):
    style = Style(road=(40, 90, 160), field=(7, 8, 9), sky=(250, 1, 2), border_width=0.0, centre_width=0.0)
    surface = rasterise(load_track("oval"), style, texel=0.02)
    frames = bullet(FRONT, [surface]).render(*arguments(poses_on(load_track("oval"), 3)))
    colours, counts = np.unique(frames.reshape(-1, 3), axis=0, return_counts=True)
    common = {tuple(c) for c in colours[counts > 200].tolist()}
    assert common == {style.road, style.field, style.sky}


def test_each_car_has_its_own_surface_and_gray_is_gray(bullet):
    track = load_track("oval")
    surfaces = [rasterise(track, STYLES[name], texel=0.02) for name in ("deepracer", "paper")]
    poses = poses_on(track, 2)
    camera = replace(FRONT, channels=1)
    frames = bullet(camera, surfaces).render(poses, np.array([0, 1]), nominal_view(2), np.zeros(2, np.uint64))
    for i in range(2):
        rgb = bullet(FRONT, surfaces).render(*arguments(poses[i : i + 1], which=i))[0]
        assert np.abs(frames[i, ..., 0] - gray(rgb.astype(float))).max() <= 0.5


def test_what_it_cannot_draw_is_said_clearly():
    with pytest.raises(SimError, match="distortion"):
        BulletRenderer(CAMERAS["wide"], [rasterise(load_track("oval"), texel=0.05)])
    with pytest.raises(SimError, match="at least one"):
        BulletRenderer(FRONT, [])
