"""What the params of reward functions say about objects, for all cars at once.

Source: aws-deepracer-community/deepracer-simapp, markov/track_geom/track_data.py, markov/cameras/frustum.py.
Where the original compares indices of two lists, one with the car and one without, the right object is meant.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .chassis import FRONT_POINT
from .objects import BOX_BUFFER, Kind
from .routes import CENTER, INNER, Lines, Routes, between, project

_BOX = int(Kind.BOX)
# The frustum is that of the original's camera, whichever one the policy sees through.
_CAMERA_X, _CAMERA_HEIGHT = 0.14529379, 0.13032555  # in the car's frame [m]
_CAMERA_PITCH = 0.2618  # downwards [rad]
_NEAR, _FAR = 0.2, 300.0  # planes [m]
_WIDE = math.tan(1.13 / 2)  # half the width of the view at 1 m [m]
_HIGH = _WIDE * 480 / 640

KEYS: Final = (
    "closest_objects",
    "objects_location",
    "objects_left_of_center",
    "objects_speed",
    "objects_heading",
    "objects_distance",
    "objects_distance_from_center",
    "object_in_camera",
)
"""What `object_columns` gives."""


def object_columns(
    routes: Routes, route: NDArray[np.int64], places: NDArray[np.void], objects: NDArray[np.void]
) -> list[list[Any]]:
    """The values of `KEYS`, each for all cars, as plain Python lists that nothing else refers to.

    Args:
        routes: The world's routes.
        route: (N,) route of each car.
        places: (N,) of `PLACE_DTYPE`.
        objects: (N, M) of `OBJECT_DTYPE`, M above 0.
    """
    count, each = objects.shape
    closest = np.empty((count, 2), dtype=np.int64)
    distance, from_center = np.empty((count, each)), np.empty((count, each))
    left, in_camera = np.empty((count, each), dtype=np.bool_), np.empty(count, dtype=np.bool_)
    _place(
        routes.lines, routes.is_ccw, route, places, objects, closest, distance, from_center, left, in_camera
    )
    location = np.stack([objects["x"], objects["y"]], axis=-1)
    heading = np.where(objects["kind"] == Kind.BOX, 0.0, objects["yaw"])
    columns = (closest, location, left, objects["speed"], heading, distance, from_center, in_camera)
    return [column.tolist() for column in columns]


@compiled
def _place(
    lines: Lines,
    is_ccw: NDArray[np.bool_],
    route: NDArray[np.int64],
    places: NDArray[np.void],
    objects: NDArray[np.void],
    closest: NDArray[np.int64],
    distance: NDArray[np.float64],
    from_center: NDArray[np.float64],
    left: NDArray[np.bool_],
    in_camera: NDArray[np.bool_],
) -> None:
    for i in range(objects.shape[0]):
        center = 3 * route[i] + CENTER
        for m in range(objects.shape[1]):
            x, y = objects[i, m].x, objects[i, m].y
            distance[i, m], _, _, from_center[i, m] = project(lines, center, x, y)
            inside = between(lines, center, 3 * route[i] + INNER, x, y)
            left[i, m] = inside ^ (not is_ccw[route[i]])
        own = places[i].position * lines.total[center]
        before, after = _neighbours(distance[i], own)
        closest[i, 0], closest[i, 1] = before, after
        yaw = places[i].yaw
        cos, sin = math.cos(yaw), math.sin(yaw)
        base_x, base_y = places[i].x - FRONT_POINT * cos, places[i].y - FRONT_POINT * sin
        in_camera[i] = _in_view(base_x, base_y, cos, sin, objects[i, after])


@compiled
def _neighbours(distance: NDArray[np.float64], own: float) -> tuple[int, int]:
    """The objects behind and ahead of a place: bisect_right in the order of their distances, wrapping."""
    before, after, first, last = -1, -1, 0, 0
    for m in range(len(distance)):
        d = distance[m]
        if d <= own and (before < 0 or d >= distance[before]):
            before = m
        if d > own and (after < 0 or d < distance[after]):
            after = m
        if d < distance[first]:
            first = m
        if d >= distance[last]:
            last = m
    return (last if before < 0 else before), (first if after < 0 else after)


@compiled
def _in_view(x: float, y: float, cos: float, sin: float, one: Any) -> bool:
    """Whether the middle or a corner of an object's rectangle on the ground lies in the camera's frustum."""
    buffer = BOX_BUFFER if one.kind == _BOX else 0.0
    c, s = math.cos(one.yaw), math.sin(one.yaw)
    cp, sp = math.cos(_CAMERA_PITCH), math.sin(_CAMERA_PITCH)
    for k in range(5):
        along = 0.0 if k == 4 else (one.half_length + buffer) * (1.0 if k < 2 else -1.0)
        across = 0.0 if k == 4 else (one.half_width + buffer) * (1.0 if k % 2 == 0 else -1.0)
        dx, dy = one.x + c * along - s * across - x, one.y + s * along + c * across - y
        ahead, aside = cos * dx + sin * dy - _CAMERA_X, cos * dy - sin * dx
        deep = cp * ahead + sp * _CAMERA_HEIGHT
        up = sp * ahead - cp * _CAMERA_HEIGHT
        if _NEAR < deep < _FAR and abs(aside) < _WIDE * deep and abs(up) < _HIGH * deep:
            return True
    return False
