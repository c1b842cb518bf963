"""A recording with poses as a log, so that all that is done with logs is done with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hairpin.sim import rules
from hairpin.sim.chassis import FRONT_POINT
from hairpin.tracks import Track, builtin_track, load_track

from ..errors import RunError
from .log import Log
from .recordings import Drive


def log_of(drive: Drive, track: str | Path | None = None) -> Log:
    """The steps of a recorded rehearsal, one per frame: each trial is an episode.

    Args:
        drive: The recording.
        track: The track; the one that the policy was trained on if not given.

    Raises:
        RunError: It has no poses, or the track is not known.
        TrackError: The track cannot be read.
    """
    if not len(drive.poses):
        raise RunError(
            f"{drive.path} has no poses: a real car does not know where it is. "
            "`hairpin-car rehearse --real-time --record` records a simulated car's; "
            "--bundle compares policies on any recording"
        )
    road = _road(drive, track)
    times, x, y, yaw = drive.poses.T
    row = np.clip(np.searchsorted(drive.stamps, times, side="right") - 1, 0, None)
    trial = np.searchsorted(drive.trials or [0.0], times, side="right")
    rows = len(times)
    begun = np.array([times[trial == number][0] for number in trial])
    return Log(
        source=str(drive.path),
        kind="evaluation",
        world=road.name,
        group=np.full(rows, "recording"),
        worker=np.zeros(rows, dtype=np.int64),
        episode=trial.astype(np.int64),
        steps=np.concatenate([np.arange(1, 1 + np.sum(trial == n)) for n in np.unique(trial)]).astype(float),
        x=x + FRONT_POINT * np.cos(yaw),
        y=y + FRONT_POINT * np.sin(yaw),
        yaw=np.degrees(yaw),
        steering=np.degrees(drive.commands[row, 0]),
        speed=drive.commands[row, 1],
        action=np.full(rows, -1, dtype=np.int64),
        reward=np.zeros(rows),
        done=np.append(trial[1:] != trial[:-1], True),
        on_track=_on_track(road, x, y),
        progress=np.concatenate([_progress(road, x[trial == n], y[trial == n]) for n in np.unique(trial)]),
        waypoint=np.zeros(rows, dtype=np.int64),
        track_length=np.full(rows, road.length),
        time=times - begun,
        status=np.full(rows, rules.Status.IN_PROGRESS.label),
    )


def _road(drive: Drive, track: str | Path | None) -> Track:
    if track is not None:
        return load_track(track)
    if drive.contract is None:
        raise RunError(f"{drive.path}: no policy drove, so its track is not known: give --track")
    own = drive.contract.track
    found = builtin_track(own.name, own.digest)
    if found is None:
        raise RunError(
            f"{drive.path}: its policy was trained on {own.name!r}, no built-in track: give --track"
        )
    return found


def _on_track(road: Track, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    along, aside = road.to_road(np.column_stack([x, y]))
    return np.abs(aside) <= road.width(along) / 2


def _progress(road: Track, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S,) share of the lap since the first place [%], the way that it was driven; each lap begins at 0."""
    along = road.to_road(np.column_stack([x, y]))[0]
    moved = (np.diff(along, prepend=along[:1]) + road.length / 2) % road.length - road.length / 2
    return np.abs(np.cumsum(moved)) / road.length * rules.COMPLETE % rules.COMPLETE
