"""The two lanes of each route: where objects stand and bots drive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .routes import CENTER, Lines, Routes, pack

_ARM = 0.1  # a heading is that of the chord so far behind and ahead, so that it turns smoothly [m]


def make_lanes(routes: Routes) -> Lines:
    """The lanes of all routes, halfway between centre line and borders as in DeepRacer.

    A lane has a point for each waypoint, and between two waypoints a lane's place is that between its points,
    so that who drives along it never jumps. The original projects, which differs by centimetres in bends.

    Returns:
        Line `2 * route` is the inner lane, the next one the outer lane.
    """
    sides = [(track.center + border) / 2 for track in routes.tracks for border in (track.inner, track.outer)]
    return pack(sides)


@compiled
def lane_point(lines: Lines, lanes: Lines, route: int, s: float, inner: float) -> tuple[float, float]:
    """Place across the lanes from a place on the centre line.

    Args:
        lines: The routes' lines.
        lanes: Their lanes.
        route: The route.
        s: Place along the centre line, from 0 up to its length [m].
        inner: 1 for the inner lane, 0 for the outer one; what lies between for what lies between.

    Returns:
        x and y [m].
    """
    line = 3 * route + CENTER
    first, last = lines.segments[line]
    k = max(first + np.searchsorted(lines.measure[first:last], s, side="right") - 1, first)
    along = (s - lines.measure[k]) / lines.length[k] if lines.length[k] > 0.0 else 0.0
    i = lanes.segments[2 * route, 0] + k - first
    o = lanes.segments[2 * route + 1, 0] + k - first
    ix, iy = lanes.start[i, 0] + along * lanes.delta[i, 0], lanes.start[i, 1] + along * lanes.delta[i, 1]
    ox, oy = lanes.start[o, 0] + along * lanes.delta[o, 0], lanes.start[o, 1] + along * lanes.delta[o, 1]
    return ox + inner * (ix - ox), oy + inner * (iy - oy)


@compiled
def lane_pose(
    lines: Lines, lanes: Lines, route: int, s: float, inner: float, slope: float, loop: bool
) -> tuple[float, float, float]:
    """Pose in a lane, or between the lanes, looking along it.

    Args:
        lines: The routes' lines.
        lanes: Their lanes.
        route: The route.
        s: Place along the centre line [m]; it wraps on a loop.
        inner: As for `lane_point`.
        slope: Change of `inner` with `s` [1/m].
        loop: Whether the route ends where it begins.

    Returns:
        x, y [m] and yaw [rad].
    """
    total = lines.total[3 * route + CENTER]
    x, y = lane_point(lines, lanes, route, _on(s, total, loop), inner)
    back = lane_point(lines, lanes, route, _on(s - _ARM, total, loop), inner - slope * _ARM)
    ahead = lane_point(lines, lanes, route, _on(s + _ARM, total, loop), inner + slope * _ARM)
    return x, y, np.arctan2(ahead[1] - back[1], ahead[0] - back[0])


@compiled
def _on(s: float, total: float, loop: bool) -> float:
    """A place on the centre line."""
    return s % total if loop else min(max(s, 0.0), total)


def pose_in_lane(routes: Routes, lanes: Lines, route: int, s: float, lane: int) -> NDArray[np.float64]:
    """(3,) x, y [m] and yaw [rad] in a lane (1 inner, -1 outer) at a place along the centre line [m]."""
    inner, loop = float(lane > 0), bool(routes.is_loop[route])
    return np.array(lane_pose(routes.lines, lanes, route, s, inner, 0.0, loop))
