import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exact_frames import ExactFrames, closeness, gray, poses_on

from hairpin.sim.camera import CAMERAS, Camera
from hairpin.sim.errors import SimError
from hairpin.sim.objects import OBJECT_DTYPE
from hairpin.sim.render import Renderer, nominal_view
from hairpin.tracks import load_track
from hairpin.tracks.style import STYLES, Style, random_style
from hairpin.tracks.surface import Surface, rasterise

FRONT = CAMERAS["deepracer"]
WIDE = CAMERAS["wide"]
TILTED = replace(FRONT, roll=0.15)
TRACK = load_track("reinvent_2018")
STYLE = STYLES["deepracer"]


@pytest.fixture(scope="module")
def surface() -> Surface:
    return rasterise(TRACK)


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    return poses_on(TRACK)


def render(camera, surfaces, poses, view=None, which=None, seeds=None):
    count = len(poses)
    view = nominal_view(count) if view is None else view
    which = np.zeros(count, int) if which is None else which
    seeds = np.arange(count, dtype=np.uint64) if seeds is None else seeds
    return Renderer(camera, surfaces).render(poses, which, view, seeds)


def largest_difference(a, b):
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.fixture(scope="module", params=["reinvent_2018", "alley", "reinvent_base", "reInvent2019_track"])
def scene(request):
    name = request.param
    if name.startswith(("reinvent_base", "reInvent")):
        name = request.getfixturevalue("deepracer_data") / "tracks" / f"{name}.npy"
    track = load_track(name)
    return ExactFrames(track, STYLE), rasterise(track), poses_on(track)


@pytest.mark.parametrize(
    "camera",
    [
        FRONT,
        replace(FRONT, width=80, height=60),
        replace(FRONT, hfov=np.deg2rad(120)),
        TILTED,
        WIDE,
    ],
    ids=["front", "small", "broad", "tilted", "wide"],
)
def test_frames_are_close_to_exact_ones(scene, camera):
    exact, surface, poses = scene
    frames = render(camera, [surface], poses)[..., 0]
    scores = []
    for frame, pose in zip(frames, poses, strict=True):
        reference, ground = exact.frame(camera, pose)
        scores.append(closeness(frame, gray(reference), ground))
    ssim, error = np.mean(scores, axis=0)
    print(f"SSIM {ssim:.4f}, mean absolute error {error:.2f} levels")
    assert ssim >= 0.98
    assert error <= 1.5


def test_colours_are_close_to_exact_ones(scene):
    exact, surface, poses = scene
    frames = render(replace(FRONT, channels=3), [surface], poses)
    for frame, pose in zip(frames, poses, strict=True):
        reference, ground = exact.frame(FRONT, pose)
        assert np.abs(frame - reference)[ground].mean() < 2
        assert (frame[0] == STYLE.sky).all()


def test_general_path_agrees_with_that_of_straight_rows(surface, poses):
    view = nominal_view(len(poses))
    view["pitch"], view["height"], view["yaw"] = 0.03, 0.01, -0.05
    level = render(replace(FRONT, channels=3), [surface], poses, view)
    view["roll"] = 1e-12  # leaves the row path, changes nothing else
    assert largest_difference(render(replace(FRONT, channels=3), [surface], poses, view), level) <= 1


@pytest.mark.parametrize(
    "camera", [FRONT, TILTED, WIDE, replace(FRONT, channels=3), replace(WIDE, channels=3)]
)
def test_many_cars_and_one_car_see_the_same(surface, poses, camera):
    view = nominal_view(len(poses))
    view["noise"], view["gain"] = 5.0, 1.1
    together = render(camera, [surface], poses, view)
    renderer = Renderer(camera, [surface])
    for i in range(len(poses)):
        alone = renderer.render(poses[i : i + 1], np.zeros(1, int), view[i : i + 1], np.array([i], np.uint64))
        assert (alone[0] == together[i]).all()


