"""Where cars start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .routes import CENTER, INNER, OUTER, Lines, Routes, project

LANE = 0.5  # middle of a lane, from the centre line: half way to the border, as in DeepRacer


def start_pose(
    routes: Routes, route: int, share: float, *, offset: float = 0.0, heading: float = 0.0
) -> NDArray[np.float64]:
    """A pose on the road, looking along it.

    Args:
        routes: The world's routes.
        route: Index of the route.
        share: Place along the centre line, as a share of its length, from 0 up to but not 1.
        offset: Place to the left of the line, as a share of half the width here.
        heading: Angle to the road, + = left [rad].

    Returns:
        (3,) x, y [m] and yaw [rad].
    """
    return np.array(_pose(routes.lines, route, share, offset, heading))


@compiled
def _pose(
    lines: Lines, route: int, share: float, offset: float, heading: float
) -> tuple[float, float, float]:
    line = 3 * route + CENTER
    first, last = lines.segments[line]
    s = share * lines.total[line]
    k = first + np.searchsorted(lines.measure[first:last], s, side="right") - 1
    along = (s - lines.measure[k]) / lines.length[k]
    dx, dy = lines.delta[k, 0], lines.delta[k, 1]
    x, y = lines.start[k, 0] + along * dx, lines.start[k, 1] + along * dy
    _, ix, iy, _ = project(lines, 3 * route + INNER, x, y)
    _, ox, oy, _ = project(lines, 3 * route + OUTER, x, y)
    left = offset * np.hypot(ix - ox, iy - oy) / 2.0 / lines.length[k]
    return x - left * dy, y + left * dx, np.arctan2(dy, dx) + heading
