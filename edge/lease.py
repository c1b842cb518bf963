"""The lease: the car drives only while a person keeps saying so."""

from __future__ import annotations

import time
from typing import Final

#: How long one sign of life counts [s]; a console sends them at 20 Hz. With the guard's own time it keeps the
#: goal: neutral within 0.3 s.
LEASE: Final = 0.25


class Lease:
    """A promise to stop that the person at the controls keeps putting off; any thread may renew it."""

    def __init__(self, seconds: float = LEASE) -> None:
        self._seconds = seconds
        self._until = -1.0

    def renew(self, since: float | None = None) -> None:
        """The person is there now, or was at a monotonic time in the past [s]."""
        now = time.monotonic()
        since = now if since is None else min(since, now)
        self._until = max(self._until, since + self._seconds)

    def end(self) -> None:
        """The person is gone: a console that was closed."""
        self._until = -1.0

    def valid(self) -> bool:
        """Whether somebody has been there lately."""
        return time.monotonic() < self._until


class DeadMansKey:
    """A key that is held down: it drives from its second repetition on, and stops when they end.

    After the car stopped for another reason, the key must be let go of before it drives again.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._driving = False

    def pressed(self) -> bool:
        """One press or repetition; whether this is the moment to arm."""
        held = self._lease.valid()
        self._lease.renew()
        begins = held and not self._driving
        self._driving = held
        return begins
