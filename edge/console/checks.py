"""What every request must pass before anything looks at it: who asks for which host, from which page."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The one address that anybody may ask for anything: it stops the car.
STOP: Final = "/stop"

_READS: Final = ("GET", "HEAD")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Checks:
    """Refuses what another site's page may have sent.

    Host: only this car's names and addresses. Else a site whose name is made to lead to the car ("DNS
    rebinding") would count as the car itself. Origin: what changes something, and every websocket, must come
    from the console's own page.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        own = socket.gethostname().lower()
        self._app = app
        self._names = {"localhost", own, f"{own}.local", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and add the headers that keep browsers strict."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")

        async def send_guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                given = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    given[name] = value
                given["Content-Security-Policy"] = _policy(host if self._knows(host) else "")
            await send(message)

        refusal = "" if scope["path"] == STOP else self._refusal(scope, host, headers.get("origin"))
        if refusal:
            await PlainTextResponse(refusal + "\n", 403)(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, host: str, origin: str | None) -> str:
        if not self._knows(host):
            return "this car has no such name: use its address, or start the console with --name"
        if scope["type"] == "http" and scope["method"] in _READS:
            return ""
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        return "" if origin == f"{scheme}://{host}" else "this must come from the console's own page"

    def _knows(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name = (parts.hostname or "").lower()
            _ = parts.port  # raises for nonsense
        except ValueError:
            return False
        if parts.netloc != host or parts.username is not None or not name:
            return False
        try:
            ipaddress.ip_address(name)
            return True
        except ValueError:
            return name in self._names


def _policy(host: str) -> str:
    """The page loads nothing from elsewhere, and talks to nobody else."""
    sockets = f" ws://{host} wss://{host}" if host else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
