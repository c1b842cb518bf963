"""The lidar: where each of its rays meets an object on the track.

The tracks have no walls, as in DeepRacer: in a time trial all rays are free.
Source of the place: aws-deepracer-community/deepracer-simapp, deepracer_single_cam_lidar.urdf, where the
lidar looks backwards; so nothing is measured within 30 degrees of straight ahead.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import FARTHEST, NEAREST, RAYS, ray_angles
from hairpin.tracks.compiled import compiled

from .light import mix, noise_tile
from .objects import Kind

FORWARD: Final = 0.02913
"""Of the lidar, ahead of the car's base [m]."""
HEIGHT: Final = 0.184699
"""Of the plane of its rays [m]; lower boxes are not seen."""
FACING: Final = math.pi
"""Where its angle 0 points in the car's frame [rad]."""
NOISE: Final = 0.01
"""Standard deviation of each distance [m], always, as in the original simulator."""

_UNIT: Final = NOISE / 24.0  # the tile of noise holds standard deviations times 24
_OFFSETS: Final = 1 << 16  # places at which the tile can be cut


def scan(
    pose: NDArray[np.float64], objects: NDArray[np.void], noise_seed: NDArray[np.uint64]
) -> NDArray[np.float64]:
    """Distances along the rays of each car's lidar.

    Args:
        pose: (K, 3) x, y [m] and yaw [rad] of the cars.
        objects: (K, M) of `OBJECT_DTYPE`: what is around each car.
        noise_seed: (K,) uint64; the same seed gives the same noise.

    Returns:
        (K, 64) in the order of `ray_angles` [m], 0.15 to 12; infinity where a ray meets nothing.
    """
    ranges = np.full((len(pose), RAYS), np.inf)
    if objects.shape[1]:
        fields = ("x", "y", "yaw", "half_length", "half_width")
        # The shell of a DeepRacer, 0.194 m high, reaches above the rays, however low its body is drawn.
        seen = (objects["height"] >= HEIGHT) | (objects["kind"] == Kind.CAR)
        boxes = np.stack([*(objects[name] for name in fields), seen], axis=-1)
        angles = ray_angles() + FACING
        rays = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        _scan(np.ascontiguousarray(pose), boxes, rays, noise_seed, noise_tile(RAYS), ranges)
    return ranges


@compiled
def _scan(
    pose: NDArray[np.float64],
    boxes: NDArray[np.float64],
    rays: NDArray[np.float64],
    seed: NDArray[np.uint64],
    tile: NDArray[np.int8],
    ranges: NDArray[np.float64],
) -> None:
    """Fill `ranges`, which are infinite before."""
    for i in range(len(pose)):
        cos, sin = math.cos(pose[i, 2]), math.sin(pose[i, 2])
        x, y = pose[i, 0] + FORWARD * cos, pose[i, 1] + FORWARD * sin
        start = np.int64(mix(np.uint64(seed[i])) % np.uint64(_OFFSETS))
        for m in range(boxes.shape[1]):
            if not boxes[i, m, 5]:
                continue
            # The ray in the box's frame, where the box's sides are parallel to the axes.
            cos_box, sin_box = math.cos(boxes[i, m, 2]), math.sin(boxes[i, m, 2])
            to_x, to_y = x - boxes[i, m, 0], y - boxes[i, m, 1]
            from_x, from_y = to_x * cos_box + to_y * sin_box, to_y * cos_box - to_x * sin_box
            along, across = cos * cos_box + sin * sin_box, sin * cos_box - cos * sin_box
            for k in range(len(rays)):
                dx = rays[k, 0] * along - rays[k, 1] * across
                dy = rays[k, 0] * across + rays[k, 1] * along
                distance = _meet(from_x, from_y, dx, dy, boxes[i, m, 3], boxes[i, m, 4])
                ranges[i, k] = min(ranges[i, k], distance)
        for k in range(len(rays)):
            if ranges[i, k] <= FARTHEST:
                noisy = ranges[i, k] + tile[start + k] * _UNIT
                ranges[i, k] = min(max(noisy, NEAREST), FARTHEST)
            else:
                ranges[i, k] = math.inf


@compiled
def _meet(x: float, y: float, dx: float, dy: float, half_length: float, half_width: float) -> float:
    """Distance from (x, y) along (dx, dy) to a rectangle around the origin; 0 inside, infinity if missed."""
    enter, leave = 0.0, math.inf
    for place, step, half in ((x, dx, half_length), (y, dy, half_width)):
        if abs(step) < 1e-12:
            if abs(place) > half:
                return math.inf
            continue
        first, last = (-half - place) / step, (half - place) / step
        enter = max(enter, min(first, last))
        leave = min(leave, max(first, last))
    return enter if enter <= leave else math.inf
