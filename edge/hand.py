"""Driving by hand: a person as the pilot of the drive loop."""

from __future__ import annotations

import math

from .contract import MAX_SPEED, MAX_STEERING, Command


class Hand:
    """What a person wants, from a stick, keys or a gamepad; any thread may `move` it.

    The drive loop asks it at each frame, as it asks a policy. So whoever drives by hand is stopped by the
    same faults: without a picture nobody drives.
    """

    top_speed = MAX_SPEED  # full throttle stands for it, as for a policy's fastest action [m/s]

    def __init__(self) -> None:
        self._wish = 0.0, 0.0

    def move(self, steering: float, push: float) -> None:
        """Steering (+ = left) and speed (+ = forward), as shares in [-1, 1]; what lies outside is clipped."""
        self._wish = _share(steering), _share(push)

    def command(self, speed_limit: float) -> Command:
        """What the wish means, where the whole way of the stick is the speed limit [m/s]."""
        steering, push = self._wish
        return Command(steering * math.radians(MAX_STEERING), push * speed_limit)


def _share(value: float) -> float:
    return min(max(value, -1.0), 1.0) if math.isfinite(value) else 0.0
