"""The car as the console has it: what the person who holds the wheel may do, and what everybody sees.

The methods are for one thread, the server's. None waits long: the guard answers in 0.1 ms, and if it hangs,
which moves nothing, they give up after 0.2 s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ..beside import Beside
from ..drivers.camera import FPS
from ..errors import CarError
from ..hand import Hand
from ..live import LiveDrive
from ..policy import Policy
from ..reasons import Reason
from ..report import about
from .calibrating import Calibrating
from .journal import LOG
from .links import StopButton
from .models import Library
from .recordings import Recordings
from .wheel import Seat, Wheel

#: What the car can be driven by.
MODES: Final = ("hand", "policy", "calibration")


class Cockpit:
    """The car.

    Attributes:
        live: The drive loop.
        wheel: Who drives.
        mode: One of `MODES`.
        active: Name of the policy that is loaded, or empty.
    """

    def __init__(
        self,
        live: LiveDrive,
        hand: Hand,
        stop: StopButton,
        library: Library,
        calibrating: Calibrating,
        recordings: Recordings,
    ) -> None:
        self.live, self.library, self.calibrating, self.recordings = live, library, calibrating, recordings
        self.wheel = Wheel()
        self.mode, self.active = "hand", ""
        self._hand, self._stop = hand, stop
        self._policy: Policy | None = None
        self._beside = Beside()
        self._was_armed = False

    @property
    def armed(self) -> bool:
        """Whether the console moves the car."""
        return self._reason() is Reason.NONE

    def stop(self) -> bool:
        """Stop the car, now, from any state, for anybody; whether the guard confirms it."""
        stopped = self._stop.press()
        self.live.disarm()
        self.calibrating.end()
        self._note(False, self._reason())
        return stopped

    def heard(self, seat: Seat, since: float, steering: float, push: float) -> None:
        """A sign of life from a seat, which saw the tick of a monotonic time [s], and where its stick is."""
        if self.wheel.holder != seat:
            return
        self.wheel.heard(seat)
        if self.mode == "calibration":
            self.calibrating.heard(since)
            return
        self._hand.move(steering, push)
        self.live.lease.renew(since)

    def change_wheel(self, change: Callable[[], object]) -> None:
        """Let the wheel change hands; whoever gets it finds the car stopped."""
        before = self.wheel.holder
        change()
        if self.wheel.holder == before:
            return
        self.live.lease.end()
        self._hand.move(0.0, 0.0)
        self.stop()
        if self.mode == "calibration":
            self.calibrating.forget()
            self.mode = "hand"
        LOG.info("the wheel is %s", f"with the {self.wheel.holder.name}" if self.wheel.holder else "free")

    def set_mode(self, seat: Seat, mode: str) -> None:
        """Choose what drives; the car stops.

        Raises:
            CarError: This seat may not, or no policy is active.
        """
        self.check_holder(seat)
        if mode == "policy" and self._policy is None:
            raise CarError("no model is active: activate one first")
        self.stop()
        if self.mode == "calibration":
            self.calibrating.forget()
        self.mode = mode
        self._let_drive()

    def about(self) -> dict[str, str]:
        """What drives, as a recording has it; nothing for a person."""
        return about(self._policy) if self.mode == "policy" and self._policy is not None else {}

    def start(self, seat: Seat, wheels_off_ground: bool) -> None:
        """Arm the car.

        Raises:
            CarError: This seat may not, or why the car cannot be armed.
        """
        self.check_holder(seat)
        if self.mode == "calibration":
            if not wheels_off_ground:
                raise CarError("confirm that all four wheels are off the ground")
            reason = self.calibrating.begin()
        else:
            self._hand.move(0.0, 0.0)
            reason = self.live.arm()
        if reason is not Reason.NONE:
            raise CarError(f"cannot start: {reason.text}")
        LOG.info("%s starts the car, by %s", seat.name, self.mode)
        self._was_armed = True

    def set_limits(self, seat: Seat, **limits: float) -> None:
        """Change `Settings`; counts from the next frame.

        Raises:
            CarError, ContractError: This seat may not, or a value is out of range.
        """
        self.check_holder(seat)
        self.live.settings = replace(self.live.settings, **limits)

    def use_policy(self, name: str, policy: Policy, beside: Beside) -> None:
        """Let a verified policy be the one that drives, with what it sees beside the camera.

        Raises:
            CarError: The car is driving.
        """
        if self.armed:
            raise CarError("the car is driving: stop it first")
        self._policy, self._beside, self.active = policy, beside, name
        if self.mode == "policy":
            self._let_drive()

    def _let_drive(self) -> None:
        """Let the drive loop take what the mode says."""
        if self.mode == "policy" and self._policy is not None:
            self.live.use(self._policy, self._beside)
        else:
            self.live.use(self._hand)
        self.recordings.change(self.about())

    def check_holder(self, seat: Seat) -> None:
        """Raise CarError if this seat does not hold the wheel."""
        if self.wheel.holder != seat:
            raise CarError("take the wheel first")

    def state(self) -> dict[str, Any]:
        """What everybody who is logged in sees, but for the wheel, which looks different to each."""
        status, settings = self.live.status(), self.live.settings
        reason = self._reason()
        armed = reason is Reason.NONE
        calibrating = self.mode == "calibration"
        obstacle = Reason.NONE if armed or calibrating else self.live.obstacle()
        self._note(armed, reason)
        total = status.latency_ms.get("total", {})
        return {
            "mode": self.mode,
            "armed": armed,
            "reason": reason.text,
            "fault": not armed and reason.fault,
            "obstacle": "" if obstacle is Reason.NONE else obstacle.text,
            "fps": {"set": FPS, "real": status.fps},
            "latency": {name: round(total[name], 1) for name in ("p50", "p99") if name in total},
            "camera": self.live.camera.lost,
            "battery": status.battery,
            "settings": {
                "speed_limit": settings.speed_limit,
                "scale": settings.scale,
                "trim": settings.trim,
            },
            "active": self.active,
            "calibration": self.calibrating.state(),
        }

    def _reason(self) -> Reason:
        return self.calibrating.reason if self.mode == "calibration" else self.live.reason

    def _note(self, armed: bool, reason: Reason) -> None:
        if self._was_armed and not armed:
            LOG.info("stopped: %s", reason.text)
        self._was_armed = armed
