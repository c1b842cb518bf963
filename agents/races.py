"""Races between policies: runs and bundles against each other, in several heats."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hairpin.sim import World
from hairpin.sim.errors import check_whole
from hairpin.sim.head_to_head import Entrant, Result, race
from hairpin.sim.laps import world_of
from hairpin.tracks import Track

from .errors import RunError
from .evaluation import Subject, open_subject, tracks_of


@dataclass(frozen=True)
class Standing:
    """How the heats went for one policy.

    Attributes:
        name: The policy's.
        wins: Heats that it won.
        mean_place: Mean of its places, 1 for the winner.
        finished: Heats in which it did all its laps.
        best_time: Fastest race, penalties included [s]; `None` if it finished none.
        best_lap: Fastest lap [s]; `None` if it finished none.
        crashes: How often it ran into another car, in all heats.
        off_tracks: How often no wheel was on the road, in all heats.
    """

    name: str
    wins: int
    mean_place: float
    finished: int
    best_time: float | None
    best_lap: float | None
    crashes: int
    off_tracks: int


@dataclass(frozen=True)
class RaceReport:
    """What came of a race.

    Attributes:
        track: Name of the track.
        physics: "single_track" or "bullet".
        laps: Laps of each heat.
        heats: Per heat a result of each policy.
        standings: One per policy, the best first.
    """

    track: str
    physics: str
    laps: int
    heats: tuple[tuple[Result, ...], ...]
    standings: tuple[Standing, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it as what `json.dump` takes."""
        return dataclasses.asdict(self)


def run_race(
    sources: Sequence[str | Path],
    *,
    track: str | Path | Track | None = None,
    physics: str = "bullet",
    laps: int = 3,
    heats: int | None = None,
    direction: str | None = None,
    on_step: Callable[[World], None] | None = None,
) -> RaceReport:
    """Let the policies of runs and bundles race each other; in each heat another one starts in front.

    Args:
        sources: Two to four run folders or bundles; the same one may come twice.
        track: Where; the first policy's own track if not given.
        physics: "bullet" or "single_track".
        laps: Laps of each heat.
        heats: How many; one per policy if not given, so that each has every place of the grid.
        direction: "ccw", "cw" or `None`: in the order of the track's rows.
        on_step: Called after every step of the first heat.

    Raises:
        RunError, BundleError, SimError, TrackError: Something cannot be used.
    """
    heats = len(sources) if heats is None else heats
    check_whole("laps", laps, 1, RunError)
    check_whole("heats", heats, 1, RunError)
    subjects = [open_subject(source) for source in sources]
    if not subjects:
        raise RunError("no policy is given: give two to four runs or bundles")
    road = tracks_of(subjects[0], track)[0]
    names = _names([subject.name for subject in subjects])
    entrants = [_entrant(name, subject, road, physics) for name, subject in zip(names, subjects, strict=True)]
    results = [
        tuple(race(entrants, laps=laps, first=h, direction=direction, on_step=on_step if h == 0 else None))
        for h in range(heats)
    ]
    standings = [_standing([heat[k] for heat in results]) for k in range(len(entrants))]
    standings.sort(key=lambda one: (one.mean_place, one.best_time or float("inf")))
    return RaceReport(road.name, physics, laps, tuple(results), tuple(standings))


def _entrant(name: str, subject: Subject, road: Track, physics: str) -> Entrant:
    return Entrant(name, world_of(subject.contract, road, physics=physics), subject.act)


def _names(names: Sequence[str]) -> list[str]:
    """Names that differ, where the same policy races against itself."""
    return [
        f"{name} #{list(names[: k + 1]).count(name)}" if list(names).count(name) > 1 else name
        for k, name in enumerate(names)
    ]


def _standing(results: Sequence[Result]) -> Standing:
    times = [result.time for result in results if result.time is not None]
    return Standing(
        name=results[0].name,
        wins=sum(result.place == 1 for result in results),
        mean_place=sum(result.place for result in results) / len(results),
        finished=len(times),
        best_time=min(times, default=None),
        best_lap=min((lap for result in results for lap in result.lap_times), default=None),
        crashes=sum(result.crashes for result in results),
        off_tracks=sum(result.off_tracks for result in results),
    )
