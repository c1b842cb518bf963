"""What makes rows of numbers a road, and the one-line error that says what does not."""

from __future__ import annotations

from typing import Any

import numpy as np

from .geometry import Array, Polyline, crossings, signed_area

# Limits of what is taken for a track of a 1/18-scale car, 0.19 m wide. The original simulator's tracks are
# 5.7 to 101 m long and 0.6 to 2.0 m wide; beyond these limits the unit is wrong, or the drawing is.
MIN_WIDTH = 0.2  # [m]
MAX_WIDTH = 5.0  # [m]
MIN_LENGTH = 1.0  # [m]
MAX_LENGTH = 1000.0  # [m]
MAX_COORDINATE = 100_000.0  # [m]
MAX_ROWS = 5000
_LINES = ("centre line", "inner border", "outer border")


class TrackError(ValueError):
    """A track that cannot be used; its text is one line: what is wrong, where, and how to mend it."""


def checked_waypoints(waypoints: Any) -> Array:
    """Return waypoints as a read-only float64 array (N, 6) of their own.

    Raises:
        TrackError: If they are no road.
    """
    try:
        rows = np.array(waypoints, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise TrackError("the waypoints are not rows of 6 numbers each") from None
    _check_numbers(rows)
    closed = is_closed(rows)
    lines = [Polyline(rows[:, column : column + 2], closed) for column in (0, 2, 4)]
    _check_size(rows, lines)
    _check_sides(rows, lines[0])
    _check_crossings(rows)
    rows.flags.writeable = False
    return rows


def is_closed(rows: Array) -> bool:
    """Whether the last row repeats the first: what the original simulator takes for a closed track."""
    return bool((rows[0] == rows[-1]).all())


def _check_numbers(rows: Array) -> None:
    if rows.ndim != 2 or rows.shape[1] != 6:
        raise TrackError(
            f"the waypoints have shape {rows.shape}, need (N, 6): "
            "centre x, y, inner border x, y, outer border x, y"
        )
    if not 4 <= len(rows) <= MAX_ROWS:
        raise TrackError(f"{len(rows)} waypoints; a track has 4 to {MAX_ROWS}, one every 0.1 to 0.3 m")
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise TrackError(
            f"row {row}, column {column} is {rows[row, column]}: every coordinate must be finite"
        )
    if np.abs(rows).max() > MAX_COORDINATE:
        row = int(np.abs(rows).max(axis=1).argmax())
        raise TrackError(
            f"row {row} is more than {MAX_COORDINATE / 1000:.0f} km from the origin: "
            "move the track to the origin; coordinates are in metres"
        )
    if (rows[0, :2] == rows[-1, :2]).all() and not is_closed(rows):
        raise TrackError("the last row repeats the centre of row 0 but not its borders: repeat the whole row")


def _check_size(rows: Array, lines: list[Polyline]) -> None:
    for line, name in zip(lines, _LINES, strict=True):
        if line.length == 0:
            raise TrackError(f"the {name} has no length: all its points are the same")
    center, inner, outer = lines
    width = np.abs(inner.project(rows[:, :2])[1]) + np.abs(outer.project(rows[:, :2])[1])
    typical, length = float(np.median(width)), center.length
    size = f"the road is {_digits(typical)} m wide and {_digits(length)} m long"
    if typical > MAX_WIDTH:
        raise TrackError(f"{size}: {_likely_unit(typical)} (hairpin tracks import FILE --scale)")
    if length > MAX_LENGTH:
        raise TrackError(f"{size}: longer than {MAX_LENGTH:.0f} m; are the coordinates in metres?")
    if length < MIN_LENGTH:
        raise TrackError(f"{size}: shorter than {MIN_LENGTH:.0f} m; are the coordinates in metres?")
    if width.min() < MIN_WIDTH:
        row = int(width.argmin())
        raise TrackError(
            f"row {row}: the road is {width[row]:.3g} m wide, the car 0.19 m; "
            f"it needs {MIN_WIDTH} m at least; are the coordinates in metres?"
        )


def _digits(value: float) -> str:
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


def _likely_unit(width: float) -> str:
    if width > 300:
        return "is it in millimetres? Scale it by 0.001"
    if width > 30:
        return "is it in centimetres? Scale it by 0.01"
    return f"is it a full-size circuit? Scale it by {0.8 / width:.1g}"


def _check_sides(rows: Array, center: Polyline) -> None:
    """Each border keeps to its own side of the centre line, the inner one inside the loop."""
    inner_left = center.project(rows[:, 2:4])[1] > 0
    outer_left = center.project(rows[:, 4:6])[1] > 0
    left = bool(inner_left.mean() > 0.5)
    wrong = np.flatnonzero((inner_left != left) | (outer_left == left))
    if len(wrong):
        row = int(wrong[0])
        both = (
            "both borders are on one side" if inner_left[row] == outer_left[row] else "the borders swap sides"
        )
        raise TrackError(
            f"row {row}: {both} of the centre line near {_place(rows[row, :2])}: "
            "keep the inner border on one side of it and the outer border on the other"
        )
    if center.closed and left != (signed_area(rows[:, :2]) > 0):
        raise TrackError("inner and outer border are swapped: columns 2, 3 are the border inside the loop")


def _check_crossings(rows: Array) -> None:
    lines = rows.reshape(len(rows), 3, 2).transpose(1, 0, 2)
    pairs = crossings(lines[:, :-1].reshape(-1, 2), lines[:, 1:].reshape(-1, 2))
    if not len(pairs):
        return
    (first, row), (second, other) = (divmod(int(segment), len(rows) - 1) for segment in pairs[0])
    whom = f"itself (row {other})" if first == second else f"the {_LINES[second]} (row {other})"
    raise TrackError(
        f"row {row}: the {_LINES[first]} crosses {whom} near {_place(lines[first][row])}: "
        "a road may neither fold nor cross itself"
    )


def _place(point: Array) -> str:
    return f"({point[0]:.2f}, {point[1]:.2f})"
