"""Traces: every step of an episode, as DeepRacer's simulator logs it.

Source of the columns: aws-deepracer-community/deepracer-simapp, markov/metrics/s3_metrics.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import numpy as np

from .rules import COMPLETE, Status

if TYPE_CHECKING:
    from .world import Step, World

COLUMNS: Final = (
    "episode", "steps", "X", "Y", "yaw", "steer", "throttle", "action", "reward", "done",
    "all_wheels_on_track", "progress", "closest_waypoint", "track_len", "tstamp", "episode_status",
    "pause_duration",
)  # fmt: skip
#: One more column of evaluations in races with objects: how often in a row a car was put back at the same
#: box, where there is mercy; 0 else, as in DeepRacer.
CRASH_COLUMN: Final = "obstacle_crash_counter"
Row = tuple[object, ...]  # the columns, without the episode's number
_DONE: Final = COLUMNS.index("done") - 1
_TIME: Final = COLUMNS.index("tstamp") - 1
_PAUSED: Final = COLUMNS.index("pause_duration") - 1
PAUSE: Final = "pause"  # status of a car that was put back and waits


class TraceRecorder:
    """Collects the rows of running episodes, and hands over those of finished ones.

    Attributes:
        finished: Rows of finished episodes, in the order in which they ended; take them with `take`.
    """

    def __init__(self, num_cars: int) -> None:
        self.finished: list[list[Row]] = []
        self._rows: list[list[Row]] = [[] for _ in range(num_cars)]

    def prepared(self, world: World, which: Iterable[int]) -> None:
        """Enter the preparing row that begins an episode: step 1, reward 0."""
        cars = list(which)
        for i, row in zip(cars, _still(world, cars, Status.PREPARE), strict=True):
            self._rows[i] = [row]

    def stepped(self, world: World, step: Step, which: Iterable[int]) -> None:
        """Enter one step of some cars."""
        cars = list(which)
        for i, row in zip(cars, _driven(world, step, cars), strict=True):
            self._rows[i].append(row)
            if row[_DONE]:
                self.finished.append(self._rows[i])
                self._rows[i] = []

    def take(self, count: int) -> list[list[Row]]:
        """The first `count` finished episodes, which are then forgotten here."""
        taken, self.finished = self.finished[:count], self.finished[count:]
        return taken


class LapRecorder:
    """Collects the rows of evaluations: as DeepRacer logs them, every lap is an episode of its own.

    A car that is put back goes on with its lap after rows of "pause", and several laps of a trial follow each
    other without a new start, so only the first one has a preparing row.
    """

    def __init__(self, num_cars: int) -> None:
        self._laps: list[list[list[Row]]] = [[] for _ in range(num_cars)]

    def prepared(self, world: World, which: Iterable[int]) -> None:
        """Enter the preparing row that begins a trial."""
        cars = list(which)
        for i, row in zip(cars, _still(world, cars, Status.PREPARE), strict=True):
            self._laps[i] = [[row + _crashes(world, i)]]

    def stepped(self, world: World, step: Step, which: Iterable[int]) -> None:
        """Enter one step of some cars."""
        cars = list(which)
        for i, row in zip(cars, _driven(world, step, cars), strict=True):
            laps = self._laps[i]
            if laps[-1] and _progress(laps[-1][-1]) >= COMPLETE:
                laps.append([])
            laps[-1].append(row + _crashes(world, i))

    def paused(self, world: World, car: int, penalty: float) -> None:
        """Enter that a car was put back, and stands there for a penalty [s] before its lap goes on."""
        rows = self._laps[car][-1]
        last = rows[-1]
        rows[-1] = (*last[:_DONE], False, *last[_DONE + 1 : _PAUSED], penalty, *_crashes(world, car))
        (row,) = _still(world, [car], Status.IN_PROGRESS)
        steps, time, hz = world.race.steps[car], world.race.time[car], world.config.control_hz
        for k in range(1, round(penalty * hz) + 1):
            left = max(0.0, round(penalty - k / hz, 4))
            waiting = (round(float(time + k / hz), 4), PAUSE, left, *_crashes(world, car))
            rows.append((float(steps + k), *row[1:_TIME], *waiting))

    def episodes(self) -> list[list[Row]]:
        """The laps of all cars, those of the first car first."""
        return [rows for laps in self._laps for rows in laps]


def _progress(row: Row) -> float:
    value = row[COLUMNS.index("progress") - 1]
    assert isinstance(value, float)
    return value


def _driven(world: World, step: Step, cars: list[int]) -> Iterator[Row]:
    """The rows of one step of some cars."""
    steering, speed = step.command[cars].T.tolist()
    actions = map(_action_text, step.action[cars].tolist())
    done = (step.terminated | step.truncated)[cars].tolist()
    labels = [Status(status).label for status in step.status[cars].tolist()]
    return _rows(world, cars, (steering, speed, actions, step.reward[cars].tolist(), done), labels)


def _still(world: World, cars: list[int], status: Status) -> Iterator[Row]:
    """The rows of cars that do nothing."""
    nothing = [0.0] * len(cars)
    doing = (nothing, nothing, [0] * len(cars), nothing, [False] * len(cars))
    return _rows(world, cars, doing, [status.label] * len(cars))


def _rows(
    world: World, cars: list[int], doing: tuple[Iterable[object], ...], labels: list[str]
) -> Iterator[Row]:
    # Column by column: taking every number out of its array for itself would cost as much as a camera frame.
    place, race = world.places[cars], world.race
    return zip(
        race.steps[cars].astype(float).tolist(),
        place["x"].tolist(),
        place["y"].tolist(),
        np.degrees(place["yaw"]).tolist(),
        *doing,
        (place["wheels_on"] == 4).tolist(),
        race.progress[cars].tolist(),
        place["nearest"].tolist(),
        world.routes.length[world.route[cars]].tolist(),
        [round(time, 4) for time in race.time[cars].tolist()],
        labels,
        [0.0] * len(cars),
        strict=True,
    )


def _crashes(world: World, i: int) -> Row:
    """The value of `CRASH_COLUMN`, where there is something to run into."""
    return (int(world.traffic.resets[i]),) if world.objects.shape[1] else ()


def _action_text(action: object) -> object:
    # As DeepRacer prints a continuous action: no comma, so that the column stays one.
    return f"[{action[0]} {action[1]}]" if isinstance(action, list) else action


def write_trace(file: TextIO, episodes: Iterable[list[Row]], first_episode: int) -> None:
    """Write episodes as a simtrace CSV, numbered from `first_episode`."""
    episodes = list(episodes)
    more = (CRASH_COLUMN,) if episodes and len(episodes[0][0]) == len(COLUMNS) else ()
    file.write(",".join((*COLUMNS, *more)) + "\n")
    for number, rows in enumerate(episodes, start=first_episode):
        for row in rows:
            file.write(f"{number}," + ",".join(map(str, row)) + "\n")


def read_rows(path: Path) -> list[list[Row]]:
    """The rows of a file that `write_trace` wrote, per episode; their values stay text."""
    with path.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(",") for line in file][1:]
    return [[tuple(line[1:]) for line in rows] for _, rows in groupby(lines, key=lambda line: line[0])]
