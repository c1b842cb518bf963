"""Getting in: the first password, logging in and out."""

from __future__ import annotations

import json
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import CarError
from .journal import LOG
from .shared import COOKIE, Console, address_of, console_of, for_sessions, refuse

_LARGEST_JSON: Final = 4096  # [bytes]


async def session(request: Request) -> Response:
    """Say how far this browser is: first use, locked, or open."""
    console = console_of(request)
    found = console.sessions.find(request.cookies.get(COOKIE))
    if found is not None:
        return JSONResponse({"state": "open", "csrf": found.csrf})
    return JSONResponse({"state": "locked" if console.passwords.chosen() else "first use"})


async def choose_password(request: Request) -> Response:
    """Keep the first visitor's password, and let them in."""
    console = console_of(request)
    password = await _password(request)
    if password is None:
        return refuse("give a password", 400)
    async with console.hashing:
        try:
            await run_in_threadpool(console.passwords.choose, password)
        except CarError as error:
            return refuse(str(error), 409)
    LOG.info("a password was chosen, from %s", address_of(request))
    return _with_session(console)


async def log_in(request: Request) -> Response:
    """Let in who knows the password; who guesses must wait."""
    console, address = console_of(request), address_of(request)
    password = await _password(request)
    if password is None or not console.passwords.chosen():
        return refuse("give the password" if password is None else "choose a password first", 400)
    async with console.hashing:  # one at a time: guessing must not cost the car its processors
        if (wait := console.attempts.wait(address)) > 0.0:
            seconds = str(int(wait) + 1)
            return refuse(f"too many attempts: wait {seconds} s", 429, {"Retry-After": seconds})
        console.attempts.failed(address)  # unless it proves right
        try:
            right = await run_in_threadpool(console.passwords.check, password)
        except CarError as error:
            return refuse(str(error), 500)
    if not right:
        LOG.warning("a wrong password from %s", address)
        return refuse("that is not the password", 403)
    console.attempts.succeeded(address)
    LOG.info("logged in from %s", address)
    return _with_session(console)


@for_sessions
async def log_out(request: Request) -> Response:
    """End the session."""
    console_of(request).sessions.close(request.cookies.get(COOKIE))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


async def _password(request: Request) -> str | None:
    """The password of a JSON body, if that is what it is."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_JSON:
            return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    password = content.get("password") if isinstance(content, dict) else None
    return password if isinstance(password, str) else None


def _with_session(console: Console) -> Response:
    token, session = console.sessions.open()
    response = JSONResponse({"state": "open", "csrf": session.csrf})
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=console.secure, path="/")
    return response
