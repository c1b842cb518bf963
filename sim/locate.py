"""Where the cars are: everything about a car's place on its route that rules and rewards need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .chassis import FRONT_POINT, WHEELS
from .routes import CENTER, INNER, OUTER, Lines, Routes, is_loop, neighbours, on_road, project

#: One record per car. Terms and rules are DeepRacer's: all distances are those of the front point.
PLACE_DTYPE = np.dtype(
    [
        ("x", np.float64),  # front point [m]
        ("y", np.float64),
        ("yaw", np.float64),  # [rad] in (-pi, pi]
        ("position", np.float64),  # along the centre line, as a share of its length
        ("center_distance", np.float64),  # [m]
        ("width", np.float64),  # of the track here [m]
        ("before", np.int64),  # waypoint indices
        ("after", np.int64),
        ("nearest", np.int64),
        ("left", np.bool_),  # left of the centre line, seen in driving direction
        ("wheels_on", np.int64),  # how many wheels stand on the road
    ]
)


def locate(routes: Routes, route: NDArray[np.int64], pose: NDArray[np.float64]) -> NDArray[np.void]:
    """Place cars on their routes.

    Args:
        routes: The world's routes.
        route: (N,) route of each car.
        pose: (N, 3) x, y [m] and yaw [rad] of each car's base.

    Returns:
        (N,) records of `PLACE_DTYPE`.
    """
    places = np.empty(len(pose), dtype=PLACE_DTYPE)
    _locate(routes.lines, routes.is_ccw, route, pose, WHEELS, FRONT_POINT, places)
    return places


@compiled
def _locate(
    lines: Lines,
    is_ccw: NDArray[np.bool_],
    route: NDArray[np.int64],
    pose: NDArray[np.float64],
    wheels: NDArray[np.float64],
    front_point: float,
    places: NDArray[np.void],
) -> None:
    for i in range(len(places)):
        r = route[i]
        yaw = pose[i, 2]
        cos, sin = np.cos(yaw), np.sin(yaw)
        x, y = pose[i, 0] + front_point * cos, pose[i, 1] + front_point * sin
        measure, cx, cy, distance = project(lines, 3 * r + CENTER, x, y)
        _, ix, iy, to_inner = project(lines, 3 * r + INNER, cx, cy)
        _, ox, oy, to_outer = project(lines, 3 * r + OUTER, cx, cy)
        position = measure / lines.total[3 * r + CENTER]
        before, after = neighbours(lines, 3 * r + CENTER, position)
        place = places[i]
        place.x, place.y = x, y
        place.yaw = np.arctan2(sin, cos)
        place.position = position
        place.center_distance = distance
        place.width = np.hypot(ix - ox, iy - oy)
        place.before, place.after = before, after
        gap_before, gap_after = _waypoint_gap(lines, r, before, x, y), _waypoint_gap(lines, r, after, x, y)
        place.nearest = after if gap_after < gap_before else before
        place.left = (np.hypot(x - ix, y - iy) < np.hypot(x - ox, y - oy)) ^ (not is_ccw[r])
        place.wheels_on = 0
        # No border is nearer to the centre point than this, so a wheel within is on the road. An open track's
        # road also has two ends, which these distances do not see.
        clear = min(to_inner, to_outer) if is_loop(lines, 3 * r + CENTER) else 0.0
        for k in range(len(wheels)):
            wx = pose[i, 0] + wheels[k, 0] * cos - wheels[k, 1] * sin
            wy = pose[i, 1] + wheels[k, 0] * sin + wheels[k, 1] * cos
            if np.hypot(wx - cx, wy - cy) < clear or on_road(lines, r, wx, wy):
                place.wheels_on += 1


@compiled
def _waypoint_gap(lines: Lines, route: int, index: int, x: float, y: float) -> float:
    first, last = lines.segments[3 * route + CENTER]
    k = min(first + index, last - 1)
    wx, wy = lines.start[k, 0], lines.start[k, 1]
    if first + index == last:
        wx, wy = wx + lines.delta[k, 0], wy + lines.delta[k, 1]
    return np.hypot(x - wx, y - wy)
