"""Why the battery would keep the car from driving."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from typing import Final

from .drivers.battery import Battery
from .reasons import Reason
from .sensor_thread import SensorThread

#: Level of the battery at which the car stops, of 11.
BATTERY_LOW: Final = 1

_PERIOD: Final = 0.2  # between readings [s]
_PATIENCE: Final = 1.0  # without a reading for so long the gauge is lost; single readings fail [s]


class BatteryWatch:
    """Reads a gauge in a thread of its own; where it hangs or breaks, no reading follows, and that counts.

    Args:
        battery: The gauge; `None` in a car without one, which nothing of this keeps from driving.
    """

    def __init__(self, battery: Battery | None) -> None:
        self._thread = (
            None if battery is None else SensorThread("battery", lambda: _levels(battery), self._keep)
        )
        self._newest = 0, -math.inf  # level, and when it was read [s]

    def start(self) -> None:
        """Begin to read."""
        if self._thread is not None:
            self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        if self._thread is not None:
            self._thread.stop(patience=0.0)

    def level(self) -> int | None:
        """The charge, 0 to 11; `None` without a gauge, or while it is silent."""
        level, read = self._newest
        return level if time.monotonic() <= read + _PATIENCE else None

    def obstacle(self) -> Reason:
        """Why the car must stand, or `Reason.NONE`."""
        if self._thread is None:
            return Reason.NONE
        level = self.level()
        if level is None:
            return Reason.BATTERY_UNKNOWN
        return Reason.BATTERY_LOW if level <= BATTERY_LOW else Reason.NONE

    def _keep(self, level: int) -> None:
        self._newest = level, time.monotonic()


def _levels(battery: Battery) -> Generator[int]:
    while True:
        yield battery.level()
        time.sleep(_PERIOD)
