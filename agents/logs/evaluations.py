"""Logs of a run's evaluations, in the folders where DeepRacer's tools look for them."""

from __future__ import annotations

import datetime
from pathlib import Path

from hairpin.sim.trace import LapRecorder, write_trace

from ..errors import RunError
from ..files import check_writable, write_atomically, write_json
from ..run import Run
from .metrics import evaluation_metrics


def check_log_place(run: Run) -> None:
    """Refuse a run that takes no log, before the driving.

    Raises:
        RunError: Its folder cannot be written to.
    """
    problem = f"the log of the evaluation cannot be written to {run.path}"
    check_writable(run.path, problem, "evaluate with --no-log")


def write_evaluation(run: Run, recorder: LapRecorder) -> Path:
    """Write `evaluation-<time>/` with every step, and `metrics/EvaluationMetrics-<time>.json`.

    Returns:
        The folder.

    Raises:
        RunError: They cannot be written.
    """
    laps = recorder.episodes()
    try:
        folder = _new_folder(run.path)
        trace = folder / "evaluation-simtrace"
        trace.mkdir()
        (run.path / "metrics").mkdir(exist_ok=True)

        def fill(path: Path) -> None:
            with path.open("w", encoding="utf-8") as file:
                write_trace(file, laps, 0)

        write_atomically(trace / "0-iteration.csv", fill)
        when = folder.name.partition("-")[2]
        write_json(run.path / "metrics" / f"EvaluationMetrics-{when}.json", evaluation_metrics(laps))
    except OSError as error:
        raise RunError(
            f"the log of the evaluation cannot be written to {run.path} ({error.strerror}): "
            "evaluate with --no-log"
        ) from error
    return folder


def _new_folder(path: Path) -> Path:
    """A folder named by the time now, in 14 digits as the tools expect; by a later one if that is taken."""
    when = datetime.datetime.now(datetime.UTC)
    while True:
        folder = path / f"evaluation-{when:%Y%m%d%H%M%S}"
        try:
            folder.mkdir()
        except FileExistsError:
            when += datetime.timedelta(seconds=1)
        else:
            return folder
