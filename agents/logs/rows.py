"""Rows of logs: simtrace CSV files and the SIM_TRACE_LOG lines of simulation logs, of every era, to arrays.

Sources of the columns: aws-deepracer-community/deepracer-simapp, markov/metrics/s3_metrics.py; of their
number by era: aws-deepracer-community/deepracer-utils 1.5.6, deepracer/logs/log_utils.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.sim.rules import COMPLETE, Status
from hairpin.sim.trace import COLUMNS

from ..errors import RunError

MARK: Final = "SIM_TRACE_LOG:"
_STATUS, _OLDEST = COLUMNS.index("episode_status"), 15  # columns of 2019, before there was a status
#: Column of the file, the attribute of `Log` that it becomes, and how.
_NUMBERS: Final = {
    "episode": "episode",
    "steps": "steps",
    "X": "x",
    "Y": "y",
    "yaw": "yaw",
    "steer": "steering",
    "throttle": "speed",
    "reward": "reward",
    "progress": "progress",
    "closest_waypoint": "waypoint",
    "track_len": "track_length",
    "tstamp": "time",
}
_WHOLE: Final = ("episode", "waypoint")

Arrays = dict[str, NDArray[Any]]


def parse_csv(text: str, where: str) -> Arrays:
    """The rows of a simtrace CSV file.

    Args:
        text: Its content.
        where: Its name, for messages.

    Raises:
        RunError: A column is missing, or a row cannot be read.
    """
    lines = text.splitlines()
    names = [name.strip() for name in lines[0].split(",")] if lines else []
    missing = [name for name in (*_NUMBERS, "done", "all_wheels_on_track") if name not in names]
    if missing:
        raise RunError(f"{where} has no column {missing[0]!r} in its first line: give a simtrace CSV file")
    rows = [line.split(",") for line in lines[1:]]
    if rows and len(rows[-1]) < len(names) and not text.endswith("\n"):
        rows.pop()  # its writer was stopped in the middle of the line
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            raise RunError(
                f"{where} line {number} has {len(row)} values instead of {len(names)}: remove the line"
            )
    return _arrays(rows, {name: names.index(name) for name in names}, lambda k: f"{where} line {k + 2}")


def parse_log(text: str, where: str) -> Arrays:
    """The rows of a simulation log, such as RoboMaker's: its `SIM_TRACE_LOG` lines.

    Raises:
        RunError: There are none, or one cannot be read.
    """
    rows, numbers = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        _, mark, rest = line.partition(MARK)
        if mark:
            rows.append(rest.split("\t")[0].strip().split(","))
            numbers.append(number)
    if rows and len(rows[-1]) < len(rows[0]):
        rows.pop()
    if not rows:
        raise RunError(f"{where} has no {MARK} lines: give the log of a simulation")
    for row, number in zip(rows, numbers, strict=False):
        if len(row) < _OLDEST or len(row) != len(rows[0]):
            raise RunError(f"{where} line {number} has {len(row)} values: remove the line")
    places = {name: k for k, name in enumerate(COLUMNS) if k < len(rows[0])}
    return _arrays(rows, places, lambda k: f"{where} line {numbers[k]}")


def _arrays(rows: Sequence[Sequence[str]], places: dict[str, int], name_row: Callable[[int], str]) -> Arrays:
    columns: list[tuple[str, ...]] = list(zip(*rows, strict=False)) if rows else [()] * len(places)
    found: Arrays = {}
    for name, attribute in _NUMBERS.items():
        values = _numbers(columns[places[name]], name, name_row)
        found[attribute] = values.astype(np.int64) if attribute in _WHOLE else values
    found["action"] = _actions(columns[places["action"]]) if "action" in places else np.full(len(rows), -1)
    for name, attribute in (("done", "done"), ("all_wheels_on_track", "on_track")):
        found[attribute] = np.array(
            [value.strip() in ("True", "1") for value in columns[places[name]]], dtype=bool
        )
    if "episode_status" in places:
        found["status"] = np.array([value.strip() for value in columns[places["episode_status"]]], dtype=str)
    else:
        found["status"] = _statuses(found)
    return found


def _numbers(column: Sequence[str], name: str, name_row: Callable[[int], str]) -> NDArray[np.float64]:
    try:
        values = np.array(column, dtype=np.float64)
        if np.isfinite(values).all():
            return values
    except ValueError:
        pass
    for k, value in enumerate(column):
        try:
            if np.isfinite(float(value)):
                continue
        except ValueError:
            pass
        raise RunError(f"{name_row(k)}: {name} is {value!r}, not a number: remove the line")
    raise AssertionError("one of them is no number")


def _actions(column: Sequence[str]) -> NDArray[np.int64]:
    try:
        return np.array(column, dtype=np.float64).astype(np.int64)
    except ValueError:  # "[12.3 1.5]" or "12.3 1.5": continuous
        return np.full(len(column), -1)


def _statuses(found: Arrays) -> NDArray[np.str_]:
    """How steps of 2019 ended, which had no word for it."""
    return np.where(
        found["steps"] <= 1,
        Status.PREPARE.label,
        np.where(
            found["progress"] >= COMPLETE,
            Status.LAP_COMPLETE.label,
            np.where(found["done"] & ~found["on_track"], Status.OFF_TRACK.label, Status.IN_PROGRESS.label),
        ),
    )
