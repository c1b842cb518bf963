"""What the guard decides: armed or not, and what may reach the outputs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..calibration import Calibration
from ..drivers.pulses import Light, Pulses
from ..errors import CarError
from ..reasons import Reason

#: Longest that the car moves without a new command [s]. The goal is neutral within 0.3 s of any fault.
COMMAND_TIMEOUT: Final = 0.25

_LONGEST_STEP: Final = 0.1  # what one late command may make up for in a slew limit [s]
_RETRY: Final = 0.02  # between attempts to reach neutral when the outputs fail [s]
_IDLE: Final = 0.1  # longest wait, so that systemd's watchdog is fed [s]


@dataclass(frozen=True)
class OutputLimits:
    """The last limits before the outputs, whoever drives.

    Attributes:
        throttle: Largest throttle, both ways.
        throttle_rate: How fast throttle may grow [1/s]; letting go is never limited.
        steering_rate: How fast steering may turn [1/s]; from side to side is 2.

    Raises:
        CarError: A value is out of range.
    """

    throttle: float = 0.7
    throttle_rate: float = 4.0
    steering_rate: float = 15.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.throttle <= 1.0:
            raise CarError(f"throttle limit is {self.throttle:g}: give 0 to 1")
        if not (0.1 <= self.throttle_rate <= 1000.0 and 0.1 <= self.steering_rate <= 1000.0):
            raise CarError("a rate limit is out of range: give 0.1 to 1000 per second")


class Guard:
    """The car's state; neutral and off from the first moment on.

    Attributes:
        armed: Whether the outputs are on.
        owner: The client that armed it.
        reason: Why it is not armed.
        steering: What was last sent, in [-1, 1].
        throttle: The same.
        since: Monotonic time of the last arming, or of neutral after it [s].
        writes: How often the outputs were written.
    """

    def __init__(
        self,
        output: Pulses,
        calibration: Calibration = Calibration(),
        limits: OutputLimits = OutputLimits(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output, self._limits, self._clock = output, limits, clock
        self._calibration = self._saved = calibration
        self.armed = False
        self.owner: object = None
        self.reason = Reason.NOT_ARMED_YET
        self.steering = self.throttle = 0.0
        self.writes = 0
        self._until = self._written = 0.0
        self._safe = False
        self.since = clock()
        self._make_safe()

    def arm(self, owner: object) -> None:
        """Switch the outputs on, in neutral; a first command must come within `COMMAND_TIMEOUT`."""
        if self.armed:
            return
        if not self._safe:
            self._make_safe()
            if not self._safe:
                return
        try:
            self._write(0.0, 0.0)
            self._safe = False
            self._output.enable(True)
        except OSError:
            self._disarm(Reason.OUTPUT_FAILED)
            return
        now = self._clock()
        self.armed, self.owner, self.reason = True, owner, Reason.NONE
        self.since = self._written = now
        self._until = now + COMMAND_TIMEOUT

    def command(self, owner: object, steering: float, throttle: float, until: float) -> None:
        """Move, if this client may and the command is sound and in time; an unsound one disarms."""
        if not self.armed or owner is not self.owner:
            return
        # Written so that NaN fails, which compares as neither smaller nor larger.
        if not (-1.0 <= steering <= 1.0 and -1.0 <= throttle <= 1.0 and math.isfinite(until)):
            self._disarm(Reason.BAD_COMMAND)
            return
        now = self._clock()
        if now >= min(until, self._until):  # too late: for itself, or for the one before it
            self.check()
            return
        step = min(now - self._written, _LONGEST_STEP)
        self._written = now
        try:
            self._write(
                _approach(self.steering, steering, self._limits.steering_rate * step),
                self._throttle(throttle, self._limits.throttle_rate * step),
            )
        except OSError:
            self._disarm(Reason.OUTPUT_FAILED)
            return
        self._until = min(until, now + COMMAND_TIMEOUT)

    def disarm(self, reason: Reason) -> None:
        """Neutral, then off. The first reason stays until the next arming."""
        if self.armed:
            self._disarm(reason)

    def calibrate(self, owner: object, calibration: Calibration) -> None:
        """Use other pulses: the driver's until the car is disarmed, anybody's for good while it is not."""
        if self.armed:
            if owner is self.owner:
                self._calibration = calibration
            return
        self._calibration = self._saved = calibration
        self._safe = False
        self._make_safe()

    def leave(self, owner: object) -> None:
        """A client is gone; if it drove, its car stops."""
        if owner is self.owner:
            self.disarm(Reason.CLIENT_GONE)

    def check(self) -> None:
        """Stop the car if its command has run out; to be called after every wait."""
        if self.armed and self._clock() >= self._until:
            self._disarm(Reason.COMMAND_TIMEOUT)
        elif not self.armed and not self._safe:
            self._make_safe()

    def wait(self) -> float:
        """How long there is nothing to check [s]."""
        if self.armed:
            return min(max(self._until - self._clock(), 0.0), _IDLE)
        return _IDLE if self._safe else _RETRY

    @property
    def light(self) -> Light:
        """What the car's lights are to show."""
        if self.armed:
            return Light.ARMED
        return Light.FAULT if self.reason.fault else Light.READY

    def show(self) -> None:
        """Show the state with the car's lights, which may fail."""
        self._output.show(self.light)

    def _disarm(self, reason: Reason) -> None:
        self.armed, self.owner, self.reason = False, None, reason
        self._calibration = self._saved
        self._make_safe()
        self.since = self._clock()

    def _make_safe(self) -> None:
        """Neutral, then off; each is tried whatever became of the other, and again until both are done."""
        done = 0
        self._output.neutral = self._saved.servo.mid, self._saved.motor.mid
        for step in (lambda: self._write(0.0, 0.0), lambda: self._output.enable(False)):
            try:
                step()
                done += 1
            except OSError:
                self.reason = Reason.OUTPUT_FAILED
        self._safe = done == 2

    def _write(self, steering: float, throttle: float) -> None:
        axes = self._calibration
        self._output.write(axes.servo.pulse(steering), axes.motor.pulse(throttle))
        self.steering, self.throttle = steering, throttle
        self.writes += 1

    def _throttle(self, wanted: float, most: float) -> float:
        """Growth is limited, letting go is not; the way to the other direction leads over neutral."""
        wanted = min(max(wanted, -self._limits.throttle), self._limits.throttle)
        if self.throttle * wanted < 0.0:
            return 0.0
        if abs(wanted) <= abs(self.throttle):
            return wanted
        return _approach(self.throttle, wanted, most)


def _approach(value: float, goal: float, most: float) -> float:
    return value + min(max(goal - value, -most), most)
