"""From what the sensors give to what the policy sees: one function for trainer, simulator and car."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .errors import ContractError, check_choice, check_integer, check_sequence, check_text
from .lidar import LidarSpec, lidar_values

#: Two cameras side by side, whose gray frames are two channels: left and right.
STEREO: Final = "STEREO_CAMERAS"

#: Cameras by their names in DeepRacer's model_metadata.json; all but the last give one frame.
CAMERA_SENSORS: Final = ("FRONT_FACING_CAMERA", "LEFT_CAMERA", "observation", STEREO)

#: Gray from red, green and blue, as in DeepRacer's simulator (ITU-R BT.601 to four digits).
GRAY_WEIGHTS: Final = (0.2989, 0.5870, 0.1140)

Observation = NDArray[np.uint8] | dict[str, NDArray[Any]]
"""What the policy sees: the camera's frame, or, beside a lidar, what each sensor gives by its name."""

Reading = NDArray[np.uint8] | Mapping[str, NDArray[Any]]
"""What the sensors give: the camera's frame, or, beside a lidar, frame and ranges by the sensors' names."""

_LARGEST: Final = 4096  # [pixels]
_ASPECT_TOLERANCE: Final = 0.01  # cameras round their frame sizes, as in 854x480


@dataclass(frozen=True)
class ObservationSpec:
    """What the policy sees.

    Attributes:
        sensor: Name of the camera's sensor, and of the model's input.
        camera: Name of the camera that the policy was trained with.
        width: Width of the whole frame, before the crop [pixels].
        height: Height of the whole frame, before the crop [pixels].
        crop: Pixels (top, bottom, left, right) cut off from the whole frame.
        channels: 1 for gray, 3 for RGB, 2 for STEREO_CAMERAS.
        lidar: The lidar beside the camera, if there is one.

    Raises:
        ContractError: A value is of the wrong kind or out of range.
    """

    sensor: str = "FRONT_FACING_CAMERA"
    camera: str = "deepracer"
    width: int = 160
    height: int = 120
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    channels: int = 1
    lidar: LidarSpec | None = None

    def __post_init__(self) -> None:
        check_choice(self.sensor, "observation sensor", CAMERA_SENSORS)
        check_text(self.camera, "observation camera", 100)
        keep = object.__setattr__
        keep(self, "width", check_integer(self.width, "observation width", 1, _LARGEST))
        keep(self, "height", check_integer(self.height, "observation height", 1, _LARGEST))
        crop = check_sequence(self.crop, "observation crop", "[top, bottom, left, right] in pixels", 4)
        keep(self, "crop", tuple(check_integer(c, "observation crop", 0, _LARGEST) for c in crop))
        stereo = check_integer(self.channels, "observation channels", 1, 3) == 2
        if stereo != (self.sensor == STEREO):
            wanted = "2 (left and right, gray)" if self.sensor == STEREO else "1 (gray) or 3 (RGB)"
            raise ContractError(f"observation channels is {self.channels} for {self.sensor}: give {wanted}")
        if min(self.shape) < 1:
            raise ContractError(
                f"observation crop {list(self.crop)} leaves nothing of {self.width}x{self.height}: cut less"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (h, w, c) of what the policy sees of the camera."""
        top, bottom, left, right = self.crop
        return self.height - top - bottom, self.width - left - right, self.channels

    @property
    def sensors(self) -> tuple[str, ...]:
        """Names of all sensors, the camera first."""
        return (self.sensor,) if self.lidar is None else (self.sensor, self.lidar.sensor)

    @property
    def ports(self) -> dict[str, tuple[tuple[int, ...], type[np.uint8 | np.float32]]]:
        """Shape and element type of what the policy sees of each sensor, by the sensors' names."""
        camera: dict[str, tuple[tuple[int, ...], type[np.uint8 | np.float32]]]
        camera = {self.sensor: (self.shape, np.uint8)}
        return (
            camera if self.lidar is None else {**camera, self.lidar.sensor: ((self.lidar.size,), np.float32)}
        )

    def named(self, observations: Observation | Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Observations by the sensors' names, whether or not they came with them.

        Raises:
            ContractError: They are not those of these sensors.
        """
        if self.lidar is None and isinstance(observations, np.ndarray):
            return {self.sensor: observations}
        given = list(observations) if isinstance(observations, Mapping) else []
        if set(given) != set(self.sensors):
            kind = f"those of {', '.join(map(str, given)) or 'nothing'}" if given else "without names"
            raise ContractError(f"observations are {kind}: give {{name: array}} of {', '.join(self.sensors)}")
        assert isinstance(observations, Mapping)
        return {name: observations[name] for name in self.sensors}


def observe(reading: Reading, spec: ObservationSpec) -> Observation:
    """Turn what the sensors give into what the policy sees: `observe_frame`, and `lidar_values` for a lidar.

    Args:
        reading: The camera's frame; beside a lidar, frame and ranges (64,) [m] by the sensors' names.
        spec: What the policy sees.

    Raises:
        ContractError: The reading does not fit the contract.
    """
    if spec.lidar is None and not isinstance(reading, Mapping):
        return observe_frame(reading, spec)
    named = spec.named(reading)
    frame = observe_frame(named[spec.sensor], spec)
    if spec.lidar is None:
        return frame
    return {spec.sensor: frame, spec.lidar.sensor: lidar_values(named[spec.lidar.sensor], spec.lidar)}


def batch_of_one(observation: Observation) -> Observation:
    """An observation with the first axis that batches have."""
    if isinstance(observation, np.ndarray):
        return observation[None]
    return {name: values[None] for name, values in observation.items()}


def observe_frame(frame: NDArray[np.uint8], spec: ObservationSpec) -> NDArray[np.uint8]:
    """Turn a camera frame into what the policy sees of it: area resize, gray, crop; rounded once, halves up.

    A frame of the contract's size is not resized, and one that has the observation's shape already (a
    simulated camera renders only what the crop keeps) is returned as it is.

    Args:
        frame: (H, W, 3) RGB, (H, W) or (H, W, 1) gray, or (H, W, 2) the gray frames of a left and a right
            camera, uint8, not smaller than the contract's whole frame and of its aspect ratio.
        spec: What the policy sees.

    Returns:
        (h, w, c) uint8, contiguous; it may share memory with `frame`.

    Raises:
        ContractError: The frame does not fit the contract.
    """
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
        kind = getattr(frame, "dtype", type(frame).__name__)
        raise ContractError(f"frame is {kind}: give an array of uint8")
    if frame.ndim == 2:
        frame = frame[:, :, None]
    if frame.shape == spec.shape:
        return np.ascontiguousarray(frame)
    rows, columns = _resize_taps(frame.shape, spec)
    if len(rows[0]) == 1 and frame.shape[2] == spec.channels:
        return np.ascontiguousarray(frame[np.ix_(rows[0][0], columns[0][0])])
    levels = _weighted_rows(frame, *rows)
    if frame.shape[2] != spec.channels:
        levels = _gray(levels)
    levels = _weighted_rows(levels.swapaxes(0, 1), *columns).swapaxes(0, 1)
    return np.minimum(levels + np.float32(0.5), np.float32(255)).astype(np.uint8, order="C")


_Taps = tuple[NDArray[np.intp], NDArray[np.float32]]  # (k, n) indices and weights of n outputs, k inputs each


@lru_cache(maxsize=8)
def _resize_taps(shape: tuple[int, ...], spec: ObservationSpec) -> tuple[_Taps, _Taps]:
    """What each kept row and each kept column of the whole frame is made of, for frames of one shape."""
    kinds = (2,) if spec.sensor == STEREO else (1, 3)
    if len(shape) != 3 or shape[2] not in kinds or 0 in shape:
        wanted = "(H, W, 2), left and right in gray" if kinds == (2,) else "(H, W, 3) RGB, or (H, W) gray"
        raise ContractError(f"frame has the shape {shape}: give {wanted}")
    height, width, channels = shape
    have, wanted = f"{width}x{height}", f"{spec.width}x{spec.height}"
    if channels < spec.channels:
        raise ContractError(
            f"frame {have} is gray, but the contract asks for RGB: let the camera give colours"
        )
    if abs(width * spec.height / (height * spec.width) - 1.0) > _ASPECT_TOLERANCE:
        raise ContractError(
            f"frame {have} has another aspect ratio than {wanted}: set the camera to {wanted}"
        )
    if width < spec.width or height < spec.height:
        raise ContractError(f"frame {have} is smaller than {wanted}: set the camera to {wanted} or larger")
    top, bottom, left, right = spec.crop
    rows = np.arange(top, spec.height - bottom + 1, dtype=np.float64) * (height / spec.height)
    columns = np.arange(left, spec.width - right + 1, dtype=np.float64) * (width / spec.width)
    return _area_taps(rows, height), _area_taps(columns, width)


def _area_taps(edges: NDArray[np.float64], length: int) -> _Taps:
    """Weights of an area resize: the mean of `length` unit cells between neighbouring edges (n + 1,)."""
    low, high = edges[:-1], edges[1:]
    tiny = 1e-9  # edges that are whole numbers up to rounding touch no further cell
    first = np.floor(low + tiny).astype(np.intp)
    count = int((np.ceil(high - tiny) - first).max())
    cells = first + np.arange(count)[:, None]
    overlap = np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0.0, None)
    return np.minimum(cells, length - 1), (overlap / (high - low)).astype(np.float32)


def _weighted_rows(
    values: NDArray[Any], indices: NDArray[np.intp], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weighted sums (n, ...) of rows; element by element, so that every CPU gives the same bits."""
    weights = weights.reshape(*weights.shape, *(1,) * (values.ndim - 1))
    total: NDArray[np.float32] = values[indices[0]] * weights[0]
    for index, weight in zip(indices[1:], weights[1:], strict=True):
        total += values[index] * weight
    return total


def _gray(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    red, green, blue = (np.float32(weight) for weight in GRAY_WEIGHTS)
    gray: NDArray[np.float32] = levels[:, :, 0] * red + levels[:, :, 1] * green + levels[:, :, 2] * blue
    return gray[:, :, None]
