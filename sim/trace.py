"""Traces: every step of an episode, as DeepRacer's simulator logs it.

Source of the columns: aws-deepracer-community/deepracer-simapp, markov/metrics/s3_metrics.py.
"""

from __future__ import annotations

from collections.abc import Iterable
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
        for i in which:
            self._rows[i] = [_row(world, i, (0.0, 0.0), 0, 0.0, False, Status.PREPARE)]

    def stepped(self, world: World, step: Step, which: Iterable[int]) -> None:
        """Enter one step of some cars."""
        actions, command = step.action.tolist(), step.command.tolist()
        done = (step.terminated | step.truncated).tolist()
        rewards, statuses = step.reward.tolist(), step.status.tolist()
        for i in which:
            steering, speed = command[i]
            self._rows[i].append(
                _row(world, i, (steering, speed), actions[i], rewards[i], done[i], Status(statuses[i]))
            )
            if done[i]:
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
        for i in which:
            row = _row(world, i, (0.0, 0.0), 0, 0.0, False, Status.PREPARE)
            self._laps[i] = [[row + _crashes(world, i)]]

    def stepped(self, world: World, step: Step, which: Iterable[int]) -> None:
        """Enter one step of some cars."""
        done = (step.terminated | step.truncated).tolist()
        for i in which:
            laps = self._laps[i]
            if laps[-1] and _progress(laps[-1][-1]) >= COMPLETE:
                laps.append([])
            steering, speed = step.command[i].tolist()
            status = Status(int(step.status[i]))
            reward = float(step.reward[i])
            laps[-1].append(
                _row(world, i, (steering, speed), step.action[i].tolist(), reward, done[i], status)
                + _crashes(world, i)
            )

    def paused(self, world: World, car: int, penalty: float) -> None:
        """Enter that a car was put back, and stands there for a penalty [s] before its lap goes on."""
        rows = self._laps[car][-1]
        last = rows[-1]
        rows[-1] = (*last[:_DONE], False, *last[_DONE + 1 : _PAUSED], penalty, *_crashes(world, car))
        row = _row(world, car, (0.0, 0.0), 0, 0.0, False, Status.IN_PROGRESS)
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


def _row(
    world: World,
    i: int,
    command: tuple[float, float],
    action: object,
    reward: float,
    done: bool,
    status: Status,
) -> Row:
    place = world.places[i]
    return (
        float(world.race.steps[i]),
        float(place["x"]),
        float(place["y"]),
        float(np.degrees(place["yaw"])),
        *command,
        _action_text(action),
        reward,
        done,
        bool(place["wheels_on"] == 4),
        float(world.race.progress[i]),
        int(place["nearest"]),
        float(world.routes.length[world.route[i]]),
        round(float(world.race.time[i]), 4),
        status.label,
        0.0,
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
