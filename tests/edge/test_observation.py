"""The one preprocessing function, against OpenCV's area resize and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hairpin.edge import ContractError, ObservationSpec, observe
from hairpin.edge.lidar import LidarSpec


def frame_of(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def reference(frame: NDArray[np.uint8], spec: ObservationSpec) -> NDArray[np.float64]:
    """Area resize by OpenCV in float, then gray, then crop; not rounded."""
    cv2 = pytest.importorskip("cv2")
    size = (spec.width, spec.height)
    levels = cv2.resize(frame.astype(np.float64), size, interpolation=cv2.INTER_AREA)
    levels = levels.reshape(spec.height, spec.width, frame.shape[2])
    if spec.channels < frame.shape[2]:
        levels = levels @ np.array([[0.2989], [0.5870], [0.1140]])
    top, bottom, left, right = spec.crop
    return levels[top : spec.height - bottom, left : spec.width - right]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("crop", [(0, 0, 0, 0), (11, 2, 3, 0)])
@pytest.mark.parametrize(
    ("size", "of"),
    [
        ((160, 120), (640, 480)),
        ((80, 60), (640, 480)),
        ((64, 48), (192, 144)),
        ((84, 63), (640, 480)),
        ((100, 75), (101, 76)),
    ],
)
def test_is_an_area_resize(
    size: tuple[int, int], of: tuple[int, int], crop: tuple[int, int, int, int], channels: int
) -> None:
    spec = ObservationSpec(width=size[0], height=size[1], crop=crop, channels=channels)
    frame = frame_of(of[1], of[0])
    observation = observe(frame, spec)
    assert observation.shape == spec.shape
    assert observation.dtype == np.uint8
    assert observation.flags.c_contiguous
    # OpenCV shrinks edges by a per mille of a cell when the factor is no whole number.
    assert np.abs(observation - reference(frame, spec)).max() <= 0.51


@given(st.integers(1, 40), st.integers(1, 40), st.floats(1, 5), st.integers(0, 255), st.sampled_from((1, 3)))
def test_an_even_frame_stays_even(width: int, height: int, factor: float, level: int, channels: int) -> None:
    have = round(width * factor), round(height * factor)
    if abs(have[0] * height / (have[1] * width) - 1) > 0.01:
        return
    spec = ObservationSpec(width=width, height=height, channels=channels)
    frame = np.full((have[1], have[0], channels), level, np.uint8)
    assert (observe(frame, spec) == level).all()


def test_gray_weights_are_those_of_deepracer() -> None:
    spec = ObservationSpec(width=4, height=1)
    pure = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert observe(pure, spec).ravel().tolist() == [76, 150, 29, 255]


def test_gray_frames_with_and_without_a_channel_axis() -> None:
    spec = ObservationSpec(width=8, height=6)
    frame = frame_of(12, 16, 1)
    assert (observe(frame, spec) == observe(frame[:, :, 0], spec)).all()


def test_the_contracts_size_is_only_cropped() -> None:
    spec = ObservationSpec(width=8, height=6, crop=(1, 2, 3, 0), channels=3)
    frame = frame_of(6, 8)
    assert (observe(frame, spec) == frame[1:4, 3:]).all()


def test_an_observation_is_returned_as_it_is() -> None:
    spec = ObservationSpec(width=8, height=6, crop=(2, 0, 0, 0))
    observation = frame_of(4, 8, 1)
    assert np.shares_memory(observe(observation, spec), observation)
    assert (observe(observation[:, ::-1], spec) == observation[:, ::-1]).all()


def test_the_crop_commutes_with_the_resize() -> None:
    whole = ObservationSpec(width=21, height=15)
    cut = ObservationSpec(width=21, height=15, crop=(4, 3, 2, 1))
    frame = frame_of(50, 70)
    assert (observe(frame, cut) == observe(frame, whole)[4:12, 2:20]).all()


@pytest.mark.parametrize(
    ("frame", "spec", "complaint"),
    [
        (np.zeros((120, 160), np.float32), ObservationSpec(), "float32"),
        ([[0]], ObservationSpec(), "list"),
        (np.zeros((480, 640, 4), np.uint8), ObservationSpec(), "shape"),
        (np.zeros((480,), np.uint8), ObservationSpec(), "shape"),
        (np.zeros((480, 640, 2), np.uint8), ObservationSpec(), "shape"),
        (
            np.zeros((480, 640, 3), np.uint8),
            ObservationSpec("STEREO_CAMERAS", channels=2),
            "left and right in gray",
        ),
        (np.zeros((0, 640, 3), np.uint8), ObservationSpec(), "shape"),
        (np.zeros((480, 640), np.uint8), ObservationSpec(channels=3), "gray, but the contract asks for RGB"),
        (np.zeros((720, 1280, 3), np.uint8), ObservationSpec(), "aspect ratio"),
        (np.zeros((640, 480, 3), np.uint8), ObservationSpec(), "aspect ratio"),
        (np.zeros((60, 80, 3), np.uint8), ObservationSpec(), "smaller than 160x120"),
    ],
)
def test_refuses_frames_that_do_not_fit(frame: object, spec: ObservationSpec, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        observe(frame, spec)  # type: ignore[arg-type]


def test_the_frames_of_two_cameras_are_two_channels() -> None:
    spec = ObservationSpec("STEREO_CAMERAS", width=8, height=6, crop=(2, 0, 0, 0), channels=2)
    frame = np.random.default_rng(0).integers(0, 256, (24, 32, 2), np.uint8)
    seen = observe(frame, spec)
    one = ObservationSpec(width=8, height=6, crop=(2, 0, 0, 0))
    assert seen.shape == (4, 8, 2)
    for eye in (0, 1):
        assert (seen[..., eye] == observe(frame[..., eye], one)[..., 0]).all()


def test_beside_a_lidar_readings_and_observations_have_names() -> None:
    spec = ObservationSpec(width=8, height=6, lidar=LidarSpec("SECTOR_LIDAR"))
    ranges = np.full(64, np.inf)
    ranges[20] = 0.2
    seen = observe({"FRONT_FACING_CAMERA": np.zeros((6, 8), np.uint8), "SECTOR_LIDAR": ranges}, spec)
    assert list(seen) == list(spec.sensors) == ["FRONT_FACING_CAMERA", "SECTOR_LIDAR"]
    assert seen["SECTOR_LIDAR"].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    for reading in (np.zeros((6, 8), np.uint8), {"FRONT_FACING_CAMERA": np.zeros((6, 8), np.uint8)}):
        with pytest.raises(ContractError, match="FRONT_FACING_CAMERA, SECTOR_LIDAR"):
            observe(reading, spec)
