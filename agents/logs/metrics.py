"""Metrics files, as DeepRacer's simulator writes them: one entry per episode of training or evaluation.

Source of the keys: aws-deepracer-community/deepracer-simapp, markov/metrics/s3_metrics.py. Times are
simulated milliseconds on one clock, on which the episodes of all cars follow each other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hairpin.sim.rules import COMPLETE, Status
from hairpin.sim.trace import COLUMNS, Row

from ..files import read_json, write_text
from ..gate import Trial

_AT: Final = {name: index - 1 for index, name in enumerate(COLUMNS)}
_TAIL: Final = '], "version": 2.0, "best_model_metric": "progress"}\n'
#: How the files name what rows call `off_track`, and so on (markov/metrics/constants.py).
_LABELS: Final = {s.label: s.label.replace("_", " ").capitalize() for s in Status} | {"time_up": "Time Up"}
_COUNTED: Final = ("crashed", "immobilized", "off_track", "reversed")


class TrainingMetrics:
    """The entries of `TrainingMetrics.json`.

    Args:
        path: The file; entries that it holds already are kept.
        episodes: Training episodes that are known to be logged; entries of later ones are dropped.
        per_iteration: Episodes of an iteration.
    """

    def __init__(self, path: Path, episodes: int, per_iteration: int) -> None:
        self._path = path
        self._per_iteration = per_iteration
        former = read_json(path).get("metrics", []) if path.exists() else []
        kept = [entry for entry in former if entry["phase"] == "evaluation" or entry["episode"] <= episodes]
        self._clock = max((entry["metric_time"] for entry in kept), default=0)  # [ms]
        self._entries = [json.dumps(entry) for entry in kept]

    def trained(self, episodes: Sequence[Sequence[Row]], first: int) -> None:
        """Enter training episodes.

        Args:
            episodes: Their rows.
            first: Number of the first one, from 0.
        """
        for number, rows in enumerate(episodes, start=first):
            last = rows[-1]
            self._enter(
                reward_score=round(sum(float(str(row[_AT["reward"]])) for row in rows)),
                elapsed=_milliseconds(last),
                episode=number + 1,
                trial=number % self._per_iteration + 1,
                phase="training",
                completion=_completion(last),
                status=str(last[_AT["episode_status"]]),
            )

    def evaluated(self, trials: Sequence[Trial], episode: int) -> None:
        """Enter the trials of an evaluation during training; no reward is computed in these.

        Args:
            trials: What came of them.
            episode: Training episodes before it.
        """
        for number, trial in enumerate(trials[: self._per_iteration], start=1):
            self._enter(
                reward_score=0,
                elapsed=round(1000 * trial.time),
                episode=max(episode, 1),
                trial=number,
                phase="evaluation",
                completion=int(trial.completion),
                status=trial.status,
            )

    def write(self) -> None:
        """Write the file."""
        write_text(self._path, '{"metrics": [' + ", ".join(self._entries) + _TAIL)

    def _enter(
        self,
        *,
        reward_score: int,
        elapsed: int,
        episode: int,
        trial: int,
        phase: str,
        completion: int,
        status: str,
    ) -> None:
        entry = {
            "reward_score": reward_score,
            "metric_time": self._clock + elapsed,
            "start_time": self._clock,
            "elapsed_time_in_milliseconds": elapsed,
            "episode": episode,
            "trial": trial,
            "phase": phase,
            "completion_percentage": completion,
            "episode_status": _LABELS[status],
        }
        self._clock += elapsed
        self._entries.append(json.dumps(entry))


def evaluation_metrics(laps: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """The content of an `EvaluationMetrics` file.

    Args:
        laps: The rows of every lap, as `LapRecorder` gives them.
    """
    entries: list[dict[str, Any]] = []
    clock = began = 0  # [ms] of the file, and of the trial at the lap's start
    for number, rows in enumerate(laps, start=1):
        first, last = rows[0], rows[-1]
        if first[_AT["episode_status"]] == Status.PREPARE.label:
            began = 0
        elapsed = _milliseconds(last) - began
        began += elapsed
        counts = {
            f"{name}_count": sum(row[_AT["episode_status"]] == name for row in rows) for name in _COUNTED
        }
        counts["crash_count"] = counts.pop("crashed_count")
        put_back = sum(row[_AT["episode_status"]] in _COUNTED and not row[_AT["done"]] for row in rows)
        entries.append(
            {
                "completion_percentage": _completion(last),
                "metric_time": clock + elapsed,
                "start_time": clock,
                "elapsed_time_in_milliseconds": elapsed,
                "episode_status": _LABELS[str(last[_AT["episode_status"]])],
                **counts,
                "reset_count": put_back,
                "trial": number,
            }
        )
        clock += elapsed
    return {"metrics": entries}


def _milliseconds(row: Row) -> int:
    return round(1000 * float(str(row[_AT["tstamp"]])))


def _completion(row: Row) -> int:
    return int(min(max(float(str(row[_AT["progress"]])), 0.0), COMPLETE))
