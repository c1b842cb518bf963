"""A gamepad that is plugged into the car, or paired with it: the kernel's joystick interface.

The kernel gives each event as 8 bytes (linux/joystick.h), with axes scaled to 16 bits, and says the state of
everything when the device is opened, so a trigger that is pressed before that is seen.

    left stick            steer
    right, left trigger   forward, back
    LB or RB, held        the dead man's key: without it nothing moves
    B (circle)            stop; the key must be let go of before it counts again
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import struct
import threading
from pathlib import Path
from typing import Final

from ..errors import CarError

_EVENT: Final = struct.Struct("<IhBB")  # time [ms], value, type, number
_BUTTON, _AXIS, _KIND = 0x01, 0x02, 0x7F
_OPENING: Final = 0x80  # marks what is only said at opening
_FULL: Final = 32767
_DEAD: Final = 0.08  # of the stick
_REST: Final = -0.9  # a trigger counts once it was let go of
_REOPEN: Final = 1.0  # [s]

# What the numbers of axes and buttons mean differs from pad to pad; the kernel says it in codes of
# linux/input-event-codes.h. Those of a device that cannot be asked are an Xbox pad's.
_AXIS_MAP, _BUTTON_MAP = 0x80406A32, 0x84006A34
_XBOX_AXES: Final = (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x10, 0x11)
_XBOX_BUTTONS: Final = (0x130, 0x131, 0x133, 0x134, 0x136, 0x137, 0x13A, 0x13B)
_STICK: Final = 0x00
_FORWARD, _BACK = (0x05, 0x09), (0x02, 0x0A)  # RZ or gas, Z or brake
_HOLD, _STOP = (0x136, 0x137), 0x131


class Gamepad:
    """A gamepad, read by a thread of its own; without one nothing is held.

    A radio that is out of range looks like a pad that nobody touches, until the kernel gives it up after some
    seconds. Stay near the car, or drive with a pad on a cable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: dict[tuple[int, int], int] = {}
        self._rested: set[int] = set()
        self._let_go = True  # of the dead man's key, since somebody pressed stop
        self._axes: tuple[int, ...] = _XBOX_AXES
        self._buttons: tuple[int, ...] = _XBOX_BUTTONS
        self._stopping = threading.Event()
        threading.Thread(target=self._run, name="gamepad", daemon=True).start()

    @property
    def held(self) -> bool:
        """Whether the dead man's key is held; through a stop, or while the pad was away, does not count."""
        return self._let_go and self._key_down()

    @property
    def stop(self) -> bool:
        """Whether the stop button is pressed."""
        return self._pressed(_STOP)

    @property
    def steering(self) -> float:
        """Where the stick is, in [-1, 1], + = left."""
        value = -self._value(_STICK)
        return 0.0 if abs(value) < _DEAD else value

    @property
    def push(self) -> float:
        """The triggers, in [-1, 1], + = forward."""
        return self._trigger(_FORWARD) - self._trigger(_BACK)

    def close(self) -> None:
        """Read no more."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(OSError):
                device = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    self._ask_for_names(device)
                    while not self._stopping.is_set() and (event := os.read(device, _EVENT.size)):
                        self._note(event)
                finally:
                    self._state, self._rested = {}, set()
                    os.close(device)
            self._stopping.wait(_REOPEN)

    def _note(self, event: bytes) -> None:
        if len(event) != _EVENT.size:
            return
        _, value, kind, number = _EVENT.unpack(event)
        opening, kind = bool(kind & _OPENING), kind & _KIND
        names = self._axes if kind == _AXIS else self._buttons if kind == _BUTTON else ()
        if number < len(names):
            self._state = {**self._state, (kind, names[number]): value}
            if kind == _AXIS and value / _FULL < _REST:
                self._rested.add(names[number])
            # A key that was held through a stop, or while the pad was away, must not start the car.
            if self.stop or (opening and self._key_down()):
                self._let_go = False
            elif not self._key_down():
                self._let_go = True

    def _ask_for_names(self, device: int) -> None:
        axes, buttons = array.array("B", bytes(64)), array.array("H", bytes(1024))
        try:
            fcntl.ioctl(device, _AXIS_MAP, axes)
            fcntl.ioctl(device, _BUTTON_MAP, buttons)
            self._axes, self._buttons = tuple(axes), tuple(buttons)
        except OSError:
            self._axes, self._buttons = _XBOX_AXES, _XBOX_BUTTONS

    def _value(self, code: int) -> float:
        return max(self._state.get((_AXIS, code), 0) / _FULL, -1.0)

    def _trigger(self, codes: tuple[int, ...]) -> float:
        return max((0.5 + 0.5 * self._value(code) for code in codes if code in self._rested), default=0.0)

    def _key_down(self) -> bool:
        return any(self._pressed(code) for code in _HOLD)

    def _pressed(self, code: int) -> bool:
        return self._state.get((_BUTTON, code), 0) == 1


def gamepad_named(name: str, root: Path = Path("/")) -> Gamepad:
    """The gamepad of a device file; "auto" takes the first one there is.

    Raises:
        CarError: There is none.
    """
    if name != "auto":
        return Gamepad(Path(name))
    found = sorted((root / "dev/input").glob("js*"))
    if not found:
        raise CarError(f"no gamepad under {root / 'dev/input'}: plug one in, or pair it")
    return Gamepad(found[0])
