"""Latency: commands that wait before they reach the wheels, and frames that show where the car was."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_PERIODS: Final = 3
"""The longest wait, in control periods."""


class Past:
    """Where things were at the last few control periods.

    Args:
        shape: Shape (N, ..., 3) of their poses: x, y [m] and yaw [rad]; the first axis is that of the cars.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._poses = np.zeros((MOST_PERIODS + 1, *shape))  # newest first

    def stand(self, which: NDArray[np.intp], pose: NDArray[np.float64]) -> None:
        """Forget the past of some: they have always stood at `pose` (K, ..., 3)."""
        self._poses[:, which] = pose

    def remember(self, pose: NDArray[np.float64]) -> None:
        """Take the poses (N, ..., 3) after a control period."""
        self._poses = np.concatenate([pose[None], self._poses[:-1]])

    def seen(self, which: NDArray[np.intp], age: NDArray[np.float64]) -> NDArray[np.float64]:
        """(K, ..., 3) poses of some, a time (K,) ago [control periods], between two periods if need be."""
        if not age.any():
            return self._poses[0, which]
        newer = age.astype(np.int64)
        older = np.minimum(newer + 1, MOST_PERIODS)
        first, second = self._poses[newer, which], self._poses[older, which]
        change = second - first
        change[..., 2] = (change[..., 2] + np.pi) % (2 * np.pi) - np.pi
        share = (age - newer).reshape(-1, *[1] * (first.ndim - 1))
        return first + share * change


class Latency:
    """The last few poses and commands of N cars, and how far back each car looks.

    Args:
        num_cars: N.
    """

    def __init__(self, num_cars: int) -> None:
        self._poses = Past((num_cars, 3))
        self._commands = np.zeros((MOST_PERIODS + 1, num_cars, 2))
        self._age = np.zeros(num_cars)  # of the pose that a camera shows [control periods]
        self._wait = np.zeros(num_cars, dtype=np.int64)  # of a command [control periods]
        self._cars = np.arange(num_cars)

    def begin(self, car: int, age: float, wait: int) -> None:
        """Set a car's latencies, each 0 to `MOST_PERIODS` control periods; the wait is a whole number."""
        self._age[car] = age
        self._wait[car] = wait

    def stand(self, which: NDArray[np.intp], pose: NDArray[np.float64]) -> None:
        """Forget the past of some cars: they have always stood at `pose` (K, 3)."""
        self._poses.stand(which, pose)
        self._commands[:, which] = 0.0

    def hold(self, command: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the commands (N, 2) of this control period, give those that are due in it."""
        self._commands = np.concatenate([command[None], self._commands[:-1]])
        return self._commands[self._wait, self._cars]

    def remember(self, pose: NDArray[np.float64]) -> None:
        """Take the poses (N, 3) after a control period."""
        self._poses.remember(pose)

    def age(self, which: NDArray[np.intp]) -> NDArray[np.float64]:
        """(K,) age of what the cameras of some cars show [control periods]."""
        return self._age[which]

    def seen(self, which: NDArray[np.intp]) -> NDArray[np.float64]:
        """(K, 3) poses that the cameras show now, between two control periods if need be."""
        return self._poses.seen(which, self._age[which])
