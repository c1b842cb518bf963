"""Who is logged in, and who tries too often to be."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: A session that nobody uses ends [s].
IDLE: Final = 12 * 3600.0

_MOST_SESSIONS: Final = 32  # the one that was used least recently goes
_WINDOW: Final = 60.0  # [s]
_MOST_FAILURES: Final = 5  # of one address, in the window
_MOST_FAILURES_OF_ALL: Final = 30
_MOST_ADDRESSES: Final = 1000


@dataclass
class Session:
    """Somebody who gave the password.

    Attributes:
        csrf: What every request that changes something must repeat; other sites cannot read it.
        used: Monotonic time of the last request [s].
    """

    csrf: str
    used: float


class Sessions:
    """Sessions by the hash of their token; they end with the process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[bytes, Session] = {}

    def open(self) -> tuple[str, Session]:
        """Begin a session; its token, for a cookie, and itself."""
        token, session = secrets.token_urlsafe(32), Session(secrets.token_urlsafe(32), self._clock())
        self._sessions[_key(token)] = session
        while len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].used)]
        return token, session

    def find(self, token: str | None) -> Session | None:
        """The session of a token, if it has not ended."""
        session = self._sessions.get(_key(token)) if token else None
        if session is None or self._clock() > session.used + IDLE:
            return None
        session.used = self._clock()
        return session

    def close(self, token: str | None) -> None:
        """End a session."""
        if token:
            self._sessions.pop(_key(token), None)


class Attempts:
    """Failed logins of the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}

    def wait(self, address: str) -> float:
        """How long this address must wait before its next attempt [s]; 0 if it need not."""
        now = self._clock()
        for known in [known for known, times in self._failures.items() if times[-1] < now - _WINDOW]:
            del self._failures[known]
        own = self._recent(self._failures.get(address, ()), now)
        everybody = [time for times in self._failures.values() for time in self._recent(times, now)]
        for times, most in ((own, _MOST_FAILURES), (sorted(everybody), _MOST_FAILURES_OF_ALL)):
            if len(times) >= most:
                return times[-most] + _WINDOW - now
        return 0.0

    def failed(self, address: str) -> None:
        """Count a failure."""
        if address not in self._failures and len(self._failures) >= _MOST_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        self._failures.setdefault(address, deque(maxlen=_MOST_FAILURES_OF_ALL)).append(self._clock())

    def succeeded(self, address: str) -> None:
        """Forget this address's failures."""
        self._failures.pop(address, None)

    def _recent(self, times: deque[float] | tuple[()], now: float) -> list[float]:
        return [time for time in times if time >= now - _WINDOW]


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
