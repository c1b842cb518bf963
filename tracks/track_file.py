"""The `.track` format: a track as a person writes it, a few corners with the radius of the bend in each.

    # Lines that start with # are comments; so is what follows a # elsewhere.
    title  My first track        # a few words for people (may be left out)
    width  0.8                   # of the road [m]
    length 12.5                  # of the centre line [m]: scales the corners and radii (may be left out)
    spacing 0.15                 # between waypoints [m], 0.15 if left out
    corner 0 0 radius 1.2        # x y [m]: where the straights before and after the bend would meet
    corner 4 0 radius 1.2        # the radius is that of the centre line [m]
    corner 4 2.5                 # without one: the largest that leaves half of each side to the neighbours
    corner 0 2.5

The road runs straight from corner to corner, in this order, and from the last back to the first, so it always
closes. The start line is in the middle of the straight between the first two corners. A hairpin is two
corners about two radii apart; a chicane is two bends to opposite sides.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .drawing import CornerError, draw_road, largest_radii
from .geometry import Array
from .validate import MAX_LENGTH, MAX_WIDTH, MIN_LENGTH, MIN_WIDTH, TrackError

_KEYWORDS = ("title", "width", "length", "spacing", "corner")
_LIMITS = {"width": (MIN_WIDTH, MAX_WIDTH), "length": (MIN_LENGTH, MAX_LENGTH), "spacing": (0.02, 1.0)}


@dataclass
class _Drawing:
    """What the lines read so far say."""

    title: str = ""
    numbers: dict[str, float] = field(default_factory=dict)
    corners: list[tuple[float, float]] = field(default_factory=list)
    radii: list[float | None] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # line number of each corner


def read_drawing(path: Path) -> tuple[Array, str]:
    """Read a `.track` file.

    Returns:
        Waypoints (N, 6) [m] and the title.

    Raises:
        TrackError: With the number of the line and what to write instead.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise TrackError(
            "not a text file in UTF-8; a .track file is lines such as 'width 0.8' and 'corner 4 0 radius 1'"
        ) from None
    drawing = _Drawing()
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            _read_line(drawing, number, words)
        except TrackError as error:
            raise TrackError(f"line {number}: {error}") from None
    return _draw(drawing), drawing.title


def _read_line(drawing: _Drawing, number: int, words: list[str]) -> None:
    keyword, *rest = words
    if keyword == "title":
        drawing.title = " ".join(rest)
    elif keyword == "corner":
        x, y, radius = _read_corner(rest)
        drawing.corners.append((x, y))
        drawing.radii.append(radius)
        drawing.lines.append(number)
    elif keyword in _LIMITS:
        if keyword in drawing.numbers:
            raise TrackError(f"a second {keyword}: keep one")
        if len(rest) != 1:
            raise TrackError(f"write '{keyword}' and one number in metres, like '{keyword} 0.8'")
        low, high = _LIMITS[keyword]
        value = _number(rest[0])
        if not low <= value <= high:
            raise TrackError(f"{keyword} {value:g} m is outside {low:g} to {high:g} m")
        drawing.numbers[keyword] = value
    else:
        near = difflib.get_close_matches(keyword.lower(), _KEYWORDS, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"a line starts with one of: {', '.join(_KEYWORDS)}"
        raise TrackError(f"unknown word '{keyword}': {hint}")


def _read_corner(words: list[str]) -> tuple[float, float, float | None]:
    if len(words) == 2:
        return _number(words[0]), _number(words[1]), None
    if len(words) != 4 or words[2] != "radius":
        raise TrackError("write a corner as 'corner X Y radius R' or 'corner X Y', in metres")
    radius = _number(words[3])
    if radius <= 0:
        raise TrackError(f"radius {words[3]} is not above 0")
    return _number(words[0]), _number(words[1]), radius


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise TrackError(
            f"'{word}' is not a number" + (": write a decimal point" if "," in word else "")
        ) from None
    if not math.isfinite(value):
        raise TrackError(f"'{word}' is not a finite number")
    return value


def _draw(drawing: _Drawing) -> Array:
    if "width" not in drawing.numbers:
        raise TrackError("no width: add a line like 'width 0.8'")
    if len(drawing.corners) < 3:
        raise TrackError(
            f"{len(drawing.corners)} corners, need at least 3: add lines like 'corner 4 0 radius 1'"
        )
    corners = np.array(drawing.corners)
    try:
        fitting = largest_radii(corners)
        chosen = [
            fits if radius is None else radius for radius, fits in zip(drawing.radii, fitting, strict=True)
        ]
        return draw_road(
            corners,
            np.array(chosen),
            drawing.numbers["width"],
            spacing=drawing.numbers.get("spacing", 0.15),
            length=drawing.numbers.get("length"),
        )
    except CornerError as error:
        raise TrackError(f"line {drawing.lines[error.corner]}: {error}") from None
