"""From a lidar's ranges to what the policy sees: one function for trainer, simulator and car.

Source of the numbers: aws-deepracer-community/deepracer-simapp, markov/sensors (its filters of lidar values).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .errors import ContractError, check_choice, check_integer, check_number

#: Lidars by their names in DeepRacer's model_metadata.json: distances, near objects by sector, and distances
#: in steps by sector.
LIDAR_SENSORS: Final = ("LIDAR", "SECTOR_LIDAR", "DISCRETIZED_SECTOR_LIDAR")

#: Rays of a scan, spread evenly from `-HALF_VIEW` to `HALF_VIEW`, counter-clockwise [rad]. A DeepRacer's
#: lidar looks backwards: angle 0 is behind the car, and what is straight ahead is the camera's business.
RAYS: Final = 64
HALF_VIEW: Final = 2.61799

#: What a scan measures, from and to; beyond that there is nothing [m].
NEAREST, FARTHEST = 0.15, 12.0

_CLIP: Final = 1.0  # of LIDAR [m]
_SECTORS: Final = 8  # of SECTOR_LIDAR
_NEAR: Final = 0.5  # from here on, SECTOR_LIDAR sees nothing [m]
_MOST_VALUES: Final = 1000


@dataclass(frozen=True)
class LidarConfig:
    """How a discretised lidar is cut into values: `lidar_config` in model_metadata.json.

    Attributes:
        num_sectors: Sectors of the view; they divide the 64 rays.
        num_values_per_sector: Distances told apart in each sector.
        clipping_dist: Distance from which on nothing is seen [m].

    Raises:
        ContractError: A value is of the wrong kind or out of range.
    """

    num_sectors: int = 8
    num_values_per_sector: int = 8
    clipping_dist: float = 2.0

    def __post_init__(self) -> None:
        keep = object.__setattr__
        sectors = check_integer(self.num_sectors, "lidar_config.num_sectors", 1, RAYS)
        if RAYS % sectors:
            raise ContractError(
                f"lidar_config.num_sectors is {sectors}: give 1, 2, 4, 8, 16, 32 or 64, which divide "
                f"{RAYS} rays"
            )
        keep(self, "num_sectors", sectors)
        values = self.num_values_per_sector
        values = check_integer(values, "lidar_config.num_values_per_sector", 1, _MOST_VALUES)
        keep(self, "num_values_per_sector", values)
        clip = check_number(self.clipping_dist, "lidar_config.clipping_dist", NEAREST, FARTHEST)
        keep(self, "clipping_dist", clip)


@dataclass(frozen=True)
class LidarSpec:
    """The lidar that a policy sees with.

    Attributes:
        sensor: Name of the sensor, and of the model's input: one of `LIDAR_SENSORS`.
        config: How it is cut into values; only DISCRETIZED_SECTOR_LIDAR has a choice.

    Raises:
        ContractError: The name is unknown, or the sensor has no such choice.
    """

    sensor: str = "LIDAR"
    config: LidarConfig = LidarConfig()

    def __post_init__(self) -> None:
        check_choice(self.sensor, "lidar sensor", LIDAR_SENSORS)
        if self.sensor != LIDAR_SENSORS[2] and self.config != LidarConfig():
            raise ContractError(
                f"lidar_config is for {LIDAR_SENSORS[2]}, but the sensor is {self.sensor}, which is always "
                f"the same: leave lidar_config out, or write {LIDAR_SENSORS[2]!r}"
            )

    @property
    def size(self) -> int:
        """How many values the policy sees."""
        discretised = self.config.num_sectors * self.config.num_values_per_sector
        return {LIDAR_SENSORS[0]: RAYS, LIDAR_SENSORS[1]: _SECTORS}.get(self.sensor, discretised)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest value: distances of LIDAR [m], else 0 and 1."""
        return (NEAREST, _CLIP) if self.sensor == LIDAR_SENSORS[0] else (0.0, 1.0)


def lidar_values(ranges: NDArray[Any], spec: LidarSpec) -> NDArray[np.float32]:
    """Turn scans into what the policy sees.

    LIDAR is the distances within 0.15 to 1 m. SECTOR_LIDAR is 1 for each of eight sectors with something
    nearer than 0.5 m. DISCRETIZED_SECTOR_LIDAR is, sector by sector, one value for each step of distance: 1
    for the one that the nearest thing is in, and 0 for all where it is at the clipping distance or beyond.

    Args:
        ranges: (..., 64) distances [m] in the order of `ray_angles`; infinity or NaN where there is nothing.
        spec: The lidar.

    Returns:
        (..., spec.size) float32.

    Raises:
        ContractError: The ranges are not numbers, or not 64.
    """
    ranges = np.asarray(ranges)
    if ranges.dtype.kind not in "fiu" or ranges.shape[-1:] != (RAYS,):
        raise ContractError(f"lidar ranges are {ranges.dtype} {ranges.shape}: give (..., {RAYS}) numbers [m]")
    distance = np.where(np.isnan(ranges), np.inf, ranges).astype(np.float64)
    if spec.sensor == LIDAR_SENSORS[0]:
        return np.clip(distance, *spec.bounds).astype(np.float32)
    if spec.sensor == LIDAR_SENSORS[1]:
        return (_nearest(distance, _SECTORS) < _NEAR).astype(np.float32)
    config = spec.config
    nearest = np.clip(_nearest(distance, config.num_sectors), 0.0, config.clipping_dist)
    count = config.num_values_per_sector
    # At the clipping distance there is nothing, whatever rounding makes of the division.
    step = np.minimum(np.floor(nearest / (config.clipping_dist / count)), count - 1)
    step = np.where(nearest >= config.clipping_dist, count, step)
    one_hot = step[..., None] == np.arange(count)
    return one_hot.reshape(*ranges.shape[:-1], spec.size).astype(np.float32)


def ray_angles() -> NDArray[np.float64]:
    """(64,) angle of each ray in the lidar's own frame, counter-clockwise [rad]."""
    return np.linspace(-HALF_VIEW, HALF_VIEW, RAYS)


def ranges_of_turn(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 64 ranges of one turn of a lidar that measures all around.

    Args:
        turn: (N, 2) angle [rad], clockwise as the RPLIDAR counts, and distance [m] of each echo.

    Returns:
        (64,) the nearest echo around each ray [m]; infinity where there is none.
    """
    step = 2 * HALF_VIEW / (RAYS - 1)
    angle = np.remainder(np.pi - turn[:, 0], 2 * np.pi) - np.pi  # counter-clockwise, -pi to pi
    ray = np.rint((angle + HALF_VIEW) / step).astype(np.int64)
    seen = (ray >= 0) & (ray < RAYS) & (turn[:, 1] >= NEAREST) & (turn[:, 1] <= FARTHEST)
    ranges = np.full(RAYS, np.inf)
    np.minimum.at(ranges, ray[seen], turn[seen, 1])
    return ranges


def turn_of_ranges(ranges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The turn (64, 2) of which `ranges_of_turn` makes these ranges; distance 0 where there is nothing."""
    clockwise = np.remainder(-ray_angles(), 2 * np.pi)
    return np.column_stack([clockwise, np.where(np.isfinite(ranges), ranges, 0.0)])


def _nearest(distance: NDArray[np.float64], sectors: int) -> NDArray[np.float64]:
    """The nearest thing in each sector (..., sectors) [m]."""
    nearest: NDArray[np.float64] = distance.reshape(*distance.shape[:-1], sectors, -1).min(axis=-1)
    return nearest
