"""A log in memory: every step of every episode, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hairpin.sim.rules import COMPLETE, Status
from hairpin.sim.trace import PAUSE

PREPARE = Status.PREPARE.label


@dataclass(frozen=True, eq=False)
class Log:
    """Steps of training or evaluation, one entry per row of the log, episode after episode.

    Attributes:
        source: What was read, for people.
        kind: "training" or "evaluation".
        world: Name of the track, where the log says it.
        group: (S,) the iteration, or in an evaluation its name.
        worker: (S,) worker that drove.
        episode: (S,) number of the episode in its file.
        steps: (S,) step of the episode.
        x, y: (S,) the car's front point [m].
        yaw: (S,) [deg].
        steering: (S,) commanded, left positive [deg].
        speed: (S,) commanded [m/s].
        action: (S,) index of the action; -1 where actions are continuous.
        reward: (S,) reward of the step.
        done: (S,) whether the episode ended here.
        on_track: (S,) whether all wheels were on the road.
        progress: (S,) share of the lap [%].
        waypoint: (S,) the nearest one.
        track_length: (S,) [m].
        time: (S,) simulated [s].
        status: (S,) such as "in_progress".
    """

    source: str
    kind: str
    world: str | None
    group: NDArray[np.str_]
    worker: NDArray[np.int64]
    episode: NDArray[np.int64]
    steps: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    yaw: NDArray[np.float64]
    steering: NDArray[np.float64]
    speed: NDArray[np.float64]
    action: NDArray[np.int64]
    reward: NDArray[np.float64]
    done: NDArray[np.bool_]
    on_track: NDArray[np.bool_]
    progress: NDArray[np.float64]
    waypoint: NDArray[np.int64]
    track_length: NDArray[np.float64]
    time: NDArray[np.float64]
    status: NDArray[np.str_]

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """(E + 1,) where each episode begins, and the number of rows."""
        new = np.ones(len(self.x) + 1, dtype=bool)
        new[1:-1] = (
            (self.episode[1:] != self.episode[:-1])
            | (self.group[1:] != self.group[:-1])
            | (self.worker[1:] != self.worker[:-1])
        )
        return np.flatnonzero(new)

    @property
    def num_episodes(self) -> int:
        """E."""
        return len(self.bounds) - 1

    def slices(self) -> Iterator[slice]:
        """The rows of each episode."""
        for first, last in zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True):
            yield slice(first, last)

    def take(self, rows: slice | NDArray[np.bool_]) -> Log:
        """The log of some rows."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        taken: dict[str, Any] = {
            name: value[rows] for name, value in values.items() if isinstance(value, np.ndarray)
        }
        return replace(self, **taken)

    def one(self, episode: int) -> Log:
        """The log of one episode, counted from 0."""
        return self.take(slice(int(self.bounds[episode]), int(self.bounds[episode + 1])))

    @cached_property
    def _steps_apart(self) -> NDArray[np.bool_]:
        """(S,) rows that time has led to: not those that begin a start."""
        apart = self.status != PREPARE
        apart[:1] = False
        return apart

    @cached_property
    def _driven(self) -> NDArray[np.bool_]:
        """(S,) rows that something was driven to: not those of a car that was put down somewhere."""
        return self._steps_apart & (self.status != PAUSE)

    @cached_property
    def durations(self) -> NDArray[np.float64]:
        """(S,) time since the row before [s]; 0 where a start was prepared."""
        return np.where(self._steps_apart, np.diff(self.time, prepend=self.time[:1]), 0.0)

    @cached_property
    def distances(self) -> NDArray[np.float64]:
        """(S,) distance from the row before [m], which deepracer-utils takes too where a car was put back."""
        gap = np.hypot(np.diff(self.x, prepend=self.x[:1]), np.diff(self.y, prepend=self.y[:1]))
        return np.where(self._steps_apart, gap, 0.0)

    @cached_property
    def measured_speed(self) -> NDArray[np.float64]:
        """(S,) speed over five rows of the same start [m/s]: logged times are too uneven for fewer."""
        start = np.cumsum(~self._driven)
        meters, seconds = np.cumsum(self.distances), np.cumsum(self.durations)
        index = np.arange(len(self.x))
        low, high = np.maximum(index - 2, 0), np.minimum(index + 2, len(index) - 1)
        low = np.where(start[low] == start, low, np.searchsorted(start, start, "left"))
        high = np.where(start[high] == start, high, np.searchsorted(start, start, "right") - 1)
        elapsed = seconds[high] - seconds[low]
        return np.where(elapsed > 0, (meters[high] - meters[low]) / np.where(elapsed > 0, elapsed, 1.0), 0.0)

    @cached_property
    def complete(self) -> NDArray[np.bool_]:
        """(E,) episodes that came round."""
        return np.maximum.reduceat(self.progress, self.bounds[:-1]) >= COMPLETE

    @cached_property
    def lap_time(self) -> NDArray[np.float64]:
        """(E,) time of each episode [s]."""
        return np.add.reduceat(self.durations, self.bounds[:-1])

    @cached_property
    def total_reward(self) -> NDArray[np.float64]:
        """(E,) reward of each episode."""
        return np.add.reduceat(self.reward, self.bounds[:-1])

    @cached_property
    def best(self) -> int:
        """The episode with the fastest lap; the one that came farthest if there is no lap."""
        if self.complete.any():
            return int(np.argmin(np.where(self.complete, self.lap_time, np.inf)))
        return int(np.argmax(np.maximum.reduceat(self.progress, self.bounds[:-1])))
