"""A drive that was recorded, as physics: the cars go where they went, whatever they are told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Recording:
    """The `Physics` of one car that follows recorded poses, one per control period, and stays at the last.

    Args:
        poses: (S, 3) x, y [m] and yaw [rad] of the car's base.
        control_hz: Poses per second [Hz].

    Attributes:
        pose: (1, 3) where it is.
        velocity: (1, 3) forward and leftward speed [m/s] and yaw rate [rad/s].
    """

    def __init__(self, poses: NDArray[np.float64], control_hz: float) -> None:
        self._poses = poses
        self._velocities = _velocities(poses, control_hz)
        self._at = 0
        self.pose = poses[:1].copy()
        self.velocity = self._velocities[:1].copy()

    def reset(self, which: NDArray[np.intp], pose: NDArray[np.float64], car: NDArray[np.void]) -> None:
        """Go back to the first pose."""
        self._go(0)

    def step(self, command: NDArray[np.float64], objects: NDArray[np.void] | None = None) -> None:
        """Go on to the next pose."""
        self._go(min(self._at + 1, len(self._poses) - 1))

    def close(self) -> None:
        """There is nothing to release."""

    def _go(self, at: int) -> None:
        self._at = at
        self.pose[0] = self._poses[at]
        self.velocity[0] = self._velocities[at]


def _velocities(poses: NDArray[np.float64], control_hz: float) -> NDArray[np.float64]:
    """(S, 3) velocities in the body frame, between the pose before and the one after."""
    if len(poses) < 2:
        return np.zeros_like(poses)
    x, y = (np.gradient(poses[:, k]) * control_hz for k in (0, 1))
    cos, sin = np.cos(poses[:, 2]), np.sin(poses[:, 2])
    turn = np.gradient(np.unwrap(poses[:, 2])) * control_hz
    return np.column_stack([cos * x + sin * y, cos * y - sin * x, turn])
