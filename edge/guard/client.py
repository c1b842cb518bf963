"""The other end of the guard's socket, for whatever drives."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Final

from ..calibration import Calibration
from ..errors import CarError
from ..reasons import Reason
from .wire import REPLY_SIZE, SOCKET, Kind, Reply, Request, unpack_reply

_PATIENCE: Final = 0.1  # for an answer that usually takes 0.1 ms [s]


class GuardLink:
    """A connection to the guard; any thread may use it. If it is closed, however, the guard stops the car."""

    def __init__(self, path: Path | str = SOCKET) -> None:
        """Connect.

        Raises:
            CarError: There is no guard.
        """
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_PATIENCE)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise CarError(
                f"no guard at {path} ({error.strerror or error}): start it with "
                "`systemctl start hairpin-guard`, or run `hairpin-guard` in another terminal"
            ) from None

    def arm(self) -> Reply | None:
        """Ask to arm the car; the guard's state, or `None` if it does not answer."""
        return self._ask(Request(Kind.ARM))

    def command(self, steering: float, throttle: float, until: float) -> Reply | None:
        """Move until a monotonic time [s]; steering (+ = left) and throttle (+ = forward) in [-1, 1]."""
        return self._ask(Request(Kind.COMMAND, Reason.STOPPED, steering, throttle, until))

    def disarm(self, reason: Reason = Reason.STOPPED) -> Reply | None:
        """Stop the car, whoever drives."""
        return self._ask(Request(Kind.DISARM, reason))

    def calibrate(self, calibration: Calibration) -> Reply | None:
        """Use other pulses: for good while the car is not armed, else until it is disarmed."""
        return self._ask(Request(Kind.CALIBRATE, calibration=calibration))

    def status(self) -> Reply | None:
        """The guard's state."""
        return self._ask(Request(Kind.STATUS))

    def close(self) -> None:
        """Let go of the guard; if this link armed the car, it stops."""
        self._socket.close()

    def _ask(self, request: Request) -> Reply | None:
        with self._lock, contextlib.suppress(OSError):
            self._socket.send(request.pack())
            if reply := unpack_reply(self._socket.recv(REPLY_SIZE + 1)):
                return reply
        # An answer that came later would be taken for that of the next request: this link is over, and its
        # end is what stops the car if the guard lives.
        self._socket.close()
        return None
