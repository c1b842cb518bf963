"""A log of the drive that can neither slow the car down nor stop it, whatever becomes of its disk."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_MOST_WAITING: Final = 300  # entries, 10 s of driving; a disk that is slower loses the oldest


class DriveLog:
    """Writes one line of JSON for each entry, in a thread of its own.

    Attributes:
        failed: Why nothing is written any more, or empty.
    """

    def __init__(self, path: Path) -> None:
        self.failed = ""
        self._path = path
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._ready = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="drive log", daemon=True)
        self._thread.start()

    def add(self, entry: Mapping[str, Any]) -> None:
        """Hand over an entry; returns at once."""
        self._waiting.append(entry)
        self._ready.set()

    def close(self) -> None:
        """Write what waits, if that does not take long."""
        self._stopping = True
        self._ready.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                while not self._stopping or self._waiting:
                    self._ready.wait()
                    self._ready.clear()
                    while self._waiting:
                        file.write(json.dumps(self._waiting.popleft()) + "\n")
                    file.flush()
        except OSError as error:
            self.failed = f"cannot write {self._path}: {error.strerror}"
