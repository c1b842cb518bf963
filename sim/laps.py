"""Trials: a policy drives laps from given starts, and what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import Contract
from hairpin.tracks import Track

from .config import WorldConfig, make_config
from .episode import Start
from .errors import SimError, check_whole
from .oscillation import fast_power, mean_change
from .report import LapReport
from .rules import Status
from .world import Step, World

Act = Callable[[Any], NDArray[Any]]
"""A policy: what N cars see, as `World.observe` gives it, to actions, (N,) or (N, 2)."""

#: Time that being put back costs [s], as deepracer-for-cloud sets it; a car that stands has lost enough.
PENALTIES: Final = {Status.OFF_TRACK: 2.0, Status.REVERSED: 2.0, Status.CRASHED: 5.0, Status.IMMOBILIZED: 0.0}
_NO_STEPS: Final = ((0, 3), (0,), (0, 2), (0,), (0,))  # shapes of a trace's columns before the first step


@dataclass
class Trace:
    """Every step of one trial, for pictures, videos and logs.

    Attributes:
        pose: x, y [m] and yaw [rad] of the car's base per step.
        speed: Forward speed per step [m/s].
        command: Commanded steering [deg] and speed [m/s] per step.
        progress: Share of the lap done per step [%].
        position: Place along the centre line per step, as a share of it, in the direction driven.
        reverse: Whether the trial ran against the rows of the track's file.
    """

    reverse: bool
    pose: list[NDArray[np.float64]] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    command: list[NDArray[np.float64]] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)
    position: list[float] = field(default_factory=list)


def starts(trials: int, direction: str | None) -> list[Start]:
    """Starts spread evenly over the lap from the start line on; "both" gives each place both directions."""
    if direction != "both":
        return [Start(i / trials, direction) for i in range(trials)]
    places = (trials + 1) // 2
    return [Start(i // 2 / places, ("ccw", "cw")[i % 2]) for i in range(trials)]


def step_limit(track: Track, laps: int, control_hz: float) -> int:
    """Steps after which a trial is over: its laps at 0.2 m/s, half of what slow action spaces ask for."""
    return max(100, int(laps * track.length / 0.2 * control_hz))


def world_of(contract: Contract, track: Track, laps: int = 1, **settings: Any) -> WorldConfig:
    """The world that a policy drives laps in: what it sees and says is its contract's, and nothing is paid.

    Args:
        contract: The policy's.
        track: Where.
        laps: Laps of each trial.
        settings: More of `make_config`, which come before these.

    Raises:
        SimError, TrackError: A setting cannot be used.
    """
    check_whole("laps", laps)
    own: dict[str, Any] = {
        "track": track,
        "reward": None,
        "observation": contract.observation,
        "actions": contract.actions,
        "control_hz": contract.control_hz,
        "laps": laps,
        "max_steps": step_limit(track, laps, contract.control_hz),
    }
    return make_config(**own | settings)


def place(world: World, car: int, start: Start, generator: np.random.Generator) -> None:
    """Put a car where its trial begins."""
    world.reseed(car, generator)
    world.reset(np.array([car]), start)


def run_trials(
    config: WorldConfig,
    act: Act,
    begin: Sequence[Start],
    *,
    seed: int = 0,
    resets: int = 0,
    penalties: Mapping[Status, float] = PENALTIES,
    mercy: int = 0,
    on_step: Callable[[World], None] | None = None,
    most_failures: int | None = None,
    world: World | None = None,
) -> tuple[LapReport, list[Trace]]:
    """Drive one trial from each start, all in lockstep.

    Args:
        config: The world; its `laps` is what each trial has to do.
        act: The policy.
        begin: The starts.
        seed: Of what `config.randomization` draws.
        resets: How often a car that leaves the track or runs into an object is put back, as DeepRacer's
            evaluation does; 0 ends the trial there.
        penalties: Time that this costs, by what happened [s].
        mercy: How often a car is put back at the same box until it goes on ahead of it; 0 for ever.
        on_step: Called after every step, for videos and progress bars.
        most_failures: Stop all trials as soon as more than these have failed; never if not given.
        world: A world of `len(begin)` cars to use again.

    Raises:
        SimError: There is no start, the world has another number of cars, or the actions do not fit.
    """
    if not begin:
        raise SimError("no start is given: give one per trial")
    if world is not None and world.num_cars != len(begin):
        raise SimError(
            f"{len(begin)} starts are given for a world of {world.num_cars} cars: give one per car"
        )
    with contextlib.ExitStack() as stack:
        if world is None:
            world = stack.enter_context(contextlib.closing(World(config, len(begin))))
        for i, start in enumerate(begin):
            place(world, i, start, np.random.default_rng([seed, i]))
        book = Logbook(world, resets, penalties, mercy)
        while book.running.any():
            step = world.step(act(world.observe()), book.running)
            book.enter(step)
            if on_step is not None:
                on_step(world)
            if most_failures is not None and book.failures > most_failures:
                break
        return book.report(), book.traces


class Logbook:
    """Keeps the books of the running trials of a world, one per car.

    Args:
        world: The world, reset.
        resets: As for `run_trials`.
        penalties: As for `run_trials`.
        mercy: As for `run_trials`.

    Attributes:
        running: (N,) trials that are not over.
    """

    def __init__(
        self,
        world: World,
        resets: int = 0,
        penalties: Mapping[Status, float] = PENALTIES,
        mercy: int = 0,
    ) -> None:
        self.world = world
        self._penalties = penalties
        self._mercy = mercy
        self.running = np.ones(world.num_cars, dtype=bool)
        self._log: list[tuple[NDArray[Any], ...]] = []  # per step: who ran, and the columns of `Trace`
        self._statuses = [Status.IN_PROGRESS] * world.num_cars
        self._resets_left = np.full(world.num_cars, resets)
        self._lap_times: list[list[float]] = [[] for _ in range(world.num_cars)]
        self._off_tracks = self._crashes = self._wheels_out = 0
        self._distance = self._time = 0.0

    @property
    def failures(self) -> int:
        """How many trials have ended without their laps."""
        return sum(s not in (Status.IN_PROGRESS, Status.LAP_COMPLETE) for s in self._statuses)

    def enter(self, step: Step) -> None:
        """Enter one step of all cars that were running."""
        world = self.world
        self._distance += float(np.hypot(*world.velocity[self.running, :2].T).sum()) / world.config.control_hz
        self._time += int(self.running.sum()) / world.config.control_hz
        self._wheels_out += int((world.places["wheels_on"][self.running] < 4).sum())
        columns = world.pose, world.velocity[:, 0], step.command, step.progress, world.places["position"]
        self._log.append((self.running.copy(), *(column.copy() for column in columns)))
        for i in np.flatnonzero(self.running & ~np.isnan(step.lap_time)).tolist():
            self._lap_times[i].append(float(step.lap_time[i]))
        for i in np.flatnonzero(self.running & (step.terminated | step.truncated)).tolist():
            self._end(i, Status(int(step.status[i])))

    @property
    def traces(self) -> list[Trace]:
        """Every step of every trial."""
        reverse = self.world.routes.reverse[self.world.route].tolist()
        return [
            Trace(back, list(pose), speed.tolist(), list(command), progress.tolist(), position.tolist())
            for back, (pose, speed, command, progress, position) in zip(reverse, self._columns(), strict=True)
        ]

    def _columns(self) -> list[tuple[NDArray[np.float64], ...]]:
        """Per trial the columns of its `Trace`, row by row of the steps that it ran."""
        if not self._log:
            return [tuple(np.zeros(shape) for shape in _NO_STEPS) for _ in self.running]
        ran, *columns = (np.array(steps) for steps in zip(*self._log, strict=True))
        return [tuple(column[ran[:, i], i] for column in columns) for i in range(self.world.num_cars)]

    def _end(self, i: int, status: Status) -> None:
        self._off_tracks += status is Status.OFF_TRACK
        self._crashes += status is Status.CRASHED
        self._statuses[i] = status
        if self._resets_left[i] > 0 and status in self._penalties:
            self._resets_left[i] -= 1
            self._statuses[i] = Status.IN_PROGRESS
            self.world.recover(i, self._penalties[status], self._mercy)
        else:
            self.running[i] = False

    def report(self) -> LapReport:
        """Sum it all up."""
        world, routes = self.world, self.world.routes
        ways = {bool(routes.is_ccw[r]) for r in world.route}
        columns = self._columns()
        steering = [command[:, 0] for _, _, command, _, _ in columns]
        curvature = [
            routes.tracks[route].curvature(position * routes.length[route])
            for route, (*_, position) in zip(world.route.tolist(), columns, strict=True)
        ]
        return LapReport(
            track=world.config.tracks[0].name,
            physics=world.config.physics,
            direction="both" if len(ways) > 1 else ("ccw" if True in ways else "cw"),
            trials=world.num_cars,
            laps=world.config.laps,
            completed=sum(s is Status.LAP_COMPLETE for s in self._statuses),
            lap_times=tuple(round(t, 4) for times in self._lap_times for t in times),
            off_tracks=self._off_tracks,
            wheels_out=self._wheels_out,
            distance=self._distance,
            time=self._time,
            statuses=tuple(s.label for s in self._statuses),
            race=world.config.race,
            crashes=self._crashes,
            steering_change=mean_change(steering),
            steering_power=fast_power(steering, curvature, world.config.control_hz),
        )
