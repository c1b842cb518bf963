"""Rehearsal in real time: `LiveDrive` and the guard, as they are on the car, drive a simulated one.

    simulated cameras -> JPEG -> LiveDrive -> socket -> guard -> pulses -> simulated servo and motor

Nothing of the runtime is left out or replaced: frames are decoded, deadlines count, the guard limits and
stops. Only the two ends are simulated, and the person who holds the key.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from .actions import MAX_STEERING
from .beside import Beside
from .calibration import Calibration
from .contract import STEREO, Command, ObservationSpec
from .drive_thread import in_thread
from .drivers.camera import FPS, Image
from .drivers.jpeg import encode
from .drivers.pulses import Light
from .drivers.rplidar import PlayedLidar, scans
from .guard.client import GuardLink
from .guard.server import answer, listen
from .guard.state import Guard, OutputLimits
from .latency import Latency
from .lease import Lease
from .lidar import turn_of_ranges
from .live import LiveDrive, Settings
from .policy import Policy
from .reasons import Reason
from .recording import Recorder
from .rehearsal import call_simulator
from .report import about
from .throttle import speed

_ARMING: Final = 5.0  # how long a runtime may take until it is ready [s]
_GLANCE: Final = 0.05  # between looks at the trial [s]


class Seen(Protocol):
    """What a simulated camera gives.

    Attributes:
        frame: (H, W, 3) uint8 RGB, or (H, W, 1) gray of one of two.
        stamp: Monotonic time at which it was exposed [s].
        pose: x, y [m] and yaw [rad] of the car then.
    """

    @property
    def frame(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def stamp(self) -> float: ...  # noqa: D102
    @property
    def pose(self) -> tuple[float, float, float]: ...  # noqa: D102


class RealTimeCar(Protocol):
    """A simulated car on the wall's clock, in one trial."""

    def read(self, eye: int = 0) -> Seen | None:
        """The newest frame of a camera, of two the right one is 1; waits, and `None` ends the trial."""
        ...

    def scan(self) -> NDArray[np.float64] | None:
        """The lidar's next turn, (64,) ranges [m]; waits for it, and gives `None` when the trial is over."""
        ...

    def write(self, command: Command) -> None:
        """Tell the actuators; the command counts until another one comes."""
        ...

    def over(self, timeout: float) -> bool:
        """Whether the trial is over; waits for that for at most `timeout` [s]."""
        ...


class SimulatedCamera:
    """A camera of a simulated car; one of them tells the recorder where the car was."""

    def __init__(self, car: RealTimeCar, recorder: Recorder | None = None, eye: int = 0) -> None:
        self._car, self._number, self._recorder, self._eye = car, 0, recorder, eye

    def read(self) -> Image:
        """The next frame; raises OSError when the trial is over."""
        seen = self._car.read(self._eye)
        if seen is None:
            raise OSError("the trial is over")
        self._number += 1
        if self._recorder is not None:
            self._recorder.pose(seen.stamp, seen.pose)
        return Image(encode(seen.frame, self._number), seen.stamp)

    def close(self) -> None:
        """There is nothing to let go of."""


class SimulatedPulses:
    """The servo and the motor of a simulated car, whose full power is the policy's fastest action.

    Args:
        car: What they move.
        top_speed: Speed at full throttle [m/s].
    """

    def __init__(self, car: RealTimeCar, top_speed: float) -> None:
        self._car, self._top_speed, self._on = car, top_speed, False
        axes = Calibration()
        self.neutral = axes.servo.pulse(0.0), axes.motor.pulse(0.0)

    def write(self, steering: int, throttle: int) -> None:
        """Set both pulses [ns]."""
        if self._on:
            axes = Calibration()
            angle = axes.servo.value(steering) * np.radians(MAX_STEERING)
            self._car.write(Command(float(angle), speed(axes.motor.value(throttle), self._top_speed)))

    def enable(self, on: bool) -> None:
        """Switch servo and motor on or off."""
        self._on = on
        if not on:
            self._car.write(Command(0.0, 0.0))

    def show(self, light: Light) -> None:
        """It has no lights."""


