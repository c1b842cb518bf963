"""Recordings that the page starts and ends: one at a time, in a folder, never more than the disk can hold."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import CarError
from ..mcap_file import previous
from ..recording import LIMIT, Recorder
from ..watchers import Watchers
from .folder import Folder
from .journal import LOG

_LEAST: Final = 50_000_000  # without room for so much it does not begin, some 30 s [bytes]


class Recordings(Folder):
    """A folder of recordings, and the one that is being made.

    Args:
        path: The folder.
        watchers: Who is told how the drive goes; a recording joins them.

    Attributes:
        failed: Why the last recording ended by itself, or empty.
    """

    def __init__(self, path: Path, watchers: Watchers) -> None:
        super().__init__(path, "recording", ".mcap")
        self.failed = ""
        self._watchers = watchers
        self._recorder: Recorder | None = None
        self._file, self._began = path, 0.0
        self._changing = threading.RLock()  # the server's thread begins, and the one that looks may end it

    def begin(self, about: Mapping[str, str]) -> None:
        """Begin to record.

        Args:
            about: What drives, as `report.about` says it; nothing for a person.

        Raises:
            CarError: It is recording already, or the disk is full.
        """
        with self._changing:
            self._begin(about)

    def _begin(self, about: Mapping[str, str]) -> None:
        if self._recorder is not None:
            raise CarError("it is recording already")
        room = self.room()
        if room < _LEAST:
            raise CarError("the car's disk is full: delete a recording or a model first")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CarError(f"cannot record to {self.path}: {error.strerror}") from None
        self._file, self._began, self.failed = self._new_file(), time.monotonic(), ""
        self._recorder = Recorder(self._file, about, min(LIMIT, room))
        self._watchers.join(self._recorder)
        LOG.info("recording to %s", self._file.name)

    def end(self) -> None:
        """End the recording, if there is one; what waits is written by a thread."""
        with self._changing:
            recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        self._watchers.leave(recorder)
        threading.Thread(target=recorder.close, name="end of recording").start()
        LOG.info("recorded %s, %.0f s", self._file.name, time.monotonic() - self._began)

    def change(self, about: Mapping[str, str]) -> None:
        """Something else drives now: a recording goes on in a new file, because each is of one driver."""
        with self._changing:
            if self._recorder is None:
                return
            self.end()
            try:
                self._begin(about)
            except CarError as error:  # who drives now does so whether or not it is recorded
                self._fail(str(error))

    def delete(self, name: object) -> None:
        """Delete a recording.

        Raises:
            CarError: There is none, it is being made, or it cannot be deleted.
        """
        self._check_whole(name)
        super().delete(name)

    def find_whole(self, name: object) -> Path:
        """The file of a recording that is finished.

        Raises:
            CarError: There is none, or it is being made.
        """
        self._check_whole(name)
        return self.find(name)

    def state(self) -> dict[str, Any]:
        """What the page shows; ends a recording that failed."""
        with self._changing:
            if self._recorder is not None and self._recorder.failed:
                self._fail(self._recorder.failed)
                self.end()
            now = None if self._recorder is None else self._now()
        return {
            "recording": now,
            "recordings": self.files(),
            "room": self.room(),
            "recording_failed": self.failed,
        }

    def _fail(self, why: str) -> None:
        self.failed = why
        LOG.warning("the recording ended by itself: %s", why)

    def _now(self) -> dict[str, Any]:
        size = 0
        for file in self._files():
            with contextlib.suppress(OSError):  # not there yet, or becoming the other one
                size += file.stat().st_size
        return {"name": self._file.name, "seconds": int(time.monotonic() - self._began), "size": size}

    def _files(self) -> tuple[Path, Path]:
        """The file that is being written, and its older half."""
        return self._file, previous(self._file)

    def _check_whole(self, name: object) -> None:
        if self._recorder is not None and self.place(name) in self._files():
            raise CarError(f"{name} is being recorded: end the recording first")

    def _new_file(self) -> Path:
        """A name that says when; a clock that was set back takes no other recording's."""
        stem, number = time.strftime("drive-%Y%m%d-%H%M%S"), 0
        while (file := self.path / f"{stem}{f'-{number}' if number else ''}.mcap").exists():
            number += 1
        return file
