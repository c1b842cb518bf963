"""How the car's computer is: load and temperature, from the kernel's files."""

from __future__ import annotations

import contextlib
from pathlib import Path


class Health:
    """Reads the kernel's files; what is not there is `None`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._stat = root / "proc/stat"
        self._thermal = root / "sys/class/thermal"
        self._before = self._times()

    def cpu(self) -> float | None:
        """Share of the processors' time that was used since the last call, 0 to 1."""
        now, before = self._times(), self._before
        self._before = now
        if now is None or before is None or now[1] <= before[1]:
            return None
        return 1.0 - (now[0] - before[0]) / (now[1] - before[1])

    def temperature(self) -> float | None:
        """The warmest sensor [degrees Celsius]."""
        found = []
        for sensor in self._thermal.glob("thermal_zone*/temp"):
            with contextlib.suppress(OSError, ValueError):
                found.append(int(sensor.read_text()) / 1000.0)
        return max(found, default=None)

    def _times(self) -> tuple[int, int] | None:
        """Idle time and all time of all processors; see proc(5)."""
        try:
            with self._stat.open() as file:
                values = [int(value) for value in file.readline().split()[1:9]]
            return values[3] + values[4], sum(values)
        except (OSError, ValueError, IndexError):
            return None
