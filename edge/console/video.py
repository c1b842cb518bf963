"""The camera's own JPEGs to a page, the newest one each time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from ..mailbox import CameraThread

#: Frames on their way to a page. It confirms each; so nothing piles up in a slow network's buffers.
_ON_THE_WAY: Final = 2


class Film:
    """Tells the server's thread of new frames.

    Attributes:
        camera: Where they come from.
    """

    def __init__(self, camera: CameraThread) -> None:
        self.camera = camera
        self._new = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        camera.notify = self._notify

    def close(self) -> None:
        """Tell nobody any more."""
        self.camera.notify = lambda: None

    async def wait(self) -> None:
        """Wait for the next frame."""
        await self._new.wait()

    def _notify(self) -> None:
        with contextlib.suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._new.set()
        self._new = asyncio.Event()


class Show:
    """One page that watches; what it has not confirmed is not followed by more, so it holds up nothing."""

    def __init__(self, socket: WebSocket, film: Film, welcome: Callable[[], bool]) -> None:
        self._socket, self._film, self._welcome = socket, film, welcome
        self._credit = asyncio.BoundedSemaphore(_ON_THE_WAY)

    async def run(self) -> None:
        """Show until the page is gone."""
        sending = asyncio.create_task(self._send())
        try:
            while (await self._socket.receive())["type"] == "websocket.receive":
                self._credit.release()
        except ValueError:  # it confirmed what it was not sent
            await self._socket.close()
        finally:
            sending.cancel()

    async def _send(self) -> None:
        shown = -1.0
        try:
            while self._welcome():
                await self._credit.acquire()
                while (image := self._film.camera.latest) is None or image.stamp <= shown:
                    await self._film.wait()
                shown = image.stamp
                await self._socket.send_bytes(image.jpeg)
            await self._socket.close()
        except (WebSocketDisconnect, RuntimeError):  # the other end is gone
            return
