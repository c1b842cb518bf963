from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairpin.sim.camera import CAMERAS, Camera, rotation
from hairpin.sim.errors import SimError

FRONT = CAMERAS["deepracer"]
WIDE = CAMERAS["wide"]


def test_named_cameras():
    assert np.rad2deg(FRONT.hfov) == pytest.approx(64.7, abs=0.1)
    assert FRONT.shape == WIDE.shape == (120, 160, 1)
    assert np.rad2deg(FRONT.pitch) == pytest.approx(15, abs=0.01)
    assert WIDE.distortion is not None


@pytest.mark.parametrize("camera", [FRONT, WIDE, replace(FRONT, width=321, height=77)])
def test_the_frame_spans_the_field_of_view(camera):
    level = replace(camera, pitch=0.0)
    half = camera.hfov / 2
    for side, u in ((1, 0.0), (-1, camera.width)):
        edge = np.add(camera.position, [np.cos(half), side * np.sin(half), 0.0])
        assert level.project(edge) == pytest.approx([u, camera.height / 2], abs=1e-6)


def test_a_point_on_the_ground_is_where_geometry_says():
    depression = np.arctan2(FRONT.position[2], 1.0)
    v = 60 + FRONT.focal * np.tan(depression - FRONT.pitch)
    assert FRONT.project([FRONT.position[0] + 1.0, 0.0, 0.0]) == pytest.approx([80, v])
    assert FRONT.focal == pytest.approx(80 / np.tan(1.13 / 2))


@pytest.mark.parametrize(
    "camera",
    [
        FRONT,
        WIDE,
        replace(WIDE, roll=0.3, crop=(20, 10, 5, 7)),
        replace(FRONT, width=64, height=48, roll=-0.1),
    ],
)
def test_rays_and_projection_are_inverse(camera):
    rows, columns, _ = camera.shape
    rays = camera.rays()
    assert rays.shape == (rows, columns, 3)
    assert np.linalg.norm(rays, axis=-1) == pytest.approx(1)
    pixels = camera.project(np.array(camera.position) + 2.7 * rays)
    expected = np.stack(np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5), axis=-1)
    assert np.abs(pixels - expected).max() < 1e-6


def test_distortion_is_that_of_opencv():
    level = replace(WIDE, pitch=0.0, position=(0.0, 0.0, 1.0))
    points = np.random.default_rng(0).uniform([0.5, -1, -0.6], [2, 1, 0.6], (200, 3))
    matrix = np.array([[WIDE.focal, 0, 80], [0, WIDE.focal, 60], [0, 0, 1]])
    optical = np.stack((-points[:, 1], -points[:, 2], points[:, 0]), axis=-1)[
        :, None
    ]  # x right, y down, z ahead
    expected, _ = cv2.fisheye.projectPoints(
        optical, np.zeros(3), np.zeros(3), matrix, np.array(WIDE.distortion)
    )
    assert level.project(points + np.array([0, 0, 1])) == pytest.approx(expected[:, 0], abs=1e-4)


def test_the_wide_camera_sees_more():
    angles = np.deg2rad([20, 50, -50])
    beside = FRONT.position + np.column_stack((np.cos(angles), np.sin(angles), np.full(3, -0.1)))
    for camera, seen in ((FRONT, [True, False, False]), (WIDE, [True, True, True])):
        u, v = camera.project(beside).T
        assert ((u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)).tolist() == seen


def test_points_out_of_reach_are_nan():
    behind = [[-1.0, 0.0, 0.1], list(FRONT.position)]
    assert np.isnan(FRONT.project(behind)).all()
    assert np.isnan(WIDE.project(behind)).all()


def test_crop_shifts_pixels():
    cropped = replace(FRONT, crop=(40, 0, 10, 0), channels=3)
    assert cropped.shape == (80, 150, 3)
    assert FRONT.project([1.0, 0.1, 0.0]) - cropped.project([1.0, 0.1, 0.0]) == pytest.approx([10, 40])


@given(*[st.floats(-1.5, 1.5)] * 3)
def test_rotation_is_a_rotation(roll, pitch, yaw):
    turn = rotation(roll, pitch, yaw)
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert np.arctan2(turn[1, 0], turn[0, 0]) == pytest.approx(yaw)  # the direction of view
    assert -np.arcsin(turn[2, 0]) == pytest.approx(pitch)  # + looks down
    assert np.sign(turn[2, 1]) == np.sign(np.sin(roll) * np.cos(pitch))  # + lifts the left side


def test_solid_angles_fill_the_frame():
    # Exact for a pinhole frame: 4 asin(sin of half the angles ...) of a rectangular pyramid.
    a, b = np.tan(FRONT.hfov / 2), np.tan(FRONT.hfov / 2) * 0.75
    exact = 4 * np.arcsin(a * b / np.sqrt((1 + a * a) * (1 + b * b)))
    assert (FRONT.pixel_angles() ** 2).sum() == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"channels": 2}, "1 (gray) or 3"),
        ({"width": 0}, "1 to 4096"),
        ({"crop": (60, 60, 0, 0)}, "leaves nothing"),
        ({"crop": (-1, 0, 0, 0)}, "leaves nothing"),
        ({"position": (0.1, 0.0, -0.1)}, "above the ground"),
        ({"pitch": 15.0}, "radians"),
        ({"hfov": 64.7}, "radians"),
        ({"distortion": (-0.5, 0.0, 0.0, 0.0), "hfov": 2.2}, "folds over"),
        ({"width": 160.5}, "camera frame is (160.5, 120): give 2 whole numbers"),
        ({"crop": (1, 2)}, "camera crop is (1, 2): give 4 whole numbers"),
        ({"position": 0.13}, "camera position is 0.13: give 3 numbers"),
        ({"hfov": "wide"}, "camera hfov, pitch, roll is ('wide', 0.2618, 0.0): give 3 numbers"),
        ({"distortion": (0.1,)}, "camera distortion is (0.1,): give 4 numbers"),
    ],
)
def test_bad_cameras_get_one_clear_line(change, words):
    with pytest.raises(SimError) as error:
        Camera("mine", **change)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
