"""A thread that reads one sensor, and opens it again when it is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Final, Generic, TypeVar

_REOPEN: Final = 0.5  # between attempts to open a lost sensor [s]

Reading = TypeVar("Reading")


class SensorThread(Generic[Reading]):
    """Reads a sensor for as long as it is wanted.

    Args:
        name: What it reads.
        readings: Opens the sensor, whose readings follow; it is closed with them.
        take: Given each reading by this thread; it must not wait.

    Attributes:
        lost: Why nothing is read, or empty.
    """

    def __init__(
        self, name: str, readings: Callable[[], Generator[Reading]], take: Callable[[Reading], None]
    ) -> None:
        self.lost = f"the {name} is not open yet"
        self._name, self._readings, self._take = name, readings, take
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read, also once more after `stop`."""
        self._stopping.set()
        self._stopping = threading.Event()
        # Each thread has its own event: one that was left behind because it hung must not go on.
        self._thread = threading.Thread(
            target=self._run, args=(self._stopping,), name=self._name, daemon=True
        )
        self._thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """End; a sensor that hangs for longer than that is left behind [s]."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience)

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                self._read(stopping)
            except Exception as error:  # whatever a driver raises: the sensor is lost, and opened again
                self.lost = str(error) or type(error).__name__
            stopping.wait(_REOPEN)

    def _read(self, stopping: threading.Event) -> None:
        with closing(self._readings()) as readings:
            for reading in readings:
                if stopping.is_set():
                    return
                self.lost = ""
                self._take(reading)
        raise OSError(f"the {self._name} has ended")
