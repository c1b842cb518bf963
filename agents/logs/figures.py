"""Figures of logs: what analysts compare, per iteration and in all."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from hairpin.sim.rules import Status

from .log import Log


@dataclass(frozen=True)
class Figures:
    """What some episodes came to.

    Attributes:
        group: The iteration or evaluation.
        episodes: How many.
        mean_progress: Mean share of the lap [%].
        best_progress: Largest share [%].
        laps: Episodes that came round.
        best_lap: Fastest lap [s], or `None`.
        mean_lap: Mean lap [s], or `None`.
        mean_reward: Per episode.
        mean_speed: Distance over time [m/s].
        mean_command: Mean over episodes of the mean commanded speed [m/s].
        off_tracks: Rows on which the car was judged off the track.
    """

    group: str
    episodes: int
    mean_progress: float
    best_progress: float
    laps: int
    best_lap: float | None
    mean_lap: float | None
    mean_reward: float
    mean_speed: float
    mean_command: float
    off_tracks: int

    def to_dict(self) -> dict[str, Any]:
        """All of it as what `json.dump` takes."""
        return dataclasses.asdict(self)


def figures_of(log: Log, group: str = "all") -> Figures:
    """The figures of all episodes of a log.

    Args:
        log: The log.
        group: What to call them.
    """
    starts = log.bounds[:-1]
    progress = np.maximum.reduceat(log.progress, starts)
    rows = np.diff(log.bounds)
    laps = log.lap_time[log.complete]
    seconds = float(log.durations.sum())
    return Figures(
        group=group,
        episodes=log.num_episodes,
        mean_progress=float(progress.mean()),
        best_progress=float(progress.max()),
        laps=len(laps),
        best_lap=float(laps.min()) if len(laps) else None,
        mean_lap=float(laps.mean()) if len(laps) else None,
        mean_reward=float(log.total_reward.mean()),
        mean_speed=float(log.distances.sum()) / seconds if seconds else 0.0,
        mean_command=float((np.add.reduceat(log.speed, starts) / rows).mean()),
        off_tracks=int((log.status == Status.OFF_TRACK.label).sum()),
    )


def per_group(log: Log) -> list[Figures]:
    """The figures of each iteration, or of each evaluation, in the order of the log."""
    groups = list(dict.fromkeys(log.group.tolist()))
    return [figures_of(log.take(log.group == group), group) for group in groups]