def test_another_process_sees_the_same():
    script = "from test_render import digest; print(digest())"
    run = [sys.executable, "-c", script]
    there = subprocess.run(run, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == digest()


def digest() -> str:
    """SHA-256 of frames with everything that the renderer does."""
    poses = poses_on(TRACK)
    view = nominal_view(len(poses))
    view["noise"], view["roll"][6:] = 6.0, 0.02
    rng = np.random.default_rng(1)
    surfaces = [rasterise(TRACK, random_style(rng)) for _ in range(2)]
    frames = [render(camera, surfaces, poses, view, np.arange(12) % 2) for camera in (FRONT, WIDE)]
    return hashlib.sha256(np.stack(frames).tobytes()).hexdigest()


@pytest.mark.parametrize("channels", [1, 3])
def test_crop_is_a_piece_of_the_whole_frame(surface, poses, channels):
    whole = replace(FRONT, channels=channels)
    cropped = replace(whole, crop=(40, 3, 7, 22))
    frames = render(cropped, [surface], poses)
    assert frames.shape == (len(poses), 77, 131, channels)
    assert (frames == render(whole, [surface], poses)[:, 40:117, 7:138]).all()


def test_crop_of_a_lens_with_distortion(surface, poses):
    whole = render(WIDE, [surface], poses)
    assert (render(replace(WIDE, crop=(35, 20, 0, 0)), [surface], poses) == whole[:, 35:100]).all()
    sides = render(replace(WIDE, crop=(0, 0, 10, 5)), [surface], poses)
    assert np.abs(sides.astype(int) - whole[:, :, 10:155]).mean() < 0.3  # mip levels may begin elsewhere


def test_gray_is_the_gray_of_rgb(surface, poses):
    for camera in (FRONT, WIDE):
        colour = gray(render(replace(camera, channels=3), [surface], poses).astype(float))
        assert np.abs(render(camera, [surface], poses)[..., 0] - colour).max() <= 1.5


@pytest.mark.parametrize(("roll", "higher"), [(0.2, "right"), (-0.2, "left")])
def test_roll_tilts_the_horizon(surface, poses, roll, higher):
    view = nominal_view(len(poses))
    view["roll"] = roll
    sky = (render(replace(FRONT, channels=3), [surface], poses, view) == STYLE.sky).all(axis=-1).sum(axis=1)
    left, right = sky[:, 0], sky[:, -1]  # less sky where the horizon is higher
    assert (right < left).all() if higher == "right" else (left < right).all()
    # tan(roll) over the width, at the horizon's own slope in the image
    assert np.abs(left - right).mean() == pytest.approx(159 * np.tan(0.2), abs=2)


def marked_ground(place, size=0.1) -> Surface:
    """Black ground of 8 x 8 m around the origin, with one white square."""
    style = Style(field=(0, 0, 0), sky=(0, 0, 0))
    level = np.zeros((1600, 1600, 3), np.uint8)
    low, high = (np.rint((np.array(place) + side * size / 2 + 4) / 0.005).astype(int) for side in (-1, 1))
    level[low[1] : high[1], low[0] : high[0]] = 255
    return Surface(np.array([-4.0, -4.0]), 0.005, (level,), style)


@pytest.mark.parametrize("camera", [FRONT, WIDE, TILTED, replace(FRONT, crop=(30, 10, 5, 2))])
@pytest.mark.parametrize("place", [(1.0, 0.1), (0.8, -0.3), (0.6, 0.05)])
def test_a_mark_on_the_ground_appears_where_it_is_projected(camera, place):
    pose = np.array([0.3, -0.2, 2.5])
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    on_ground = pose[:2] + np.array([[cos, -sin], [sin, cos]]) @ place
    on_ground = np.rint(on_ground / 0.005) * 0.005  # the square has an even number of texels
    in_car = np.array([[cos, sin], [-sin, cos]]) @ (on_ground - pose[:2])
    frame = render(camera, [marked_ground(on_ground)], pose[None])[0, ..., 0].astype(float)
    v, u = (np.arange(n) + 0.5 for n in frame.shape)
    seen = np.array([(frame.sum(axis=0) * u).sum(), (frame.sum(axis=1) * v).sum()]) / frame.sum()
    # Near parts of the square take more room in the frame than far ones: weigh each by how much.
    grid = np.stack(np.meshgrid(*[np.linspace(-0.05, 0.05, 41)] * 2), axis=-1).reshape(-1, 2) + on_ground
    ahead = (grid - pose[:2]) @ np.array([[cos, -sin], [sin, cos]])
    middle, right, upper = (
        camera.project(np.column_stack((ahead + shift, np.zeros(len(ahead)))))
        for shift in ((0, 0), (1e-5, 0), (0, 1e-5))
    )
    (a, b), (c, d) = (right - middle).T, (upper - middle).T
    expected = np.average(middle, axis=0, weights=np.abs(a * d - b * c))
    assert np.abs(seen - expected).max() < 0.1
    assert np.abs(seen - camera.project([*in_car, 0.0])).max() < 1.0


def test_view_moves_the_camera():
    pose = np.zeros((1, 3))
    surface = marked_ground((1.0, 0.0))
    renderer = Renderer(FRONT, [surface])
    for name, moved in {
        "height": replace(FRONT, position=(*FRONT.position[:2], FRONT.position[2] + 0.03)),
        "pitch": replace(FRONT, pitch=FRONT.pitch + 0.03),
        "roll": replace(FRONT, roll=0.03),
    }.items():
        view = nominal_view(1)
        view[name] = 0.03
        seen = renderer.render(pose, np.zeros(1, int), view, np.zeros(1, np.uint64))
        assert largest_difference(seen, render(moved, [surface], pose)) <= 1
        assert largest_difference(seen, render(FRONT, [surface], pose)) > 50
    view = nominal_view(1)
    view["yaw"] = 0.1  # to the left: the mark moves to the right
    seen = renderer.render(pose, np.zeros(1, int), view, np.zeros(1, np.uint64))[0, ..., 0]
    assert np.argmax(seen.sum(axis=0)) > 80 + 8


def test_noise_depends_on_the_seed_alone(surface, poses):
    view = nominal_view(len(poses))
    view["noise"] = 5.0
    view["bias"] = -20.0  # away from white, where noise would be clipped
    plain = view.copy()
    plain["noise"] = 0.0
    seeds = np.array([1, 2, 1] * 4, np.uint64)
    noise = render(FRONT, [surface], poses, view, seeds=seeds).astype(int)
    noise -= render(FRONT, [surface], poses, plain)
    assert (noise[0] == noise[2]).all()
    assert (noise[0] != noise[1]).mean() > 0.8
    assert noise.std() == pytest.approx(5.0, rel=0.05)
    assert abs(noise.mean()) < 0.2
    rows = noise[0, ..., 0] - noise[0].mean()
    assert abs((rows[:-1] * rows[1:]).mean()) < 0.05 * rows.var()  # neighbours know nothing of each other
    assert abs((rows[:, :-1] * rows[:, 1:]).mean()) < 0.05 * rows.var()


def test_gain_and_bias(surface, poses):
    view = nominal_view(len(poses))
    plain = render(FRONT, [surface], poses).astype(float)
    view["gain"], view["bias"] = 1.3, -20.0
    lit = render(FRONT, [surface], poses, view)
    assert np.abs(lit - np.clip(plain * 1.3 - 20.0, 0, 255)).max() <= 1
    view["gain"], view["bias"] = 1e9, 1e9
    assert (render(FRONT, [surface], poses, view) == 255).all()


def test_beyond_the_surface_is_field(surface):
    far = np.array([[500.0, -300.0, 1.0], [1e9, 1e9, 0.0]])
    for camera in (replace(FRONT, channels=3), replace(WIDE, channels=3)):
        frames = render(camera, [surface], far)
        colours = np.unique(frames.reshape(-1, 3), axis=0)
        horizon = 1 if camera.distortion is None else 0  # its row blends sky and field
        expected = {STYLE.field, STYLE.sky}
        assert expected <= {tuple(colour) for colour in colours.tolist()}
        assert len(colours) <= 2 + 3 * (1 + horizon)


@pytest.mark.parametrize("camera", [FRONT, WIDE])
def test_poses_that_are_no_numbers_do_no_harm(surface, camera):
    poses = np.array([[np.nan, 0.0, 0.0], [0.0, 0.0, np.nan], [np.inf, -np.inf, 0.0]])
    assert render(camera, [surface], poses).shape == (3, *camera.shape)


def test_each_car_has_its_own_surface(poses):
    surfaces = [rasterise(TRACK, style) for style in STYLES.values()]
    surfaces.append(rasterise(load_track("oval"), texel=0.01))
    which = np.arange(len(poses)) % len(surfaces)
    frames = render(FRONT, surfaces, poses, which=which)
    for i, k in enumerate(which):
        assert (frames[i] == render(FRONT, [surfaces[k]], poses[i : i + 1])[0]).all()


def test_renders_into_a_given_array(surface, poses):
    out = np.zeros((len(poses), *FRONT.shape), np.uint8)
    renderer = Renderer(FRONT, [surface])
    arguments = (poses, np.zeros(len(poses), int), nominal_view(len(poses)), np.zeros(len(poses), np.uint64))
    assert renderer.render(*arguments, out=out) is out
    assert (out == renderer.render(*arguments)).all()
    assert renderer.render(poses[:0], *(part[:0] for part in arguments[1:])).shape == (0, *FRONT.shape)


@pytest.mark.parametrize("size", [(1, 1), (17, 9), (640, 480)])
@pytest.mark.parametrize("camera", [FRONT, WIDE])
def test_any_size(surface, poses, camera, size):
    frames = render(replace(camera, width=size[0], height=size[1]), [surface], poses[:2])
    assert frames.shape == (2, size[1], size[0], 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("camera", [FRONT, WIDE])
def test_nothing_is_written_beside_the_frames(surface, poses, camera, channels):
    camera = replace(camera, width=37, height=20, channels=channels)  # no whole number of blocks
    rows, columns, _ = camera.shape
    room = np.full(2 * rows * columns * channels + 200, 77, np.uint8)
    out = room[100:-100].reshape(2, *camera.shape)
    view, none = nominal_view(2), np.zeros(2, int)
    Renderer(camera, [surface]).render(poses[:2], none, view, none.astype(np.uint64), out)
    assert (room[:100] == 77).all()
    assert (room[-100:] == 77).all()
    assert (out == render(camera, [surface], poses[:2])).all()


def test_bad_arguments_get_one_clear_line(surface, poses):
    renderer = Renderer(FRONT, [surface])
    good = (poses, np.zeros(len(poses), int), nominal_view(len(poses)), np.zeros(len(poses), np.uint64))
    with pytest.raises(SimError, match="surfaces 0 to 0"):
        renderer.render(good[0], good[1] + 1, *good[2:])
    with pytest.raises(SimError, match="surfaces 0 to 0"):
        renderer.render(good[0], good[1] - 1, *good[2:])
    with pytest.raises(SimError, match="give as many"):
        renderer.render(poses[:3], *good[1:])
    with pytest.raises(SimError, match=r"give \(\d+, 3\): x, y \[m\] and yaw \[rad\]"):
        renderer.render(poses[:, :2], *good[1:])
    with pytest.raises(SimError, match="objects around 1: give those around each"):
        renderer.render(*good, objects=np.zeros((1, 2), OBJECT_DTYPE))
    with pytest.raises(SimError, match="contiguous uint8"):
        renderer.render(*good, out=np.zeros((len(poses), 120, 160), np.uint8))
    with pytest.raises(SimError, match="at least one"):
        Renderer(Camera("front"), [])
