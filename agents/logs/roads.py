"""The track of a log, which most logs do not name, and where on it the car was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks import Track, load_track, track_names

from ..errors import RunError
from ..run import RUN_FILE, open_run
from .log import Log

_SAME_LENGTH = 0.01  # [m]: logs of simulations are rounded to this
_LOOKED_AT = 500  # rows


def tracks_of_log(log: Log, given: str | Path | Track | None = None) -> list[Track]:
    """The tracks that a log was driven on, of which there are several in a run that trains on several.

    Args:
        log: The log.
        given: A track's name or file that settles it.

    Raises:
        TrackError: The given track cannot be read.
        RunError: The log is of a run that cannot be read, or of another track than the given one.
    """
    if given is None and (Path(log.source) / RUN_FILE).is_file():
        tracks = open_run(log.source).tracks
        driven = [track for track in tracks if on_track(log, track).any()]
        if len(driven) > 1:
            return driven
    only = track_of_log(log, given)
    return [] if only is None else [only]


def on_track(log: Log, track: Track) -> NDArray[np.bool_]:
    """(S,) rows that say that they were driven on a track of this length."""
    return np.abs(log.track_length - track.length) <= _SAME_LENGTH


def track_of_log(log: Log, given: str | Path | Track | None = None) -> Track | None:
    """The track that a log was driven on.

    Args:
        log: The log.
        given: A track's name or file that settles it.

    Returns:
        The track given; else the run's own or the built-in one that has the length that the log says, with
        the logged places on it; `None` if there is none.

    Raises:
        TrackError: The given track cannot be read.
        RunError: The log is of a run that cannot be read, or of another track than the given one.
    """
    if given is not None:
        track = load_track(given)
        if not on_track(log, track).any():
            length = float(np.median(log.track_length))
            raise RunError(
                f"{log.source} was driven on a track of {length:.2f} m, and {track.name} has "
                f"{track.length:.2f} m: give the track that it was driven on"
            )
        return track
    candidates: list[Track] = []
    if (Path(log.source) / RUN_FILE).is_file():
        candidates += open_run(log.source).tracks
    candidates += [load_track(name) for name in track_names()]
    return next((track for track in candidates if fits(log, track)), None)


def fits(log: Log, track: Track) -> bool:
    """Whether a log can be of this track: it has its length, and most places lie on the road."""
    if abs(float(np.median(log.track_length)) - track.length) > _SAME_LENGTH:
        return False
    rows = np.linspace(0, len(log.x) - 1, min(len(log.x), _LOOKED_AT)).astype(int)
    along, aside = track.to_road(np.column_stack([log.x[rows], log.y[rows]]))
    return bool(np.median(np.abs(aside) / track.width(along)) < 0.5)


def along_track(log: Log, track: Track | None) -> NDArray[np.float64]:
    """(S,) distance from the start line along the track's rows [m]; without a track, from the lap's start."""
    if track is None:
        return np.clip(log.progress, 0.0, None) / 100.0 * log.track_length
    return track.to_road(np.column_stack([log.x, log.y]))[0]


def is_reversed(log: Log, track: Track) -> bool:
    """Whether a log of one episode was driven against the order of the track's rows."""
    along = along_track(log, track)
    moved = np.diff(along)
    return bool(np.sum((moved + track.length / 2) % track.length - track.length / 2) < 0)
