"""Calibration with the wheels off the ground: each change is felt at once, and kept only when it is saved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ..calibration import Axis, Calibration, load_calibration, write_calibration
from ..errors import CarError, check_choice, check_fields
from ..guard.client import GuardLink
from ..guard.wire import Reply
from ..live import HOLD
from ..reasons import Reason

#: Throttle at which the wheels turn while the motor is calibrated; the guard's own scale, 1 is all of it.
GENTLE: Final = 0.2

#: What can be shown: a point of an axis, as the file names it.
POINTS: Final = tuple(f"{axis}.{point}" for axis in ("servo", "motor") for point in ("min", "mid", "max"))


class Calibrating:
    """A calibration that is tried out; for one thread.

    Attributes:
        trial: What the wheels show.
        saved: What the file says.
        reason: Why nothing moves, or `Reason.NONE`.
    """

    def __init__(self, link: Callable[[], GuardLink], path: Path) -> None:
        """Read the calibration; one that cannot be read is replaced by the defaults when somebody saves."""
        self._connect, self._path = link, path
        self._link: GuardLink | None = None
        try:
            self.saved = load_calibration(path)
        except CarError:
            self.saved = Calibration()
        self.trial = self.saved
        self.reason = Reason.NOT_ARMED_YET
        self._point = "servo.mid"

    def begin(self) -> Reason:
        """Switch the outputs on; the wheels must be off the ground. `Reason.NONE`, or why it did not work."""
        self.end()
        self._link, self._point = self._connect(), "servo.mid"
        reply = self._link.arm()
        if reply is not None and reply.armed and reply.yours:
            reply = self._link.calibrate(self.trial)
        self._judge(reply)
        return self.reason

    def show(self, calibration: object, point: object) -> None:
        """Try pulses, and show one of `POINTS` with the wheels.

        Raises:
            CarError, ContractError: They are out of range.
        """
        both = check_fields(calibration, "calibration", ("servo", "motor"))
        fields = ("min", "mid", "max", "polarity")
        axes = [Axis(**check_fields(both[name], name, fields)) for name in ("servo", "motor")]
        self._point = check_choice(point, "point", POINTS)
        self.trial = Calibration(*axes)
        if self._link is not None:
            reply = self._link.calibrate(self.trial)
            self._judge(reply)

    def heard(self, since: float) -> None:
        """The person was there at a monotonic time [s]: hold the point for a moment after it."""
        if self._link is None or self.reason is not Reason.NONE:
            return
        axis, _, point = self._point.partition(".")
        polarity = (self.trial.servo if axis == "servo" else self.trial.motor).polarity
        value = {"min": -polarity, "mid": 0, "max": polarity}[point]
        pose = (float(value), 0.0) if axis == "servo" else (0.0, GENTLE * value)
        reply = self._link.command(*pose, since + HOLD)
        self._judge(reply)

    def end(self) -> None:
        """Stop; the saved calibration counts again."""
        if self._link is not None:
            self._link.disarm()
            self._link.close()
            self._link = None
        if self.reason is Reason.NONE:
            self.reason = Reason.STOPPED

    def save(self) -> None:
        """Stop, write the file, and let the guard use it from now on.

        Raises:
            CarError: The car is driving, the file cannot be written, or the guard does not answer.
        """
        self.end()
        with closing(self._connect()) as link:
            state = link.status()
            if state is not None and state.armed:  # by something else; the guard would not take it
                raise CarError("the car is driving: stop it first")
            write_calibration(self._path, self.trial)
            self.saved = self.trial
            if link.calibrate(self.saved) is None:
                raise CarError("saved, but the guard does not answer: restart it")

    def forget(self) -> None:
        """Stop, and go back to what is saved."""
        self.end()
        self.trial = self.saved

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        return {"trial": asdict(self.trial), "saved": asdict(self.saved), "point": self._point}

    def _judge(self, reply: Reply | None) -> None:
        if reply is None:
            self.reason = Reason.NO_GUARD
        else:
            self.reason = Reason.NONE if reply.armed and reply.yours else reply.reason
