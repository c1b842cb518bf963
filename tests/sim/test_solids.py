"""Boxes and cars in camera frames, against ray casting in numpy and against PyBullet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exact_frames import gray

from hairpin.sim import CAMERAS, Camera
from hairpin.sim.camera import rotation
from hairpin.sim.objects import OBJECT_DTYPE, Kind
from hairpin.sim.render import Renderer, nominal_view
from hairpin.sim.solids import parts_of
from hairpin.tracks import load_track
from hairpin.tracks.surface import Surface, rasterise

FRONT = replace(CAMERAS["deepracer"], channels=3)
WIDE = replace(CAMERAS["wide"], channels=3, width=120, height=90)
CAMERAS_TRIED = [
    FRONT,
    WIDE,
    replace(FRONT, roll=0.2, crop=(10, 5, 20, 0)),
    replace(WIDE, crop=(33, 0, 0, 7), pitch=-0.1),
]


@pytest.fixture(scope="module")
def surface() -> Surface:
    return rasterise(load_track("oval"), texel=0.02)


def scenes(
    count: int, seed: int = 0, kinds: tuple[Kind, ...] = (Kind.BOX, Kind.CAR)
) -> tuple[np.ndarray, ...]:
    """Poses, views and three objects around each: near and far, beside and behind."""
    rng = np.random.default_rng(seed)
    pose = np.column_stack([rng.uniform(-2, 2, (count, 2)), rng.uniform(-3, 3, count)])
    objects = np.zeros((count, 3), OBJECT_DTYPE)
    for i in range(count):
        apart = 0.0
        while apart < 0.6:  # objects do not overlap
            away, angle = rng.uniform(0.6, 3.0, 3), rng.uniform(-1.6, 1.6, 3) + pose[i, 2]
            x, y = pose[i, 0] + away * np.cos(angle), pose[i, 1] + away * np.sin(angle)
            apart = min(np.hypot(x[a] - x[b], y[a] - y[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
        objects["x"][i], objects["y"][i] = x, y
    objects["yaw"] = rng.uniform(-3, 3, (count, 3))
    objects["kind"] = rng.choice([int(kind) for kind in kinds], (count, 3))
    objects["half_length"], objects["half_width"], objects["height"] = 0.2, 0.15, 0.25
    objects["color"] = rng.uniform(60, 250, (count, 3, 3))
    view = nominal_view(count)
    for name, most in (("height", 0.03), ("pitch", 0.1), ("roll", 0.1), ("yaw", 0.2)):
        view[name] = rng.uniform(-most, most, count)
    return pose, view, objects


def draw(
    camera: Camera, surface: Surface, scene: tuple[np.ndarray, ...], *, bare: bool = False
) -> np.ndarray:
    pose, view, objects = scene
    count = len(pose)
    seeds = np.zeros(count, np.uint64)
    return Renderer(camera, [surface]).render(
        pose, np.zeros(count, int), view, seeds, objects=None if bare else objects
    )


def cast(camera: Camera, pose: np.ndarray, view: np.void, objects: np.ndarray) -> np.ndarray:
    """(rows, columns) index of the object that the ray through each pixel's centre meets first, or -1."""
    turn = rotation(camera.roll + view["roll"], camera.pitch + view["pitch"], pose[2] + view["yaw"])
    rays = camera.lens_rays() @ turn.T
    eye = rotation(0.0, 0.0, pose[2]) @ camera.position + [pose[0], pose[1], view["height"]]
    found, nearest = np.full(rays.shape[:2], -1), np.full(rays.shape[:2], np.inf)
    for m, one in enumerate(objects):
        back = rotation(0.0, 0.0, -float(one["yaw"]))
        ray, start = rays @ back.T, back @ (eye - [one["x"], one["y"], 0.0])
        size = np.array([one["half_length"], one["half_width"], one["height"]])
        for *bounds, _ in parts_of(Kind(int(one["kind"]))):
            low, high = np.array(bounds[::2]) * size, np.array(bounds[1::2]) * size
            with np.errstate(divide="ignore", invalid="ignore"):
                ends = np.sort(np.stack([(low - start) / ray, (high - start) / ray]), axis=0)
            enter, leave = ends[0].max(axis=-1), ends[1].min(axis=-1)
            hit = (enter > 0.02) & (enter < leave) & (enter < nearest)
            found[hit], nearest[hit] = m, enter[hit]
    return found


@pytest.mark.parametrize("camera", CAMERAS_TRIED, ids=["front", "wide", "tilted", "cropped"])
def test_objects_are_where_rays_meet_them(camera: Camera, surface: Surface) -> None:
    scene = scenes(25)
    frames, bare = draw(camera, surface, scene), draw(camera, surface, scene, bare=True)
    shown = 0
    for i in range(25):
        # Each object in a colour of its own, to tell which one is seen.
        pose, view, objects = (part[i : i + 1].copy() for part in scene)
        objects["kind"] = Kind.BOX
        objects["color"] = np.eye(3) * 250
        frame = draw(camera, surface, (pose, view, objects))[0].astype(int)
        found = cast(camera, pose[0], view[0], objects[0])
        inner = np.zeros(found.shape, bool)  # pixels whose neighbours see the same: no edge runs through
        same = np.ones((found.shape[0] - 2, found.shape[1] - 2), bool)
        for dv in range(3):
            for du in range(3):
                rows, columns = found.shape[0] - 2, found.shape[1] - 2
                same &= found[dv : dv + rows, du : du + columns] == found[1:-1, 1:-1]
        inner[1:-1, 1:-1] = same
        for m in range(3):
            pixels = frame[inner & (found == m)]
            shown += len(pixels)
            assert (pixels[:, m] >= 150).all() and (np.delete(pixels, m, axis=1) == 0).all()
        empty = inner & (cast(camera, pose[0], view[0], scene[2][i]) < 0)
        np.testing.assert_array_equal(frames[i][empty & (found < 0)], bare[i][empty & (found < 0)])
    assert shown > 3000


