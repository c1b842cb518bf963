"""A gamepad on the car, as one more seat: who holds its dead man's key drives, if the wheel is free."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from ..drivers.gamepad import Gamepad
from ..errors import CarError, ContractError
from .cockpit import Cockpit
from .journal import LOG
from .wheel import Seat

_SEAT: Final = Seat(0, "gamepad on the car")
_PERIOD: Final = 0.02  # [s]


async def follow_pad(cockpit: Cockpit, pad: Gamepad) -> None:
    """Let the gamepad drive, for ever."""
    held = False
    while True:
        held, before = pad.held, held
        if pad.stop or (before and not held and cockpit.wheel.holder == _SEAT):
            if cockpit.armed:
                cockpit.stop()
        elif held:
            if not before:
                cockpit.change_wheel(lambda: cockpit.wheel.take(_SEAT))
            cockpit.heard(_SEAT, time.monotonic(), pad.steering, pad.push)
            if not before:
                _start(cockpit)
        await asyncio.sleep(_PERIOD)


def _start(cockpit: Cockpit) -> None:
    try:
        cockpit.start(_SEAT, wheels_off_ground=False)
    except (CarError, ContractError) as error:
        LOG.warning("gamepad: %s", error)
