"""What a run's evaluations and training episodes were, read from its folder."""

from __future__ import annotations

import json
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .errors import RunError
from .files import write_text
from .gate import Verdict
from .run import Run

EVALUATIONS_FILE: Final = "evaluations.jsonl"


def evaluations_of(run: Run) -> list[Verdict]:
    """The verdicts of all evaluations during training, in order.

    Raises:
        RunError: The file that holds them is broken.
    """
    file = run.path / EVALUATIONS_FILE
    lines = file.read_text().splitlines() if file.exists() else []
    try:
        return [Verdict(**json.loads(line)) for line in lines]
    except (TypeError, ValueError) as error:
        raise RunError(f"{file} cannot be read ({error}): remove it") from error


def add_evaluation(run: Run, verdict: Verdict) -> None:
    """Write down one more evaluation."""
    lines = [json.dumps(v.to_dict()) + "\n" for v in (*evaluations_of(run), verdict)]
    write_text(run.path / EVALUATIONS_FILE, "".join(lines))


def best_verdict(run: Run) -> Verdict | None:
    """The verdict on the run's best checkpoint, if there is one."""
    best = run.checkpoint("best")
    if best is None:
        return None
    try:
        return Verdict(**{"steps": best.steps, **best.found})
    except TypeError as error:
        raise RunError(f"{run.path}: its best checkpoint has no verdict: train again") from error


def read_episodes(run: Run) -> NDArray[np.float64]:
    """Number, reward and largest progress [%] of every traced training episode; (E, 3)."""
    episodes: dict[int, list[float]] = {}
    for file in (run.path / "training-simtrace").glob("*-iteration.csv"):
        header, *rows = (line.split(",") for line in file.read_text().splitlines())
        number, reward, progress = (header.index(name) for name in ("episode", "reward", "progress"))
        for row in rows:
            entry = episodes.setdefault(int(row[number]), [0.0, 0.0])
            entry[0] += float(row[reward])
            entry[1] = max(entry[1], float(row[progress]))
    return np.array([[number, *values] for number, values in sorted(episodes.items())]).reshape(-1, 3)
