"""The page's conversation with the car: ticks and state out, signs of life and wishes in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..actions import MAX_SPEED
from ..errors import (
    BundleError,
    CarError,
    ContractError,
    check_choice,
    check_fields,
    check_integer,
    check_number,
)
from .cockpit import MODES
from .journal import LOG
from .shared import Console
from .wheel import Seat

#: Ticks a second; each comes back as a sign of life.
TICKS: Final = 20

_STATE_EVERY: Final = 4  # ticks
_LIMITS: Final = {"speed_limit": (0.0, MAX_SPEED), "scale": (0.0, 1.0), "trim": (-0.2, 0.2)}


class Talk:
    """One page's conversation."""

    def __init__(self, socket: WebSocket, seat: Seat, console: Console, welcome: Callable[[], bool]) -> None:
        self._socket, self.seat, self._welcome = socket, seat, welcome
        self._console = console
        self._cockpit, self._journal, self._vital = console.cockpit, console.journal, console.vital
        self._sent: dict[str, Any] = {}
        self._lines = 0
        self._work: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Talk until the page is gone; if it held the wheel, it lets go."""
        ticking = asyncio.create_task(self._tick())
        try:
            while True:
                await self._answer(await self._socket.receive_text())
        except (WebSocketDisconnect, KeyError):  # KeyError: bytes, which no page of ours sends
            pass
        finally:
            ticking.cancel()
            self._cockpit.change_wheel(lambda: self._cockpit.wheel.leave(self.seat))

    async def _tick(self) -> None:
        """Tell the page of time and news until it is gone, or nobody is logged in any more."""
        try:
            for number in count():
                message: dict[str, Any] = {"tick": round(1e3 * time.monotonic())}
                if number % _STATE_EVERY == 0:
                    message |= self._news()
                if not self._welcome() or not await self._send(message):
                    return
                await asyncio.sleep(1.0 / TICKS)
        finally:  # a page that gets no ticks must not wait for them
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close()

    async def _send(self, message: Mapping[str, Any]) -> bool:
        """Send a message; whether the page is still there."""
        try:
            await self._socket.send_text(json.dumps(message))
        except (WebSocketDisconnect, RuntimeError):
            return False
        return True

    def _news(self) -> dict[str, Any]:
        """What this page has not been told yet."""
        self._cockpit.change_wheel(self._cockpit.wheel.expire)
        wheel = self._cockpit.wheel
        state = {
            **self._cockpit.state(),
            **self._vital,
            "wheel": {
                "mine": wheel.holder == self.seat,
                "holder": wheel.holder.name if wheel.holder else "",
                "asker": wheel.asker.name if wheel.asker else "",
                "asking": wheel.asker == self.seat,
            },
        }
        news = {name: value for name, value in state.items() if self._sent.get(name, _NOTHING) != value}
        self._sent = state
        if lines := self._journal.after(self._lines):
            news["log"], self._lines = lines, self._journal.count
        return news

    async def _answer(self, text: str) -> None:
        try:
            message = json.loads(text)
            if not isinstance(message, dict):
                raise ContractError("the page sent something that is no message: load it again")
            if "tick" in message:
                self._heard(message)
            else:
                await self._do(message)
        except (
            ValueError,
            RecursionError,
        ) as error:  # CarError, BundleError and ContractError are ValueErrors
            known = isinstance(error, CarError | BundleError | ContractError)
            await self._say(str(error) if known else "the page sent nonsense: load it again")

    def _heard(self, message: Mapping[str, Any]) -> None:
        check_fields(message, "tick", ("tick", "steering", "push"))
        since = check_integer(message["tick"], "tick", 0, 2**53) / 1e3
        values = (check_number(message[name], name, -1.0, 1.0) for name in ("steering", "push"))
        self._cockpit.heard(self.seat, since, *values)

    async def _do(self, message: Mapping[str, Any]) -> None:
        cockpit, seat, wheel = self._cockpit, self.seat, self._cockpit.wheel
        match message.get("do"):
            case "stop":
                cockpit.stop()
            case "take":
                cockpit.change_wheel(lambda: wheel.take(seat))
            case "leave":
                cockpit.change_wheel(lambda: wheel.leave(seat))
            case "answer":
                cockpit.change_wheel(lambda: wheel.answer(seat, message.get("give") is True))
            case "mode":
                cockpit.set_mode(seat, check_choice(message.get("mode"), "mode", MODES))
            case "start":
                cockpit.start(seat, message.get("wheels_off_ground") is True)
            case "limit":
                name = check_choice(message.get("name"), "limit", _LIMITS)
                cockpit.set_limits(seat, **{name: check_number(message.get("value"), name, *_LIMITS[name])})
            case "show":
                cockpit.check_holder(seat)
                cockpit.calibrating.show(message.get("calibration"), message.get("point"))
            case "save":
                cockpit.check_holder(seat)
                cockpit.calibrating.save()
                LOG.info("%s saved the calibration", seat.name)
            case "forget":
                cockpit.check_holder(seat)
                cockpit.calibrating.forget()
            case "activate":
                cockpit.check_holder(seat)
                task = asyncio.create_task(
                    self._activate(message.get("name"))
                )  # signs of life go on meanwhile
                self._work.add(task)
                task.add_done_callback(self._work.discard)
            case _:
                raise ContractError("the page asked for something that this car does not know: load it again")

    async def _activate(self, name: object) -> None:
        try:
            await activate(self._console, name)
            await self._say("", f"{name} is active")
        except (CarError, BundleError, ContractError) as error:
            LOG.warning("%s", error)
            await self._say(str(error))

    async def _say(self, error: str, said: str = "") -> None:
        await self._send({"error": error} if error else {"said": said})


_NOTHING: Final = object()


async def activate(console: Console, name: object) -> None:
    """Load and verify a policy beside the server, then let it drive from now on.

    Raises:
        CarError, BundleError: The car is driving, the bundle is not to be trusted, or the policy sees with
            something that this car does not have.
    """
    from ..policy import Policy

    cockpit = console.cockpit
    if cockpit.armed:
        raise CarError("the car is driving: stop it first")
    path = cockpit.library.find(name)
    began = time.monotonic()
    try:
        policy = await run_in_threadpool(Policy.load, path)
    except BundleError as error:
        raise BundleError(str(error).replace(str(path), path.name)) from None
    cockpit.use_policy(path.name, policy, console.beside(policy.contract.observation))
    cockpit.library.remember(path.name)
    LOG.info("%s is active, loaded and verified in %.1f s", path.name, time.monotonic() - began)
