"""Centre lines with widths as CSV, in the style of F1TENTH's and TUM's race track databases.

Columns x, y, width to the right border, width to the left border, all in metres, separated by commas or
semicolons. A header names the columns (then they may stand in any order, with others between them), behind a
"#" or without one; without a header they are the first four.
Style: https://github.com/TUMFTM/racetrack-database, `# x_m,y_m,w_tr_right_m,w_tr_left_m`.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from .geometry import Array, Polyline, signed_area
from .track import Track
from .validate import TrackError

_COLUMNS = (
    ("x_m", "x", "x_ref_m"),
    ("y_m", "y", "y_ref_m"),
    ("w_tr_right_m", "w_tr_right", "width_right_m", "width_tr_right_m"),
    ("w_tr_left_m", "w_tr_left", "width_left_m", "width_tr_left_m"),
)
_HINT = "need columns x_m, y_m, w_tr_right_m, w_tr_left_m"


def read_csv(path: Path) -> tuple[Array, str]:
    """Read a centre line with widths.

    Returns:
        Waypoints (N, 6) [m], closed if the ends of the centre line meet; and an empty title.

    Raises:
        TrackError: With the number of the line and what is wrong there.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise TrackError(f"not a text file in UTF-8: save it as one; {_HINT}") from None
    columns = [0, 1, 2, 3]
    values: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        cells = [cell.strip() for cell in text.lstrip("# ").replace(";", ",").split(",")]
        header = _header(cells)
        if header is not None and not values:
            columns = header
        elif text and not text.startswith("#"):
            values.append(_read_row(number, cells, columns))
    if len(values) < 4:
        raise TrackError(f"{len(values)} rows of numbers, need at least 4; {_HINT}")
    return _with_borders(close_loop(np.array(values))), ""


def _header(cells: list[str]) -> list[int] | None:
    """Where the four columns are, if the cells name them."""
    names = [cell.lower() for cell in cells]
    found = [next((names.index(alias) for alias in aliases if alias in names), None) for aliases in _COLUMNS]
    return None if None in found else [index for index in found if index is not None]


def _read_row(number: int, cells: list[str], columns: list[int]) -> list[float]:
    if len(cells) <= max(columns):
        raise TrackError(f"line {number}: {len(cells)} columns; {_HINT}")
    row = []
    for column in columns:
        try:
            row.append(float(cells[column]))
        except ValueError:
            raise TrackError(f"line {number}: '{cells[column]}' is not a number; {_HINT}") from None
        if not math.isfinite(row[-1]):
            raise TrackError(f"line {number}: '{cells[column]}' is not a finite number")
    if min(row[2:]) <= 0:
        raise TrackError(f"line {number}: the width {min(row[2:]):g} m is not above 0")
    return row


def close_loop(rows: Array) -> Array:
    """Repeat the first row (x and y first) at the end, if the ends are within two of the longest steps.

    A last row that differs from the first by rounding alone, up to 1 mm, is taken for its repetition.
    """
    gap = float(np.hypot(*(rows[-1, :2] - rows[0, :2])))
    longest = float(np.hypot(*np.diff(rows[:, :2], axis=0).T).max(initial=0.0))
    if np.abs(rows[-1] - rows[0]).max() <= 1e-3:
        return np.concatenate((rows[:-1], rows[:1]))
    if 0 < gap <= 2 * longest:
        return np.concatenate((rows, rows[:1]))
    return rows


def _with_borders(rows: Array) -> Array:
    """Waypoints (N, 6) [m] from centre and widths to the right and left (N, 4) [m]."""
    center = rows[:, :2]
    closed = bool((center[0] == center[-1]).all())
    normals = Polyline(center, closed).normals
    right, left = center - normals * rows[:, 2:3], center + normals * rows[:, 3:4]
    inner_left = not closed or signed_area(center) > 0
    return np.concatenate((center, left, right) if inner_left else (center, right, left), axis=1)


def csv_text(track: Track) -> str:
    """The centre line with the distance to the nearest point of each border, as CSV text.

    Borders that are not square to the centre line at their rows keep their shape, not their points.
    """
    inner, outer = (
        np.abs(Polyline(border, track.closed).project(track.center)[1])
        for border in (track.inner, track.outer)
    )
    right, left = (outer, inner) if track.is_ccw else (inner, outer)
    rows = np.column_stack((track.center, right, left))
    lines = [", ".join(f"{value:.6f}" for value in row) for row in rows]
    return "\n".join(["# x_m, y_m, w_tr_right_m, w_tr_left_m", *lines]) + "\n"
