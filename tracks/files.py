"""Tracks from files and to files: DeepRacer's `.npy`, centre-line `.csv`, and `.track` (see `track_file`)."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path

import numpy as np

from .csv_file import close_loop, csv_text, read_csv
from .geometry import Array
from .track import Track
from .track_file import read_drawing
from .validate import TrackError

_READERS = {".npy": lambda path: read_npy(path), ".csv": read_csv, ".track": read_drawing}
SUFFIXES = tuple(_READERS)


def load_file(path: Path, scale: float = 1.0) -> Track:
    """Load a track from a file, by its suffix.

    Args:
        path: A `.npy`, `.csv` or `.track` file.
        scale: Factor on every coordinate, for files in other units or of full-size circuits.

    Raises:
        TrackError: If the file is missing, malformed or holds no road; the text starts with the path.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise TrackError(f"{path}: a track is a {', '.join(SUFFIXES)} file, not '{path.suffix}'")
    try:
        rows, title = reader(path)
        return Track(path.stem, rows * scale, title)
    except IsADirectoryError:
        raise TrackError(f"{path}: a folder; name a track's file in it") from None
    except OSError as error:
        raise TrackError(f"{path}: {error.strerror or error}") from None
    except TrackError as error:
        raise TrackError(f"{path}: {error}") from None


def read_npy(path: Path) -> tuple[Array, str]:
    """Read the rows (N, 6) of a DeepRacer track file as they are; nothing in it is ever unpickled.

    Returns:
        Waypoints (N, 6) [m]; the first row added at the end where just that is missing; an empty title.

    Raises:
        TrackError: If it holds anything but numbers in this shape.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(6)
    if not start:
        raise TrackError("the file is empty")
    if start != b"\x93NUMPY":
        raise TrackError(
            "not a NumPy .npy file; a centre line as text is a .csv file, a drawing a .track file"
        )
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # on a damaged header, numpy lets through whatever its parser raises
        if "object" in str(error).lower():
            raise TrackError(
                "holds Python objects, which are never loaded: save it as float64 (N, 6)"
            ) from None
        raise TrackError("the file is cut short or damaged: copy it again") from None
    if array.dtype.kind not in "fiu":
        raise TrackError(f"holds {array.dtype}, need float64 (N, 6)")
    if array.ndim != 2 or array.shape[1] != 6 or len(array) < 4:
        raise TrackError(
            f"has shape {array.shape}, need (N, 6) with 4 rows at least: "
            "centre x, y, inner border x, y, outer border x, y"
        )
    return close_loop(np.array(array, dtype=np.float64)), ""


def save_track(track: Track, path: str | Path) -> None:
    """Write a track to a `.npy` (exact) or `.csv` (centre line and widths) file, whole or not at all.

    Raises:
        TrackError: If the suffix is another one, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, track.waypoints.astype("<f8"), allow_pickle=False)
        data = buffer.getvalue()
    elif suffix == ".csv":
        data = csv_text(track).encode()
    elif suffix == ".track":
        raise TrackError(f"{path}: a .track file is drawn by hand, from corners; write a .npy or .csv file")
    else:
        raise TrackError(f"{path}: write a .npy or .csv file, not '{path.suffix}'")
    try:
        write_whole(path, data)
    except OSError as error:
        raise TrackError(f"{path}: {error.strerror or error}") from None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file by way of a temporary one beside it, so that a reader never sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
