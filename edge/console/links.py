"""The console's connections to the guard, which may come and go."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from ..errors import CarError
from ..guard.client import GuardLink
from ..guard.wire import Reply
from ..reasons import Reason


class _NoGuard(GuardLink):
    """A connection that never came about: it answers nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.close()


def connect(path: Path) -> GuardLink:
    """A connection to the guard, or one that does not answer."""
    try:
        return GuardLink(path)
    except CarError:
        return _NoGuard()


class StopButton:
    """A connection of its own that only stops: nothing else that waits for the guard is before it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._link = connect(path)

    def press(self) -> bool:
        """Stop the car, whoever drives; whether the guard says that it is stopped."""
        reply = self._link.disarm(Reason.STOPPED) or self._again().disarm(Reason.STOPPED)
        return reply is not None and not reply.armed

    def look(self) -> Reply | None:
        """The guard's state."""
        return self._link.status() or self._again().status()

    def _again(self) -> GuardLink:
        self._link = connect(self._path)
        return self._link
