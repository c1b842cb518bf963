"""The racing line: the fastest way round a track within the limits of a car, by optimal control.

The time of a lap is minimised over path and speed at once, in road coordinates along a smooth reference line,
with a car that has two axles, each with a friction circle and a motor of its own, and whose wheels roll
without side slip (`line_problem`). Source of the form: Lot and Biral, A curvilinear abscissa approach for the
lap time optimization of racing vehicles, IFAC 2014.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from .geometry import Array, Polyline
from .line_problem import CarLimits as CarLimits
from .line_problem import Solution, solve
from .line_road import Road, make_road
from .track import Track
from .validate import TrackError

STEP = 0.08
"""Distance between the points of a line, nearly [m]; half of it changes a lap's time by less than 0.1 %."""
TOLERANCE = 0.001
"""How far a wheel's centre may be over a border [m]."""

_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class RacingLine:
    """The fastest line of a car on a track.

    On a closed track the lap is a flying one and the first point is not repeated at the end; an open one is
    driven from almost standing.

    Attributes:
        track: The track, rows in driving order.
        limits: What the car can do.
        pose: (N, 3) x, y [m] and heading [rad] of the car between its axles.
        point: (N, 2) of the car's reference point [m], which `x` and `y` of a reward function are of.
        speed: (N,) [m/s].
        steering: (N,) of the wheels, + = left [rad].
        time: (N,) since the first point [s].
        s: (N,) along the track's centre line [m].
        lap_time: [s].
    """

    track: Track
    limits: CarLimits
    pose: Array
    point: Array
    speed: Array
    steering: Array
    time: Array
    s: Array
    lap_time: float


def racing_line(track: Track, limits: CarLimits, *, reverse: bool = False, step: float = STEP) -> RacingLine:
    """Find the fastest line.

    Args:
        track: Where to drive.
        limits: What the car can do.
        reverse: Whether to drive against the order of the track's rows.
        step: Distance between the line's points, nearly [m].

    Raises:
        TrackError: The car does not fit on the road, the solver finds no line, or is not installed.
    """
    if not 0.01 <= step <= 1.0:
        raise TrackError(f"step is {step}: give 0.01 to 1 m")
    driven = track.reversed() if reverse else track
    road = make_road(driven, step)
    least = 2 * max(abs(y) for _, y in limits.wheels)
    narrow = road.left - road.right
    if float(narrow.min()) <= least:
        raise TrackError(
            f"{track.name}: the road is {narrow.min():.2f} m wide at {road.s[narrow.argmin()]:.1f} m, "
            f"too narrow for a car of {least:.2f} m"
        )
    for _ in range(_ROUNDS):
        found = solve(road, limits)
        pose = _pose(road, found)
        excess = _excess(driven, pose, limits)
        if float(excess.max()) <= TOLERANCE:
            break
        road = dataclasses.replace(road, left=road.left - excess[0], right=road.right + excess[1])
    front = np.stack((np.cos(pose[:, 2]), np.sin(pose[:, 2])), axis=1)
    keep = slice(None, -1) if driven.closed else slice(None)
    return RacingLine(
        track=driven,
        limits=limits,
        pose=pose[keep],
        point=(pose[:, :2] + limits.reference * front)[keep],
        speed=found.speed[keep],
        steering=found.steering[keep],
        time=found.time[keep],
        s=driven.to_road(pose[:, :2])[0][keep],
        lap_time=float(found.time[-1]),
    )


def _pose(road: Road, found: Solution) -> Array:
    """Poses (N, 3) of a solution."""
    left = np.stack((-np.sin(road.heading), np.cos(road.heading)), axis=1)
    heading = road.heading + found.turn
    wrapped = np.arctan2(np.sin(heading), np.cos(heading))
    return np.column_stack((road.xy + found.offset[:, None] * left, wrapped))


def _excess(track: Track, pose: Array, limits: CarLimits) -> Array:
    """How far (2, N) the worst wheel of each pose is over the left and over the right border [m].

    The problem looks at a border beside the car's middle, and takes the road for an arc from there to the
    wheels. Where that is not so, the road is narrowed by as much as the wheels were over.
    """
    sin, cos = np.sin(pose[:, 2]), np.cos(pose[:, 2])
    borders = (track.inner, track.outer) if track.is_ccw else (track.outer, track.inner)
    excess = np.zeros((2, len(pose)))
    for x, y in limits.wheels:
        wheel = pose[:, :2] + np.stack((x * cos - y * sin, x * sin + y * cos), axis=1)
        for side, (border, sign) in enumerate(zip(borders, (1.0, -1.0), strict=True)):
            over = sign * Polyline(border, track.closed).project(wheel)[1]
            excess[side] = np.maximum(excess[side], over)
    # A node's neighbours see the same wheel of the car, a little earlier and a little later.
    near = (np.roll(excess, shift, axis=1) for shift in (-1, 0, 1))
    return np.max(list(near), axis=0)