@pytest.mark.parametrize("camera", CAMERAS_TRIED[:2], ids=["front", "wide"])
def test_a_batch_gives_what_single_frames_do_and_gray_is_gray(camera: Camera, surface: Surface) -> None:
    scene = scenes(8, seed=1)
    for name, value in (("gain", 0.9), ("bias", 5.0), ("noise", 3.0)):
        scene[1][name] = value
    frames = draw(camera, surface, scene)
    for i in range(8):
        alone = draw(camera, surface, tuple(part[i : i + 1] for part in scene))
        np.testing.assert_array_equal(alone[0], frames[i])
    scene[1]["noise"] = 0.0
    coloured = draw(camera, surface, scene).astype(float)
    plain = draw(replace(camera, channels=1), surface, scene)[..., 0]
    assert np.abs(gray(coloured) - plain).max() < 2.5


def test_what_is_nearer_hides_what_is_farther_whatever_their_order(surface: Surface) -> None:
    objects = np.zeros((1, 2), OBJECT_DTYPE)
    objects["x"], objects["half_length"], objects["half_width"] = [[1.0, 2.0]], 0.2, 0.15
    objects["height"] = 0.25
    objects["color"] = [[[250, 0, 0], [0, 250, 0]]]
    pose, view = np.zeros((1, 3)), nominal_view(1)
    frame = draw(FRONT, surface, (pose, view, objects))
    np.testing.assert_array_equal(frame, draw(FRONT, surface, (pose, view, objects[:, ::-1])))
    red, green = ((frame[0][..., k] > 100) & (frame[0][..., 2] == 0) for k in (0, 1))
    assert red.sum() > 400 and not green.any()
    objects["y"] = [[0.0, 0.3]]  # half hidden
    frame = draw(FRONT, surface, (pose, view, objects))
    assert 20 < ((frame[0][..., 1] > 100) & (frame[0][..., 2] == 0)).sum() < red.sum()


@pytest.mark.parametrize("camera", CAMERAS_TRIED[:2], ids=["front", "wide"])
def test_a_box_beside_the_camera_is_drawn_as_far_as_it_is_seen(camera: Camera, surface: Surface) -> None:
    shown = []
    for ahead in np.linspace(0.8, -0.6, 29):
        objects = np.zeros((1, 1), OBJECT_DTYPE)
        objects["x"], objects["y"] = ahead, 0.3
        objects["half_length"], objects["half_width"], objects["height"] = 0.2, 0.15, 0.25
        objects["color"] = (250, 0, 0)
        frame = draw(camera, surface, (np.zeros((1, 3)), nominal_view(1), objects))[0].astype(int)
        expected = cast(camera, np.zeros(3), nominal_view(1)[0], objects[0]) == 0
        red = (frame[..., 0] > 120) & (frame[..., 1] + frame[..., 2] < 60)
        assert (red != expected).mean() < 0.02
        shown.append(int(red.sum()))
    assert max(shown) > 1000 and shown[-1] == 0


def test_faces_differ_in_brightness_and_cars_look_like_cars(surface: Surface) -> None:
    objects = np.zeros((1, 1), OBJECT_DTYPE)
    objects["kind"], objects["x"], objects["y"], objects["yaw"] = Kind.CAR, 0.9, 0.05, 0.5
    objects["half_length"], objects["half_width"], objects["height"] = 0.16, 0.1, 0.16
    objects["color"] = (30, 60, 240)
    scene = (np.zeros((1, 3)), nominal_view(1), objects)
    changed = (draw(FRONT, surface, scene) != draw(FRONT, surface, scene, bare=True)).any(axis=-1)[0]
    pixels = draw(FRONT, surface, scene)[0][changed].astype(int)
    body = pixels[(pixels[:, 2] > 2 * pixels[:, 0]) & (pixels[:, 2] > 100)]
    assert len(np.unique(body[:, 2])) >= 3 and 0.2 < len(body) / len(pixels) < 0.8
    dark = pixels.max(axis=1) < 60  # tyres
    assert dark.sum() > 0.05 * len(pixels)


def test_pybullet_draws_them_in_the_same_places(surface: Surface) -> None:
    pytest.importorskip("pybullet")
    from hairpin.sim.bullet_camera import BulletRenderer

    scene = scenes(12, seed=2)
    pose, view, objects = scene
    renderer = BulletRenderer(FRONT, [surface])
    arguments = (pose, np.zeros(12, int), view, np.zeros(12, np.uint64))
    theirs = [renderer.render(*arguments, objects=one) for one in (objects, objects[:, :0])]
    ours = [draw(FRONT, surface, scene), draw(FRONT, surface, scene, bare=True)]
    masks = [(np.abs(a.astype(int) - b).sum(axis=-1) > 12) for a, b in (theirs, ours)]
    overlap = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    print(f"intersection over union {overlap:.4f}")
    assert overlap > 0.95 and masks[1].mean() > 0.02
    again = renderer.render(*arguments, objects=objects[:, ::-1])  # the bodies are used again
    np.testing.assert_array_equal(again, theirs[0])
    renderer.close()
