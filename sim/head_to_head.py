"""Head to head: two to four policies race each other on one track, each seeing the others."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import STEREO, Observation, lidar_values, to_commands

from .config import WorldConfig
from .episode import Start
from .errors import SimError
from .laps import PENALTIES, Act, step_limit
from .lidar import scan
from .obstacles import Rivals
from .randomize import NONE
from .render import Renderer, nominal_view
from .rules import Status
from .scene import EYES, sideways
from .world import Step, World

MOST_CARS: Final = 4
GRID_GAP: Final = 0.7
"""From one place of the starting grid to the next, along the track [m]; they alternate left and right."""
_GRID_OFFSET: Final = 0.4  # to the side, as a share of half the width


@dataclass(frozen=True)
class Entrant:
    """A policy that takes part.

    Attributes:
        name: For people.
        world: A world that it could drive in alone: its track, its camera, its actions.
        act: The policy.
    """

    name: str
    world: WorldConfig
    act: Act


@dataclass(frozen=True)
class Result:
    """How a race went for one car.

    Attributes:
        name: The entrant's.
        place: 1 for the winner; those that did not finish come by the way that they made.
        grid: Its place on the starting grid, 1 in front.
        finished: Whether it did all its laps.
        time: From the start until it finished, penalties included [s]; `None` if it did not.
        laps: That it did, the last one in part.
        lap_times: [s]
        crashes: How often it ran into another car.
        off_tracks: How often no wheel was on the road.
    """

    name: str
    place: int
    grid: int
    finished: bool
    time: float | None
    laps: float
    lap_times: tuple[float, ...]
    crashes: int
    off_tracks: int


def race(
    entrants: Sequence[Entrant],
    *,
    laps: int = 3,
    first: int = 0,
    direction: str | None = None,
    on_step: Callable[[World], None] | None = None,
) -> list[Result]:
    """Let policies race each other once.

    They start one behind the other, left and right of the centre line, and each drives its laps from its own
    place, so that all have the same way. Who runs into a car in front, or leaves the road, stands for as long
    as `PENALTIES` says and goes on; who has finished is taken off the track. Contact pushes only the car that
    ran into the other one.

    Args:
        entrants: Two to four, whose worlds have the same track, physics and control rate.
        laps: Laps of each.
        first: The entrant in front of the grid; the others follow in their order.
        direction: "ccw", "cw" or `None`: in the order of the track's rows.
        on_step: Called after every step, for videos and progress bars.

    Returns:
        One result per entrant, in their order.

    Raises:
        SimError: The number of entrants is wrong, or their worlds do not fit.
    """
    config = _shared_config(entrants, laps)
    with contextlib.closing(World(config, len(entrants))) as world:
        grid = [(k - first) % len(entrants) for k in range(len(entrants))]
        for k, place in enumerate(grid):
            world.reset(np.array([k]), _start(config, place, len(entrants), direction))
        cockpits = [_Cockpit(world, k, entrant) for k, entrant in enumerate(entrants)]
        marshal = _Marshal(world)
        for _ in range(config.max_steps):
            active = marshal.driving()
            command = np.zeros((len(entrants), 2))
            for k in np.flatnonzero(active).tolist():
                command[k] = cockpits[k].command()
            marshal.judge(world.drive(command, active))
            if on_step is not None:
                on_step(world)
            if not marshal.racing.any():
                break
        return marshal.results([entrant.name for entrant in entrants], grid)


def _shared_config(entrants: Sequence[Entrant], laps: int) -> WorldConfig:
    if not 2 <= len(entrants) <= MOST_CARS:
        raise SimError(f"a race takes 2 to {MOST_CARS} policies, not {len(entrants)}: give 2 to {MOST_CARS}")
    config = entrants[-1].world  # of the car at the back, which videos show, with its camera
    for entrant in entrants[:-1]:
        for name in ("control_hz", "physics"):
            mine, theirs = getattr(config, name), getattr(entrant.world, name)
            if mine != theirs:
                raise SimError(
                    f"{entrants[-1].name} has {name} {mine} and {entrant.name} has {theirs}: "
                    "they cannot race each other"
                )
    track = config.tracks[0]
    standing = round(max(PENALTIES.values()) * config.control_hz) * 10 * laps
    return dataclasses.replace(
        config,
        tracks=(track,),
        reward=None,
        laps=laps,
        max_steps=step_limit(track, laps, config.control_hz) + standing,
        start="line",
        randomization=NONE,
        race="head_to_model",
        objects=Rivals(len(entrants) - 1),
    )


def _start(config: WorldConfig, place: int, cars: int, direction: str | None) -> Start:
    track = config.tracks[0]
    behind = place if track.closed else place - cars + 1  # an open road has nothing before its beginning
    share = (-behind * GRID_GAP / track.length) % 1.0
    return Start(share, direction, _GRID_OFFSET if place % 2 == 0 else -_GRID_OFFSET)


class _Cockpit:
    """One entrant's camera and policy in a world that several share.

    Args:
        world: The world.
        car: Which car it drives.
        entrant: Whose it is.
    """

    def __init__(self, world: World, car: int, entrant: Entrant) -> None:
        self._world, self._which = world, np.array([car])
        self._entrant = entrant
        self._renderer = Renderer(entrant.world.camera, world.surfaces)

    def command(self) -> NDArray[np.float64]:
        """(2,) steering [rad] and speed [m/s] that the policy says to what its camera sees."""
        action: NDArray[Any] = self._entrant.act(self._see())
        return to_commands(self._entrant.world.actions, action)[0]

    def _see(self) -> Observation:
        world, which, spec = self._world, self._which, self._entrant.world.observation
        pose, around, seed = world.pose[which], world.objects[which], np.zeros(1, np.uint64)
        eyes = EYES if spec.sensor == STEREO else (0.0,)
        seen = [
            self._renderer.render(
                sideways(pose, left), world.surface[which], nominal_view(1), seed, objects=around
            )
            for left in eyes
        ]
        frames = seen[0] if len(seen) == 1 else np.concatenate(seen, axis=-1)
        if spec.lidar is None:
            return frames
        return {spec.sensor: frames, spec.lidar.sensor: lidar_values(scan(pose, around, seed), spec.lidar)}


class _Marshal:
    """Applies the rules of a race to the cars of a world: who drives, who stands, who has finished.

    Args:
        world: The world, with its cars on the grid.

    Attributes:
        racing: (N,) cars that have neither finished nor given up.
    """

    def __init__(self, world: World) -> None:
        cars = world.num_cars
        self.racing = np.ones(cars, dtype=bool)
        self._world = world
        self._standing = np.zeros(cars, dtype=np.int64)  # steps until a car goes on
        self._penalty = np.zeros(cars)  # for which it stands [s]
        self._faults: list[list[Status]] = [[] for _ in range(cars)]
        self._lap_times: list[list[float]] = [[] for _ in range(cars)]
        self._times: list[float | None] = [None] * cars
        self._laps = np.zeros(cars)

    def driving(self) -> NDArray[np.bool_]:
        """(N,) cars that may drive in the next step; those whose penalty is over are put back first."""
        for k in np.flatnonzero(self.racing & (self._standing == 1)).tolist():
            self._world.recover(k, float(self._penalty[k]))
        self._standing = np.maximum(self._standing - 1, 0)
        return self.racing & (self._standing == 0)

    def judge(self, step: Step) -> None:
        """Take a step into account."""
        world = self._world
        self._laps = np.where(self.racing, world.race.laps_done, self._laps)
        for k in np.flatnonzero(~np.isnan(step.lap_time)).tolist():
            self._lap_times[k].append(round(float(step.lap_time[k]), 4))
        for k in np.flatnonzero(step.terminated | step.truncated).tolist():
            status = Status(int(step.status[k]))
            if status not in PENALTIES:
                if status is Status.LAP_COMPLETE:
                    self._times[k] = round(float(world.race.time[k]), 4)
                self.racing[k] = False
                world.park(k)
                continue
            self._faults[k].append(status)
            self._penalty[k] = PENALTIES[status]
            self._standing[k] = 1 + round(PENALTIES[status] * world.config.control_hz)

    def results(self, names: Sequence[str], grid: Sequence[int]) -> list[Result]:
        """How it went for each car."""
        times = [np.inf if time is None else time for time in self._times]
        order = sorted(range(len(names)), key=lambda k: (times[k], -self._laps[k]))
        return [
            Result(
                name=names[k],
                place=order.index(k) + 1,
                grid=grid[k] + 1,
                finished=self._times[k] is not None,
                time=self._times[k],
                laps=float(self._laps[k]),
                lap_times=tuple(self._lap_times[k]),
                crashes=self._faults[k].count(Status.CRASHED),
                off_tracks=self._faults[k].count(Status.OFF_TRACK),
            )
            for k in range(len(names))
        ]