def run(
    policy: Policy,
    *,
    fps: float = FPS,
    latency: float = 0.0,
    drop: float = 0.0,
    speed_limit: float | None = None,
    record: Path | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Let the car's runtime drive the installed simulator in real time, and say how it went.

    A simulator is a function of `(contract, drive, *, fps, latency, drop, **settings)` under the name
    "real_time" in the entry-point group of `rehearsal`. It calls `drive(car)` for each trial, with a
    `RealTimeCar`, and returns what `rehearsal.run` says, and `slipped`: how long its clock had to wait for
    this computer [s].

    Args:
        policy: What drives.
        fps: Frames per second of the camera.
        latency: From a frame's exposure to its arrival [s].
        drop: Share of the frames that never arrive.
        speed_limit: Highest speed [m/s].
        record: The file to record in, poses included.
        settings: `track`, `laps`, `trials`, `physics`, `direction` and `seed`, as for `rehearsal.run`.

    Returns:
        What the simulator returned; `latency_ms`, percentiles of each stage [ms]; `stops`, how often which
        reason ended a trial before its laps; and `frames`, what became of them.

    Raises:
        ContractError: There is no simulator, or a setting is not one that it takes.
        CarError: simplejpeg is not installed.
    """
    limits = Settings(scale=1.0) if speed_limit is None else Settings(speed_limit, scale=1.0)
    histograms = Latency()
    stops: Counter[str] = Counter()
    frames: Counter[str] = Counter()
    recorder: Recorder | None = None
    numbers = count()

    def drive(car: RealTimeCar) -> None:
        nonlocal recorder
        if record is not None and recorder is None:  # not before: it moves an older recording aside
            recorder = Recorder(record, about(policy))
        if recorder is not None:
            recorder.trial(next(numbers))
        with _guarded(car, policy.top_speed) as guard:
            lease = Lease()
            live = LiveDrive(
                policy,
                lambda: SimulatedCamera(car, recorder),
                lambda: GuardLink(guard),
                lease=lease,
                settings=limits,
                watcher=recorder,
                beside=_beside(car, policy.contract.observation),
            )
            live.latency = histograms
            reason = _drive_trial(live, lease, car)
        if reason is not Reason.NONE:
            stops[reason.text] += 1
        frames.update(live.status().counts)

    try:
        result = call_simulator(
            "real_time", policy.contract, drive, fps=fps, latency=latency, drop=drop, **settings
        )
    finally:
        if recorder is not None:
            recorder.close()
    return {
        **result,
        "fps": fps,
        "added_latency_ms": 1e3 * latency,
        "dropped": drop,
        "stops": dict(stops),
        "frames": dict(frames),
        "latency_ms": histograms.milliseconds(),
    }


def _beside(car: RealTimeCar, spec: ObservationSpec) -> Beside:
    """The right camera and the lidar, through the car's own drivers but for the wire."""

    def measure() -> NDArray[np.float64] | None:
        ranges = car.scan()
        return None if ranges is None else turn_of_ranges(ranges)

    return Beside(
        (lambda: SimulatedCamera(car, eye=1)) if spec.sensor == STEREO else None,
        (lambda: scans(PlayedLidar(measure))) if spec.lidar is not None else None,
    )


def _drive_trial(live: LiveDrive, lease: Lease, car: RealTimeCar) -> Reason:
    """Arm as soon as the runtime is ready, and hold the key until the trial is over; why it stopped early."""
    ended = threading.Event()
    person = threading.Thread(target=_hold, args=(lease, ended), name="person", daemon=True)
    person.start()
    with in_thread(live, ended.set):
        until = time.monotonic() + _ARMING
        while (reason := live.arm()) is not Reason.NONE and time.monotonic() < until and not ended.is_set():
            time.sleep(0.01)
        while reason is Reason.NONE and not ended.is_set() and not car.over(_GLANCE):
            reason = live.reason
        if car.over(0.0):  # it drove to the end, and its sensors fell silent before anybody looked
            reason = Reason.NONE
    person.join()
    return reason


def _hold(lease: Lease, ended: threading.Event) -> None:
    while not ended.wait(0.02):
        lease.renew()


@contextlib.contextmanager
def _guarded(car: RealTimeCar, top_speed: float) -> Iterator[Path]:
    """The guard, in a thread of this process; the path of its socket."""
    wake, woken = socket.socketpair()
    with tempfile.TemporaryDirectory(prefix="hairpin-") as folder, wake, woken:
        path = Path(folder) / "guard.sock"
        with listen(path) as listener:
            # The policy's top speed is the motor's full power here; how fast it may grow stays limited.
            guard = Guard(SimulatedPulses(car, top_speed), limits=OutputLimits(throttle=1.0))
            thread = threading.Thread(target=answer, args=(guard, listener, wake), name="guard", daemon=True)
            thread.start()
            try:
                yield path
            finally:
                woken.send(b"\0")
                thread.join()
                guard.disarm(Reason.SHUTDOWN)
