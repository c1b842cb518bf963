"""The console's addresses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from ..errors import BundleError, CarError
from .checks import STOP, Checks
from .journal import LOG
from .login import choose_password, log_in, log_out, session
from .pad import follow_pad
from .record import delete_recording, download, record
from .shared import Console, address_of, console_of, for_sessions, open_session, refuse
from .talk import Talk, activate
from .video import Film, Show
from .wheel import Seat

_PAGE: Final = Path(__file__).parent / "page"
_MOST_SOCKETS: Final = 24  # two for each page
_PERIOD: Final = 1.0  # of looking at the computer's health [s]


def make_app(console: Console, names: Iterable[str] = ()) -> Starlette:
    """The web application; `names` are further names of this car, next to its addresses and host name."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.console = console
        app.state.film = Film(console.cockpit.live.camera)
        tasks = [asyncio.create_task(work(console)) for work in (_look_after, _bring_back)]
        if console.pad is not None:
            tasks.append(asyncio.create_task(follow_pad(console.cockpit, console.pad)))
        yield
        for task in tasks:
            task.cancel()
        app.state.film.close()

    routes = [
        Route("/", lambda request: FileResponse(_PAGE / "index.html")),
        Mount("/page", StaticFiles(directory=_PAGE)),
        Route(STOP, _stop, methods=["POST"]),
        Route("/api/session", session),
        Route("/api/password", choose_password, methods=["POST"]),
        Route("/api/login", log_in, methods=["POST"]),
        Route("/api/logout", log_out, methods=["POST"]),
        Route("/api/models/{name}", _upload, methods=["PUT"]),
        Route("/api/models/{name}", _delete, methods=["DELETE"]),
        Route("/api/recording", record, methods=["POST", "DELETE"]),
        Route("/api/recordings/{name}", download, methods=["GET"]),
        Route("/api/recordings/{name}", delete_recording, methods=["DELETE"]),
        WebSocketRoute("/talk", _talk),
        WebSocketRoute("/video", _video),
    ]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(Checks, names=names)])


async def _look_after(console: Console) -> None:
    """Look at the computer now and then."""
    while True:
        console.vital.update(await run_in_threadpool(_look, console))
        await asyncio.sleep(_PERIOD)


def _look(console: Console) -> dict[str, Any]:
    guard = console.stop.look()
    return {
        "cpu": console.health.cpu(),
        "temperature": console.health.temperature(),
        "guard": guard is not None,
        "models": console.cockpit.library.files(),
        **console.recordings.state(),
    }


async def _bring_back(console: Console) -> None:
    """Activate the policy that was active before the console was started."""
    if name := console.cockpit.library.remembered():
        try:
            await activate(console, name)
        except (CarError, BundleError) as error:
            LOG.warning("%s", error)


async def _stop(request: Request) -> Response:
    console = console_of(request)
    moved = console.cockpit.armed
    stopped = console.cockpit.stop()
    if moved:
        LOG.info("STOP from %s", address_of(request))
    return JSONResponse({"stopped": stopped}, 200 if stopped else 503)


@for_sessions
async def _upload(request: Request) -> Response:
    console, name = console_of(request), request.path_params["name"]
    if console.cockpit.armed:
        return refuse("the car is driving: stop it first", 409)
    if console.uploading.locked():
        return refuse("another upload is under way: wait for it", 409)
    announced = request.headers.get("content-length", "")
    async with console.uploading:
        try:
            size = int(announced) if announced.isdecimal() else None
            await console.cockpit.library.receive(name, request.stream(), size)
        except (CarError, BundleError) as error:
            LOG.warning("upload refused: %s", error)
            return refuse(str(error), 422)
    LOG.info("%s was uploaded from %s", name, address_of(request))
    return JSONResponse({"name": name}, 201)


@for_sessions
async def _delete(request: Request) -> Response:
    console, name = console_of(request), request.path_params["name"]
    try:
        if name == console.cockpit.active:
            raise CarError(f"{name} is active: activate another one first")
        console.cockpit.library.delete(name)
    except CarError as error:
        return refuse(str(error), 409)
    LOG.info("%s was deleted from %s", name, address_of(request))
    return Response(status_code=204)


async def _talk(socket: WebSocket) -> None:
    console = console_of(socket)
    async with _page(socket) as welcome:
        if welcome is not None:
            kind = "phone" if "Mobi" in socket.headers.get("user-agent", "") else "computer"
            seat = Seat(next(console.seats), f"{kind} at {address_of(socket)}")
            await Talk(socket, seat, console, welcome).run()


async def _video(socket: WebSocket) -> None:
    async with _page(socket) as welcome:
        if welcome is not None:
            await Show(socket, socket.app.state.film, welcome).run()


@contextlib.asynccontextmanager
async def _page(socket: WebSocket) -> AsyncIterator[Callable[[], bool] | None]:
    """Accept a websocket of somebody who is logged in; says if it still is, `None` if it never was."""
    console, csrf = console_of(socket), socket.query_params.get("csrf")

    def welcome() -> bool:
        return open_session(socket, csrf) is not None

    if console.sockets >= _MOST_SOCKETS or not welcome():
        await socket.close()  # before it was accepted: the browser sees 403
        yield None
        return
    console.sockets += 1
    try:
        await socket.accept()
        yield welcome
    finally:
        console.sockets -= 1
