"""What came of trials, in figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class LapReport:
    """What came of some trials; times in [s], speed in [m/s].

    Attributes:
        track: Name of the track.
        physics: "single_track" or "bullet".
        direction: "ccw", "cw" or "both".
        trials: How many trials were driven.
        laps: Laps asked of each.
        completed: Trials that did all their laps without leaving the track (or, with resets, at all).
        lap_times: Of every finished lap, in the order of trials.
        off_tracks: How often no wheel was on the road.
        wheels_out: Steps on which a wheel was off the road.
        distance: Driven by all cars together [m].
        time: Driven by all cars together [s].
        statuses: How each trial ended.
        race: "time_trial", "object_avoidance" or "head_to_bot".
        crashes: How often a car ran into an object.
        steering_change: Mean absolute change of the steering command from step to step [deg].
        steering_power: Power of the steering command above 2 Hz on straights [deg^2], as
            `oscillation.fast_power` defines it; `None` where there was none.
    """

    track: str
    physics: str
    direction: str
    trials: int
    laps: int
    completed: int
    lap_times: tuple[float, ...]
    off_tracks: int
    wheels_out: int
    distance: float
    time: float
    statuses: tuple[str, ...]
    race: str = "time_trial"
    crashes: int = 0
    steering_change: float = 0.0
    steering_power: float | None = None

    @property
    def completion_rate(self) -> float:
        """Share of the trials that were completed."""
        return self.completed / self.trials

    @property
    def mean_speed(self) -> float:
        """Distance over time."""
        return self.distance / self.time if self.time else 0.0

    @property
    def best_lap(self) -> float | None:
        """Fastest lap, or `None` where no lap was finished."""
        return min(self.lap_times, default=None)

    @property
    def mean_lap(self) -> float | None:
        """Mean lap, or `None` where no lap was finished."""
        return float(np.mean(self.lap_times)) if self.lap_times else None

    def to_dict(self) -> dict[str, Any]:
        """All of it as what `json.dump` takes."""
        derived = ("completion_rate", "best_lap", "mean_lap", "mean_speed")
        return dataclasses.asdict(self) | {name: getattr(self, name) for name in derived}


def merge(reports: Sequence[LapReport]) -> LapReport:
    """One report of trials driven one after the other on the same track; means are by driven time."""
    if len(reports) == 1:
        return reports[0]
    directions = {report.direction for report in reports}
    return dataclasses.replace(
        reports[0],
        direction=reports[0].direction if len(directions) == 1 else "both",
        trials=sum(report.trials for report in reports),
        completed=sum(report.completed for report in reports),
        lap_times=tuple(time for report in reports for time in report.lap_times),
        off_tracks=sum(report.off_tracks for report in reports),
        crashes=sum(report.crashes for report in reports),
        wheels_out=sum(report.wheels_out for report in reports),
        distance=sum(report.distance for report in reports),
        time=sum(report.time for report in reports),
        statuses=tuple(status for report in reports for status in report.statuses),
        steering_change=_mean([(report.steering_change, report.time) for report in reports]) or 0.0,
        steering_power=_mean([(report.steering_power, report.time) for report in reports]),
    )


def _mean(weighted: Sequence[tuple[float | None, float]]) -> float | None:
    """Mean of the values that are there, by weight."""
    known = [(value, weight) for value, weight in weighted if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * (weight / total) for value, weight in known) if total else None
