"""The rehearsal in real time: the simulator as a car whose clock does not wait for the one who drives."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import STEREO, Command, Contract
from hairpin.tracks import Track

from .config import WorldConfig
from .episode import Start
from .errors import SimError
from .laps import Logbook, place, starts
from .physics import Physics, make_physics
from .rehearsal import rehearsal_config
from .report import LapReport, merge
from .world import World

TICK_HZ: Final = 120.0
"""How often the car is told its newest command; rounded to whole ticks per control period [Hz]."""

TURN_HZ: Final = 10.0
"""Turns of the lidar, as an RPLIDAR A1 has them ex factory, to the nearest tick [Hz]."""

_MOST_FPS: Final = 120.0
_MOST_LATENCY: Final = 1.0  # [s]
_BEHIND: Final = 0.1  # what may be caught up with; beyond it the simulated clock slips [s]


class Exposure(NamedTuple):
    """A frame of the simulated camera.

    Attributes:
        frame: (H, W, 3) uint8 RGB, or (H, W, 1) gray of one of two cameras.
        stamp: Monotonic time at which it was exposed [s].
        pose: x, y [m] and yaw [rad] of the car then.
    """

    frame: NDArray[np.uint8]
    stamp: float
    pose: tuple[float, float, float]


class TickedPhysics:
    """A physics that asks for the command anew at each of the ticks that a control period is cut into.

    Rules, lap times and logs stay those of the control period.

    Args:
        inner: What moves the car, stepped once per tick.
        ticks: Ticks per control period.

    Attributes:
        command: Asked before each tick; (1, 2) steering [rad] and speed [m/s].
    """

    def __init__(self, inner: Physics, ticks: int) -> None:
        self.command: Callable[[], NDArray[np.float64]] = lambda: np.zeros((1, 2))
        self.pose, self.velocity = inner.pose, inner.velocity  # arrays that it writes to in place
        self._inner, self._ticks = inner, ticks

    def reset(self, which: NDArray[np.intp], pose: NDArray[np.float64], car: NDArray[np.void]) -> None:
        """Put the car down; see `Physics.reset`."""
        self._inner.reset(which, pose, car)

    def step(self, command: NDArray[np.float64], objects: NDArray[np.void] | None = None) -> None:
        """Advance by one control period; the command given is not used."""
        for _ in range(self._ticks):
            self._inner.step(self.command(), objects)

    def close(self) -> None:
        """Release what the physics holds."""
        self._inner.close()


class RealTimeCar:
    """A simulated car on the wall's clock: cameras that must be read in time, and a motor that keeps going.

    It stands until the first command that moves it; from then on its trial runs, whatever the driver does.

    Args:
        world: A world of one car, whose observation is the camera's whole frame.
        physics: The physics of that world.
        start: Where the trial begins.
        generator: Of what the world draws, and of the frames that are lost.
        fps: Frames per second.
        latency: From a frame's exposure to its arrival [s]; a lidar's turns are not held back.
        drop: Share of the frames that never arrive, of each camera.

    Attributes:
        slipped: How long simulated time has waited for this computer [s].
    """

    def __init__(
        self,
        world: World,
        physics: TickedPhysics,
        start: Start,
        generator: np.random.Generator,
        *,
        fps: float,
        latency: float,
        drop: float,
    ) -> None:
        place(world, 0, start, generator)
        self.slipped = 0.0
        self._world, self._physics, self._random = world, physics, generator
        self._period, self._latency, self._drop = 1.0 / fps, latency, drop
        self._book = Logbook(world)
        ticks = max(1, round(TICK_HZ / world.config.control_hz))
        self._tick = 1.0 / (world.config.control_hz * ticks)
        self._due = self._next_frame = self._next_turn = time.monotonic()
        spec = world.config.observation
        eyes = 2 if spec.sensor == STEREO else 1
        self._frames: tuple[deque[Exposure], ...] = tuple(deque() for _ in range(eyes))
        self._has_lidar = spec.lidar is not None
        self._turns: deque[NDArray[np.float64]] = deque(maxlen=1)
        self._changed = threading.Condition()
        self._command = np.zeros((1, 2))
        self._moving = self._over = False
        physics.command = self._take_command
        self._thread = threading.Thread(target=self._run, name="simulated car", daemon=True)
        self._thread.start()

    def read(self, eye: int = 0) -> Exposure | None:
        """The newest frame that has arrived; waits for one, and gives `None` when the trial is over.

        Args:
            eye: Which camera's: 0 is the only one, or the left one; 1 the right one.
        """
        frames = self._frames[eye]
        with self._changed:
            while not self._over:
                now = time.monotonic()
                newest = None
                while frames and frames[0].stamp + self._latency <= now:
                    newest = frames.popleft()
                if newest is not None:
                    return newest
                due = frames[0].stamp + self._latency - now if frames else None
                self._changed.wait(due)
        return None

    def scan(self) -> NDArray[np.float64] | None:
        """The lidar's next turn: (64,) ranges [m], infinity for nothing; `None` when the trial is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._turns)
            return None if self._over else self._turns.popleft()

    def write(self, command: Command) -> None:
        """Tell the actuators; the command counts from the next tick on, until another one comes."""
        with self._changed:
            self._command = np.array([[command.steering, command.speed]])
            self._moving |= command.speed > 0.0

    def over(self, timeout: float) -> bool:
        """Whether the trial is over; waits for that for at most `timeout` [s]."""
        with self._changed:
            self._changed.wait_for(lambda: self._over, timeout)
            return self._over

    def end(self) -> LapReport:
        """End the trial, if it is not over yet; what came of it."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join()
        return self._book.report()

    def _run(self) -> None:
        try:
            while not self._moving and not self._over:
                self._wait_for_tick()
            while self._book.running[0] and not self._over:
                self._book.enter(self._world.drive(self._command))
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _take_command(self) -> NDArray[np.float64]:
        self._wait_for_tick()
        return self._command

    def _wait_for_tick(self) -> None:
        """Wait for the next tick; expose a frame if one is due in it."""
        now = time.monotonic()
        if now > self._due + _BEHIND:  # this computer is too slow: simulated time waits for it
            self.slipped += now - self._due
            self._next_frame += now - self._due
            self._next_turn += now - self._due
            self._due = now
        time.sleep(max(self._due - now, 0.0))
        if self._due + 0.5 * self._tick >= self._next_frame:
            self._next_frame += self._period
            self._expose()
        if self._has_lidar and self._due + 0.5 * self._tick >= self._next_turn:
            self._next_turn += 1.0 / TURN_HZ
            self._turn()
        self._due += self._tick

    def _expose(self) -> None:
        world, stamp = self._world, time.monotonic()
        pose = self._physics.pose.copy()
        eyes = np.split(world.frames(pose=pose)[0], len(self._frames), axis=-1)
        x, y, yaw = pose[0].tolist()
        with self._changed:
            for frames, frame in zip(self._frames, eyes, strict=True):
                if self._random.random() >= self._drop:
                    frames.append(Exposure(frame, stamp, (x, y, yaw)))
            self._changed.notify_all()

    def _turn(self) -> None:
        """Measure all around, at once; a real lidar takes the whole turn for it."""
        ranges = self._world.ranges(pose=self._physics.pose.copy())[0]
        with self._changed:
            self._turns.append(ranges)
            self._changed.notify_all()


def rehearse_in_real_time(
    contract: Contract,
    drive: Callable[[RealTimeCar], object],
    *,
    track: str | Track | None = None,
    laps: int = 3,
    trials: int = 4,
    physics: str = "bullet",
    direction: str = "both",
    seed: int = 0,
    fps: float = 30.0,
    latency: float = 0.0,
    drop: float = 0.0,
) -> dict[str, Any]:
    """Let a runtime drive the simulator against the clock.

    Args:
        contract: What the runtime's policy sees and says.
        drive: Drives one trial: reads frames, writes commands, and returns when `over` says so.
        track: Where to drive; the track that the contract names if not given.
        laps: Laps of each trial.
        trials: How many, from starts spread over the lap.
        physics: "bullet" or "single_track".
        direction: "ccw", "cw" or "both".
        seed: Of everything random.
        fps: Frames per second of the camera.
        latency: From a frame's exposure to its arrival [s].
        drop: Share of the frames that never arrive.

    Returns:
        The report as what `json.dump` takes, and `slipped`: how long the clock waited for this computer [s].

    Raises:
        SimError, TrackError: A setting cannot be used.
    """
    _check("frames per second", fps, 1.0, _MOST_FPS)
    _check("latency", latency, 0.0, _MOST_LATENCY)
    _check("share of lost frames", drop, 0.0, 0.99)
    config = rehearsal_config(contract, track, laps, trials, physics, direction)
    reports, slipped = [], 0.0
    with contextlib.closing(_TickedWorld(config)) as ticked:
        for i, start in enumerate(starts(trials, direction)):
            generator = np.random.default_rng([seed, i])
            car = RealTimeCar(
                ticked.world, ticked.physics, start, generator, fps=fps, latency=latency, drop=drop
            )
            try:
                drive(car)
            finally:
                reports.append(car.end())
            slipped += car.slipped
    return merge(reports).to_dict() | {"slipped": round(slipped, 3)}


class _TickedWorld:
    """A world of one car, and its physics."""

    def __init__(self, config: WorldConfig) -> None:
        ticks = max(1, round(TICK_HZ / config.control_hz))
        self.physics = TickedPhysics(make_physics(config.physics, 1, config.control_hz * ticks), ticks)
        self.world = World(config, 1, physics=self.physics)

    def close(self) -> None:
        self.world.close()


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SimError(f"{name} is {value:g}: give {low:g} to {high:g}")
