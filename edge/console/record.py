"""Recordings from the page: begin, end, fetch and delete them.

None of it moves the car, so whoever is logged in may, as with models; the wheel is not needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ..errors import CarError
from .journal import LOG
from .shared import Console, address_of, console_of, for_sessions, open_session, refuse

_PART: Final = 1 << 18  # of a file that is read and sent at once [bytes]
_PAUSE: Final = 0.2  # between looks at whether the car still drives [s]


@for_sessions
async def record(request: Request) -> Response:
    """Begin to record (POST), or end it (DELETE)."""
    console = console_of(request)
    try:
        if request.method == "POST":
            console.recordings.begin(console.cockpit.about())
        else:
            console.recordings.end()
    except CarError as error:
        return refuse(str(error), 409)
    console.vital.update(await run_in_threadpool(console.recordings.state))
    return JSONResponse({}, 201 if request.method == "POST" else 200)


@for_sessions
async def delete_recording(request: Request) -> Response:
    """Delete a recording."""
    console, name = console_of(request), request.path_params["name"]
    try:
        console.recordings.delete(name)
    except CarError as error:
        return refuse(str(error), 409)
    LOG.info("%s was deleted from %s", name, address_of(request))
    console.vital.update(await run_in_threadpool(console.recordings.state))
    return Response(status_code=204)


async def download(request: Request) -> Response:
    """Fetch a recording. A link sends no headers, so the CSRF token is in the address, as for websockets."""
    console, name = console_of(request), request.path_params["name"]
    if open_session(request, request.query_params.get("csrf")) is None:
        return refuse("log in first", 401)
    try:
        path = console.recordings.find_whole(name)
    except CarError as error:
        return refuse(str(error), 404)
    size = path.stat().st_size
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingResponse(
        _parts(console, path, size), headers=headers, media_type="application/octet-stream"
    )


async def _parts(console: Console, path: Path, size: int) -> AsyncIterator[bytes]:
    """A file piece by piece; it waits while the car drives, which needs the disk and the network."""
    with path.open("rb", buffering=0) as file:
        while size > 0:
            while console.cockpit.armed:
                await asyncio.sleep(_PAUSE)
            part = await run_in_threadpool(file.read, min(_PART, size))
            if not part:
                return
            size -= len(part)
            yield part
