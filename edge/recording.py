"""Recordings of drives: one MCAP file that neither a full disk nor a kill can spoil, nor a drive wait for.

| topic | encoding | what |
|---|---|---|
| `/camera` | CDR, `sensor_msgs/msg/CompressedImage` | the camera's JPEG of each frame that was decided on |
| `/camera_right` | the same | that of the right camera beside it, where the policy sees with two |
| `/lidar` | JSON | the lidar's 64 ranges [m] beside it, `null` for nothing, where the policy sees with one |
| `/decision` | JSON | what it decided, what the guard sent, the time of each stage; or why there is none |
| `/health` | JSON | armed or not and why, battery, frames; on every change, and once a second |
| `/pose` | JSON | x, y [m] and yaw [rad] of the car; in rehearsals only, no real car knows them |
| `/trial` | JSON | the beginning of a trial of a rehearsal |

Times are those of a frame's exposure, so a decision has the time of its frame. Viewers of MCAP show all of
it. What was driven, the contract among it, is in the file's metadata. `mcap_file` says how it is stored.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .beside import Glance
from .drivers.camera import Image
from .errors import CarError
from .mcap_file import IMAGE, RIGHT_IMAGE, McapFile, load_mcap, previous

#: Most that a recording may take, its former half included [bytes].
LIMIT: Final = 2_000_000_000

_LEAST: Final = 2_000_000  # [bytes]
_MOST_WAITING: Final = 600  # messages, 10 s of driving; a disk that is slower loses the oldest
_PERIOD: Final = 0.5  # between writes: what a kill may cost [s]

TOPICS: Final = ("/lidar", "/decision", "/health", "/pose", "/trial")


class Recorder:
    """Writes a recording, in a thread of its own.

    When half of the limit is reached, the file becomes `NAME.previous.mcap` and a new one begins; a file that
    is there already does so at once.

    Args:
        path: The file, `.mcap`.
        about: What is recorded; text by name.
        limit: Most that both files take together [bytes].

    Attributes:
        failed: Why nothing is written any more, or empty.
        lost: Messages that the disk was too slow for.

    Raises:
        CarError: mcap is not installed, or the file or its limit cannot be used.
    """

    def __init__(self, path: Path, about: Mapping[str, str], limit: int = LIMIT) -> None:
        load_mcap()
        if path.suffix != ".mcap" or (path.exists() and not path.is_file()):
            raise CarError(f"cannot record to {path}: give a file's name that ends in .mcap")
        if not path.parent.is_dir():
            raise CarError(f"cannot record to {path}: there is no folder {path.parent}")
        if limit < _LEAST:
            raise CarError(f"the recording's limit is {limit / 1e6:g} MB: give at least {_LEAST / 1e6:g}")
        self.failed, self.lost = "", 0
        self._path, self._about, self._half = path, dict(about), limit // 2
        # A viewer's times: the wall's clock, read once, so that setting it changes nothing in between.
        self._epoch = time.time_ns() - round(1e9 * time.monotonic())
        self._waiting: deque[tuple[str, float, bytes | Mapping[str, Any]]] = deque(maxlen=_MOST_WAITING)
        self._ready = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def frame(self, image: Image) -> None:
        """Hand over a frame; returns at once, as all of these do."""
        self._add(IMAGE, image.stamp, image.jpeg)

    def beside(self, stamp: float, glance: Glance) -> None:
        """Hand over what the other sensors saw at the frame of this stamp [s]."""
        if glance.right is not None:
            self._add(RIGHT_IMAGE, stamp, glance.right.jpeg)
        if glance.scan is not None:
            ranges = glance.scan.ranges.tolist()
            self._add(
                "/lidar",
                stamp,
                {"ranges": [round(far, 3) if math.isfinite(far) else None for far in ranges]},
            )

    def decision(self, stamp: float, values: Mapping[str, Any]) -> None:
        """Hand over what became of the frame of this stamp [s]."""
        self._add("/decision", stamp, values)

    def health(self, values: Mapping[str, Any]) -> None:
        """Hand over how the drive is going."""
        self._add("/health", time.monotonic(), values)

    def pose(self, stamp: float, pose: tuple[float, float, float]) -> None:
        """Hand over where a simulated car was: x, y [m], yaw [rad]."""
        self._add("/pose", stamp, dict(zip(("x", "y", "yaw"), pose, strict=True)))

    def trial(self, number: int) -> None:
        """Hand over that a trial begins."""
        self._add("/trial", time.monotonic(), {"number": number})

    def close(self) -> None:
        """Write what waits, if that does not take long."""
        self._stopping = True
        self._ready.set()
        self._thread.join(timeout=2.0)

    def _add(self, topic: str, stamp: float, message: bytes | Mapping[str, Any]) -> None:
        if self.failed:
            return
        self.lost += len(self._waiting) == _MOST_WAITING
        self._waiting.append((topic, stamp, message))
        self._ready.set()

    def _run(self) -> None:
        try:
            self._record_file()
            while self._waiting or not self._stopping:
                self._record_file()
        except Exception as error:  # whatever it is, the drive goes on
            why = error.strerror if isinstance(error, OSError) else error
            self.failed = f"cannot write {self._path}: {why}"
            self._waiting.clear()

    def _record_file(self) -> None:
        """Fill one file: until it is large enough, or there is nothing more."""
        if self._path.exists():
            self._path.replace(previous(self._path))
        with self._path.open("wb", buffering=0) as stream:
            file = McapFile(stream, self._about, TOPICS)
            flushed = time.monotonic()
            while stream.tell() < self._half and (self._waiting or not self._stopping):
                self._ready.wait(_PERIOD)
                self._ready.clear()
                while self._waiting and stream.tell() < self._half:
                    topic, stamp, message = self._waiting.popleft()
                    file.add(topic, self._epoch + round(1e9 * stamp), message)
                if time.monotonic() > flushed + _PERIOD:
                    file.flush()
                    flushed = time.monotonic()
            file.finish()
