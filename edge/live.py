"""The drive in real time: camera, policy, guard, and every reason to stop.

    camera thread -> mailbox (newest frame) -> decode -> observe -> infer -> map -> limit -> guard -> motor

Each frame has a deadline: what was not decided `DEADLINE` after the frame arrived is thrown away. A decision
holds until `HOLD` after its frame arrived, and the guard, another process, enforces that. So the time to
neutral does not depend on the fault: if frames stop, freeze or break, if the policy hangs, if this process
dies or is stopped, no decision follows, and the last one runs out. What this loop adds are the faults that
it sees sooner (it disarms at once) and the names of all of them. It decides, but sends nothing, before it is
armed: so it knows that all of it works before anything moves. All times are monotonic: setting the clock
changes nothing.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .battery_watch import BatteryWatch
from .beside import Beside, Glance, StaleError, combine
from .contract import Command, observe
from .drivers.battery import Battery
from .drivers.camera import Image, OpenCamera
from .drivers.jpeg import BadFrameError, check_whole, decode
from .errors import CarError, ContractError, PolicyError
from .guard.client import GuardLink
from .guard.wire import Reply
from .hand import Hand
from .latency import Latency
from .lease import Lease
from .mailbox import CameraThread
from .observation import batch_of_one
from .policy import Policy
from .reasons import Reason
from .runtime import Limits
from .throttle import steering, throttle
from .watchers import Watcher, Watchers

#: From a frame's arrival to its command, at most; later ones are thrown away [s].
DEADLINE: Final = 0.1
#: How long a command holds after the arrival of its frame, or of what it was decided on beside it [s].
HOLD: Final = 0.25

_EARLY: Final = 0.03  # before the guard would stop the car, so that the reason has a name [s]
_TICK: Final = 0.02  # longest wait for a frame: how often the reasons to stop are looked at [s]
_HEALTH_PERIOD: Final = 1.0  # between records of it [s]


@dataclass(frozen=True)
class Settings:
    """What the driver sets.

    Attributes:
        speed_limit: Highest speed [m/s].
        scale: Share of the motor's power, 0 to 1.
        trim: Steering that is added, because the car pulls to a side [rad].

    Raises:
        CarError, ContractError: A value is out of range.
    """

    speed_limit: float = Limits().speed
    scale: float = 0.5
    trim: float = 0.0

    def __post_init__(self) -> None:
        Limits(self.speed_limit)
        if not 0.0 <= self.scale <= 1.0:
            raise CarError(f"scale is {self.scale:g}: give 0 to 1, a share of the motor's power")
        if not -0.2 <= self.trim <= 0.2:
            raise CarError(f"trim is {self.trim:g} rad: give -0.2 to 0.2; beyond that, calibrate the car")


@dataclass(frozen=True)
class Status:
    """How the drive is going.

    Attributes:
        armed: Whether the car moves.
        reason: Why not.
        fps: Decisions per second, over the last second.
        counts: Frames that were decided, late, broken or repeated, and those that nobody took.
        battery: Level 0 to 11, or `None`.
        latency_ms: Percentiles of each stage [ms].
    """

    armed: bool
    reason: Reason
    fps: float
    counts: Mapping[str, int]
    battery: int | None
    latency_ms: Mapping[str, Mapping[str, float]]


class LiveDrive:
    """A drive. `run` is the loop; everything else may be called from any thread.

    Attributes:
        settings: May be replaced while it drives.
        lease: Somebody must keep renewing it.
        camera: The camera's thread; `camera.latest` is the newest frame.
    """

    def __init__(
        self,
        pilot: Policy | Hand,
        open_camera: OpenCamera,
        link: Callable[[], GuardLink],
        *,
        lease: Lease,
        settings: Settings = Settings(),
        battery: Battery | None = None,
        watcher: Watcher | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.settings, self.lease = settings, lease
        self.camera = CameraThread(open_camera)
        self.latency = Latency()
        self._battery = BatteryWatch(battery)
        self._watcher, self._beside = watcher or Watchers(), beside or Beside()
        self._connect = link
        self._link = link()
        self._pilot = pilot
        self._armed = threading.Event()
        self._reason = Reason.NOT_ARMED_YET
        self._fault = Reason.NO_FRAME_YET  # of the newest frame
        # Arrival of the oldest thing that the newest command was decided on; what it means if that runs out.
        self._fresh, self._oldest = -1.0, Reason.CAMERA_LOST
        self._counts: Counter[str] = Counter()
        self._times: list[float] = []
        self._stages: Mapping[str, float] = {}  # of the newest decision [ms]
        self._recorded: tuple[Reason | None, float] = (None, 0.0)  # health's last reason, and when [s]
        self._stopping = threading.Event()

    def run(self) -> None:
        """Drive until `stop`; the car is disarmed whichever way this returns."""
        self.camera.start()
        self._beside.start()
        self._battery.start()
        try:
            while not self._stopping.is_set():
                image = self.camera.mailbox.take(_TICK)
                self._look_for_reasons()
                self._record_health()
                if image is not None:
                    self._drive(image)
        finally:
            self.stop()
            self.camera.stop()
            self._beside.stop()
            self._battery.stop()
            self._link.close()

    def stop(self) -> None:
        """Neutral first, then the end of `run`; it does not wait for a policy that hangs."""
        self._stopping.set()  # from now on nobody can arm it
        self.disarm(Reason.SHUTDOWN)

    def use(self, pilot: Policy | Hand, beside: Beside | None = None) -> None:
        """Let another pilot drive, with what it sees beside the camera.

        It must have decided once before the car can be armed.

        Raises:
            CarError: The car is armed.
        """
        if self._armed.is_set():
            raise CarError("the car is driving: stop it first")
        self._beside.stop(patience=0.0)
        self._pilot, self._beside = pilot, beside or Beside()
        self._beside.start()
        self._fresh, self._fault = -1.0, Reason.NO_FRAME_YET
        self.latency = Latency()

    def arm(self) -> Reason:
        """Arm the car; `Reason.NONE` if that worked, else why not. What is wrong must be mended first."""
        reason = self._not_ready()
        if reason is Reason.NONE:
            reason = self._ask_to_arm()
        self._reason = reason
        if reason is Reason.NONE:
            self._armed.set()
        return reason

    def _ask_to_arm(self) -> Reason:
        reply = self._link.arm()
        if reply is None:  # the guard was restarted; the old link is over
            try:
                self._link = self._connect()
            except CarError:
                return Reason.NO_GUARD
            reply = self._link.arm()
        return _verdict(reply)

    def disarm(self, reason: Reason = Reason.STOPPED) -> None:
        """Stop the car, now, from any state."""
        if self._armed.is_set():
            self._reason = reason
            self._armed.clear()
        self._link.disarm(reason)

    def status(self) -> Status:
        """How the drive is going."""
        now = time.monotonic()
        counts = {**self._counts, "not taken": self.camera.mailbox.dropped, "repeated": self.camera.repeated}
        fps = float(sum(now - 1.0 < t for t in list(self._times)))
        reason, level = self.reason, self._battery.level()
        return Status(reason is Reason.NONE, reason, fps, counts, level, self.latency.milliseconds())

    @property
    def reason(self) -> Reason:
        """Why the car does not move, or `Reason.NONE` while it is armed."""
        return Reason.NONE if self._armed.is_set() else self._reason

    def _not_ready(self) -> Reason:
        """What would stop the car at once."""
        if self._stopping.is_set():
            return Reason.SHUTDOWN
        return self.obstacle() if self.lease.valid() else Reason.LEASE_LOST

    def obstacle(self) -> Reason:
        """What would keep the car from driving, whoever holds the lease."""
        if (reason := self._battery.obstacle()) is not Reason.NONE:
            return reason
        if time.monotonic() > self._fresh + HOLD - _EARLY:
            return self._why_stale()
        return Reason.NONE

    def _look_for_reasons(self) -> None:
        if self._armed.is_set() and (reason := self._not_ready()) is not Reason.NONE:
            self._halt(reason)

    def _record_health(self) -> None:
        """Record how it goes: on every change, and now and then."""
        reason, now = self.reason, time.monotonic()
        if reason is not self._recorded[0] or now > self._recorded[1] + _HEALTH_PERIOD:
            self._recorded = reason, now
            armed, level = reason is Reason.NONE, self._battery.level()
            self._watcher.health({"armed": armed, "reason": reason.text, "battery": level, **self._counts})

    def _halt(self, reason: Reason) -> None:
        """Stop the car for a fault of this program's, if it is this program that drives."""
        if self._armed.is_set():
            self.disarm(reason)

    def _why_stale(self) -> Reason:
        if self.camera.lost:
            return Reason.CAMERA_LOST
        if self.camera.repeated > 1:
            return Reason.CAMERA_FROZEN
        return self._fault if self._fault is not Reason.NONE else self._oldest

    def _drive(self, image: Image) -> None:
        """One frame to one command."""
        self._watcher.frame(image)
        self._reckon(image)
        if self._fault is not Reason.NONE:
            self._watcher.decision(image.stamp, {"fault": self._fault.text})

    def _reckon(self, image: Image) -> None:
        pilot = self._pilot
        try:
            command, glance = self._decide(image, pilot)
        except (BadFrameError, ContractError):  # the next frame may be fine; if none is, the command runs out
            self._fault = Reason.BAD_FRAME
            self._counts["broken"] += 1
            return
        except StaleError as error:
            self._fault = error.reason
            return
        except CarError:  # no decoder is installed: nothing would ever work
            raise
        except Exception as error:  # whatever an engine raises must stop the car, and not this loop
            bad = isinstance(error, PolicyError)
            self._fault = Reason.BAD_ACTION if bad else Reason.INFERENCE_FAILED
            self._halt(self._fault)
            return
        now = time.monotonic()
        if pilot is not self._pilot:  # it was replaced while it thought
            return
        if now > image.stamp + DEADLINE:
            self._fault = Reason.INFERENCE_LATE
            self._counts["late"] += 1
            return
        self._fault = Reason.NONE
        self._fresh, self._oldest = min((image.stamp, Reason.CAMERA_LOST), (glance.since, glance.oldest))
        self._counts["decided"] += 1
        self._times = [*(t for t in self._times if t > now - 1.0), now]
        self._send(command, image.stamp, self._fresh + HOLD)

    def _decide(self, image: Image, pilot: Policy | Hand) -> tuple[Command, Glance]:
        """The command, and what it was decided on beside the frame."""
        began = time.monotonic()
        if isinstance(pilot, Hand):
            self._stages = {}
            self._stage("wait", began - image.stamp)
            check_whole(image.jpeg)
            return pilot.command(self.settings.speed_limit), Glance()
        spec = pilot.contract.observation
        glance = self._beside.newest(image.stamp, spec)
        self._watcher.beside(image.stamp, glance)
        reading = combine(decode(image.jpeg, spec), glance, spec)
        decoded = time.monotonic()
        outputs = pilot.predict(batch_of_one(observe(reading, spec)))
        inferred = time.monotonic()
        command = pilot.command(outputs)
        self._stage("wait", began - image.stamp)
        self._stage("decode", decoded - began)
        self._stage("infer", inferred - decoded)
        return command, glance

    def _stage(self, name: str, duration: float) -> None:
        self.latency.add(name, duration)
        self._stages = {**self._stages, name: round(1e3 * duration, 3)}

    def _send(self, wanted: Command, stamp: float, until: float) -> None:
        settings = self.settings
        command = Limits(settings.speed_limit).apply(wanted)
        turn = steering(command.steering, settings.trim)
        push = throttle(command.speed, self._pilot.top_speed, settings.scale)
        self._look_for_reasons()  # what happened while the policy thought
        reply = None
        if self._armed.is_set():
            reply = self._link.command(turn, push, until)
            reason = _verdict(reply)
            if reason is not Reason.NONE and self._armed.is_set():
                self._reason = reason
                self._armed.clear()
        self._stage("total", time.monotonic() - stamp)
        sent = None if reply is None else [reply.steering, reply.throttle]
        self._watcher.decision(
            stamp, {"steering": wanted.steering, "speed": wanted.speed, "sent": sent, "ms": self._stages}
        )


def _verdict(reply: Reply | None) -> Reason:
    """Why the guard does not let this client drive."""
    if reply is None:
        return Reason.NO_GUARD
    return Reason.NONE if reply.armed and reply.yours else reply.reason
