"""What the console's addresses share: its parts, who is logged in, and how it refuses."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from ..beside import Beside, beside_for
from ..drivers.gamepad import Gamepad
from ..observation import ObservationSpec
from .cockpit import Cockpit
from .health import Health
from .journal import Journal
from .links import StopButton
from .passwords import Passwords
from .recordings import Recordings
from .sessions import Attempts, Session, Sessions

#: Name of the session's cookie.
COOKIE: Final = "hairpin"


@dataclass
class Console:
    """The console's parts.

    Attributes:
        secure: Whether it is served over TLS.
        recordings: What the page recorded.
        beside: Makes what a policy sees beside the camera; raises CarError if something is not there.
        pad: A gamepad that is plugged into the car.
        vital: The computer's health, the models and the recordings, looked at once a second.
        sockets: How many websockets are open.
        hashing: Held while a password is hashed: guessing must not cost the car all its processors.
        uploading: Held while a model is uploaded.
        seats: Numbers for pages.
    """

    cockpit: Cockpit
    stop: StopButton
    passwords: Passwords
    journal: Journal
    health: Health
    recordings: Recordings
    beside: Callable[[ObservationSpec], Beside] = beside_for
    secure: bool = False
    pad: Gamepad | None = None
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    vital: dict[str, Any] = field(default_factory=dict)
    sockets: int = 0
    hashing: asyncio.Lock = field(default_factory=asyncio.Lock)
    uploading: asyncio.Lock = field(default_factory=asyncio.Lock)
    seats: Iterator[int] = field(default_factory=lambda: count(1))


def console_of(connection: HTTPConnection) -> Console:
    """The console that a request came to."""
    console: Console = connection.app.state.console
    return console


def open_session(connection: HTTPConnection, csrf: str | None) -> Session | None:
    """The session of a request, if it repeats that session's CSRF token."""
    session = console_of(connection).sessions.find(connection.cookies.get(COOKIE))
    if session is None or csrf is None or not hmac.compare_digest(session.csrf.encode(), csrf.encode()):
        return None
    return session


Handle = Callable[[Request], Coroutine[Any, Any, Response]]


def for_sessions(handle: Handle) -> Handle:
    """Refuse requests of those who are not logged in."""

    async def handle_if_open(request: Request) -> Response:
        if open_session(request, request.headers.get("x-csrf-token")) is None:
            return refuse("log in first", 401)
        return await handle(request)

    return handle_if_open


def refuse(line: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """One line that says why not."""
    return JSONResponse({"error": line}, status, headers)


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from."""
    return connection.client.host if connection.client else "nowhere"
