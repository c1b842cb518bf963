"""Reading logs: files found, rows parsed, one `Log` for training and one for evaluation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..errors import RunError
from .files import LogFile, find_logs
from .log import Log
from .rows import Arrays, parse_csv, parse_log

KINDS: Final = ("training", "evaluation")
_PER_ITERATION: Final = 20  # DeepRacer's default
_WORLD = re.compile(r"WORLD_NAME(?:: |=|': ')([A-Za-z0-9_]+)")
_HYPERPARAMETERS = re.compile(r"Using the following hyper-parameters\s*(\{.*?\})", re.S)
_JOB = re.compile(r"JOB_TYPE'?\s*[:=]\s*'?(TRAINING|EVALUATION)", re.I)


def read_logs(source: str | Path) -> dict[str, Log]:
    """The logs of a folder of any layout, of an archive of one, or of one file.

    Args:
        source: A run, a model folder of DeepRacer's, a `.tar.gz` of one, a CSV file or a simulation's log.

    Returns:
        The log of "training" and that of "evaluation", those of them that there are.

    Raises:
        RunError: There is no log, or a line of it cannot be read.
    """
    source = Path(source)
    parts: dict[str, list[tuple[LogFile, Arrays]]] = {}
    worlds: dict[str, str] = {}
    for file in find_logs(source):
        text = file.read()
        rows = parse_csv(text, file.name) if file.is_csv else parse_log(text, file.name)
        kind = file.kind or _kind(text, rows)
        if not file.is_csv and (found := _WORLD.findall(text)):
            worlds[kind] = found[-1]
        count = len(rows["x"])
        rows["group"] = np.full(count, file.group)
        if not file.is_csv and kind == "training":
            rows["group"] = (rows["episode"] // _per_iteration(text)).astype(str)
        rows["worker"] = np.full(count, file.worker, dtype=np.int64)
        parts.setdefault(kind, []).append((file, rows))
    logs: dict[str, Log] = {
        kind: _join(str(source), kind, worlds.get(kind), parts[kind]) for kind in KINDS if kind in parts
    }
    logs = {kind: log for kind, log in logs.items() if len(log.x)}
    if not logs:
        raise RunError(f"{source}: its logs hold no step yet")
    return logs


def _join(source: str, kind: str, world: str | None, parts: list[tuple[LogFile, Arrays]]) -> Log:
    joined: dict[str, Any] = {name: np.concatenate([rows[name] for _, rows in parts]) for name in parts[0][1]}
    return Log(source=source, kind=kind, world=world, **joined)


def _kind(text: str, rows: Arrays) -> str:
    """What a file alone is: it may say so; else laps that go on without a new start are an evaluation."""
    found = _JOB.search(text)
    if found:
        return found[1].lower()
    first = np.flatnonzero(np.diff(rows["episode"], prepend=-1))
    return "evaluation" if len(first) > 1 and not (rows["status"][first] == "prepare").all() else "training"


def _per_iteration(text: str) -> int:
    # Lines of newer logs begin with the name of the process in brackets.
    found = _HYPERPARAMETERS.search(re.sub(r"(?m)^\s*(?:\[[^\]]*\]\s+)+", "", text))
    try:
        return max(1, int(json.loads(found[1])["num_episodes_between_training"])) if found else _PER_ITERATION
    except (KeyError, TypeError, ValueError):
        return _PER_ITERATION
