"""Tracks by name or file."""

from __future__ import annotations

import difflib
import functools
import math
from numbers import Real
from pathlib import Path

from .files import SUFFIXES, load_file
from .track import Track
from .validate import TrackError

_BUILTIN = Path(__file__).parent / "builtin"


def track_names() -> list[str]:
    """Names of the built-in tracks, in alphabetical order."""
    return sorted(path.stem for path in _BUILTIN.glob("*.track"))


def builtin_track(name: str, digest: str = "") -> Track | None:
    """The built-in track of a name, if there is one; of this digest, where one is given."""
    found = _builtin(name) if name in track_names() else None
    return found if found is None or digest in ("", found.digest) else None


def load_track(ref: str | Path | Track, *, scale: float = 1.0) -> Track:
    """Load a track.

    Args:
        ref: A built-in track's name, or a `.npy`, `.csv` or `.track` file; a `Track` comes back as is.
        scale: Factor on the coordinates of a file in other units, or of a full-size circuit; above 0.

    Raises:
        TrackError: If there is no such track, or the file holds none; one line with what to do.
    """
    _check_scale(ref, scale)
    if isinstance(ref, Track):
        return ref
    if not isinstance(ref, str | Path):
        raise TrackError(f"a track is a name, a file or a Track, not {type(ref).__name__}")
    if not str(ref).strip():
        raise TrackError(f"the track has no name: give a file, or one of {', '.join(track_names())}")
    if str(ref) in track_names():
        return _builtin(str(ref))
    path = Path(ref).expanduser()
    if path.suffix.lower() in SUFFIXES and not path.exists():
        raise TrackError(f"no file {path}{_suggestion(path)}")
    if path.is_dir():
        raise TrackError(f"{path} is a folder; name a track's file in it")
    if not path.suffix and not path.exists():
        raise TrackError(f"no track named '{ref}'{_suggestion(path)}")
    return load_file(path, scale)


def _check_scale(ref: str | Path | Track, scale: float) -> None:
    if not (isinstance(scale, Real) and 0 < scale < math.inf):
        raise TrackError(f"scale is {scale!r}: give a number above 0, such as 0.001 for millimetres")
    if scale != 1 and (isinstance(ref, Track) or str(ref) in track_names()):
        raise TrackError(
            f"{ref} is in metres, so scale {scale:g} is not for it: scale is for a file's coordinates"
        )


@functools.cache
def _builtin(name: str) -> Track:
    return load_file(_BUILTIN / f"{name}.track")


def _suggestion(path: Path) -> str:
    """What else could be meant: files beside it and built-in tracks, else the list of those."""
    files = [str(path.parent / file.name) for suffix in SUFFIXES for file in path.parent.glob(f"*{suffix}")]
    known = {Path(file).stem.lower(): file for file in files} | {name.lower(): name for name in track_names()}
    near = difflib.get_close_matches(path.stem.lower(), list(known), n=2, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(known[name] for name in near)}?"
    return f"; the built-in tracks are {', '.join(track_names())}"
