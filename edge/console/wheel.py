"""Who holds the wheel: one page at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: A holder who was not heard of for so long has let go [s]. The car itself stops much sooner.
EXPIRY: Final = 3.0


@dataclass(frozen=True)
class Seat:
    """A page that is open, or a gamepad that is plugged into the car.

    Attributes:
        number: Its own.
        name: For people, such as "phone at 10.0.0.4".
    """

    number: int
    name: str


class Wheel:
    """The wheel is free, or one seat's. Others may ask for it; who asked first gets it when it is free."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard = 0.0
        self.holder: Seat | None = None
        self.asker: Seat | None = None

    def take(self, seat: Seat) -> bool:
        """Take the wheel if it is free, else ask for it; whether it is this seat's now."""
        if self.holder is None:
            self._pass_to(seat)
        elif self.holder != seat and self.asker is None:
            self.asker = seat
        return self.holder == seat

    def heard(self, seat: Seat) -> None:
        """The holder is there."""
        if self.holder == seat:
            self._heard = self._clock()

    def answer(self, seat: Seat, give: bool) -> None:
        """The holder gives the wheel to who asks for it, or keeps it."""
        if self.holder != seat or self.asker is None:
            return
        if give:
            self._pass_to(self.asker)
        else:
            self.asker = None

    def leave(self, seat: Seat) -> None:
        """Let go of the wheel, or stop asking for it."""
        if self.asker == seat:
            self.asker = None
        if self.holder == seat:
            self._pass_to(self.asker)

    def expire(self) -> None:
        """Take the wheel from a holder who was not heard of; to be called now and then."""
        if self.holder is not None and self._clock() > self._heard + EXPIRY:
            self._pass_to(self.asker)

    def _pass_to(self, seat: Seat | None) -> None:
        self.holder, self.asker, self._heard = seat, None, self._clock()
