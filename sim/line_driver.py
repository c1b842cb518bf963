"""A driver who knows the racing line and where the car is: policies that see frames alone learn from it."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.line import RacingLine, racing_line

from .chassis import MAX_SPEED, MAX_STEERING
from .limits import nominal_limits
from .world import World

GRIP: Final = 0.9
"""Share of grip and motor that the line uses; the rest is for keeping to it."""
_OFFSET_GAIN: Final = 0.6  # steering per distance from the line [rad/m]
_HEADING_GAIN: Final = 0.5  # steering per angle to the line [rad/rad]
_STEERING_LEAD: Final = 0.1  # what the wheels take to turn, and half a command's time [s]
_SPEED_LEAD: Final = 0.2  # what the car takes to reach a speed [s]
_CALM_ANGLE: Final = 0.25  # beyond this angle to the line the car is slowed down [rad]
_CALM_OFFSET: Final = 0.2  # and beyond this distance from it [m]
_RETURN_SPEED: Final = 1.8  # to where, when far beyond [m/s]


class LineDriver:
    """Follows the racing line of each car's route: the line's steering and speed, and back to it where off.

    Args:
        world: The cars.
        max_speed: The fastest that a car is told to go [m/s].

    Raises:
        TrackError: A track has no racing line, or the solver is not installed.
    """

    def __init__(self, world: World, max_speed: float = MAX_SPEED) -> None:
        self._world = world
        nominal = nominal_limits(max_speed)
        limits = dataclasses.replace(
            nominal, friction=GRIP * nominal.friction, acceleration=GRIP * nominal.acceleration
        )
        ways = {"ccw": (True,), "cw": (False,)}.get(world.config.direction or "", (True, False))
        routes = world.routes
        self._lines: dict[int, RacingLine] = {
            route: racing_line(track, limits)
            for route, track in enumerate(routes.tracks)
            if bool(routes.is_ccw[route]) in ways
            and not (world.config.direction is None and routes.reverse[route])
        }

    def commands(self) -> NDArray[np.float64]:
        """What to tell each car now; (N, 2) steering [rad] and speed [m/s]."""
        commands = np.empty((self._world.num_cars, 2))
        for route in np.unique(self._world.route).tolist():
            cars = np.flatnonzero(self._world.route == route)
            commands[cars] = _follow(self._lines[route], self._world.pose[cars])
        return commands


def _follow(line: RacingLine, pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Commands (K, 2) for cars at poses (K, 3)."""
    gap = pose[:, None, :2] - line.pose[None, :, :2]
    nearest = (gap**2).sum(axis=2).argmin(axis=1)
    rows = np.arange(len(pose))
    heading = line.pose[nearest, 2]
    beside = gap[rows, nearest]
    offset = beside[:, 1] * np.cos(heading) - beside[:, 0] * np.sin(heading)
    turn = np.remainder(pose[:, 2] - heading + np.pi, 2 * np.pi) - np.pi
    steering = _at(line, line.steering, line.time[nearest] + _STEERING_LEAD)
    steering -= _OFFSET_GAIN * offset + _HEADING_GAIN * turn
    speed = _at(line, line.speed, line.time[nearest] + _SPEED_LEAD)
    astray = np.maximum(np.abs(turn) / _CALM_ANGLE, np.abs(offset) / _CALM_OFFSET) - 1.0
    calm = np.clip(astray, 0.0, 1.0)
    speed -= calm * np.maximum(speed - _RETURN_SPEED, 0.0)
    return np.column_stack((np.clip(steering, -MAX_STEERING, MAX_STEERING), speed))


def _at(line: RacingLine, values: NDArray[np.float64], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values along a line at times [s], which go round on a closed track."""
    period = line.lap_time if line.track.closed else None
    return np.interp(time, line.time, values, period=period)
