"""Roads drawn as engineers stake them out: straight lines between corners, each corner rounded by an arc."""

from __future__ import annotations

import numpy as np

from .geometry import Array, cross, signed_area
from .validate import TrackError

# What is left of a bend's radius [m] at the inner border, so that this border stays a line.
INNER_RADIUS = 0.05


class CornerError(TrackError):
    """A corner that cannot be drawn.

    Attributes:
        corner: Its index.
    """

    def __init__(self, corner: int, text: str) -> None:
        super().__init__(text)
        self.corner = corner


def largest_radii(corners: Array) -> Array:
    """Radii (C,) [m] of the largest arcs that leave each neighbour half of the side between them."""
    side = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.minimum(side, np.roll(side, 1)) / 2 / np.tan(np.abs(_turns(corners)) / 2)


def straight_lengths(corners: Array, radii: Array) -> Array:
    """Length (C,) [m] of the straight after each corner."""
    _, tangents = _tangent_lengths(corners, radii)
    side = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    return side - tangents - np.roll(tangents, -1)


def drawn_length(corners: Array, radii: Array) -> float:
    """Length [m] of the centre line that `draw_road` would draw, by its arcs and straights."""
    turns, tangents = _tangent_lengths(corners, radii)
    return float(_elements(corners, turns, tangents)[0].sum())


def draw_road(
    corners: Array, radii: Array, width: float, *, spacing: float = 0.15, length: float | None = None
) -> Array:
    """Draw a closed road of constant width.

    Args:
        corners: (C, 2) [m], driven in this order; the start line is in the middle of the straight between the
            first two.
        radii: (C,) radius [m] of the centre line in each corner; infinity where the line goes straight on.
        width: Of the road [m].
        spacing: Distance [m] between waypoints, about.
        length: Length [m] of the centre line to which corners and radii are scaled; as drawn if None.

    Returns:
        Waypoints (N, 6) [m], the first row repeated at the end.

    Raises:
        CornerError: If an arc does not fit between its neighbours or is too tight for the width.
    """
    turns, tangents = _tangent_lengths(corners, radii)
    size, bend, heading = _elements(corners, turns, tangents)
    drawn = float(size.sum())
    count = max(12, round((length or drawn) / spacing))
    center, direction = _sample(_start(corners, tangents), size, bend, heading, count)
    if length is not None:
        scale = length / np.linalg.norm(np.diff(center, axis=0), axis=1).sum()
        center, radii = center * scale, radii * scale
    tight = np.flatnonzero((radii < width / 2 + INNER_RADIUS) & (np.abs(turns) > 0))
    if len(tight):
        corner = int(tight[0])
        raise CornerError(
            corner,
            f"the bend of radius {radii[corner]:.3g} m is too tight for a road {width:g} m wide: "
            f"make it {width / 2 + INNER_RADIUS:.3g} m or more",
        )
    left = np.stack((-np.sin(direction), np.cos(direction)), axis=-1) * width / 2
    inner = left if signed_area(center) > 0 else -left
    rows = np.concatenate((center, center + inner, center - inner), axis=1)
    rows[-1] = rows[0]  # the lap's sum of rounding errors, 1e-15 m
    return rows


def _turns(corners: Array) -> Array:
    """Change of direction (C,) [rad] at each corner, positive to the left."""
    ahead = np.roll(corners, -1, axis=0) - corners
    behind = corners - np.roll(corners, 1, axis=0)
    return np.arctan2(cross(behind, ahead), (behind * ahead).sum(axis=1))


def _tangent_lengths(corners: Array, radii: Array) -> tuple[Array, Array]:
    """Turns (C,) [rad] and the length (C,) [m] that each arc takes of both its sides."""
    side = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    if not side.all():
        corner = int((np.flatnonzero(side == 0)[0] + 1) % len(corners))
        raise CornerError(corner, "the corner repeats the one before: leave it out")
    turns = _turns(corners)
    back = np.flatnonzero(np.abs(turns) > np.radians(175))
    if len(back):
        raise CornerError(int(back[0]), "the road turns straight back here: draw a hairpin as two corners")
    straight = np.abs(turns) < 1e-9
    with np.errstate(invalid="ignore"):
        tangents = np.where(straight, 0.0, radii * np.tan(np.abs(turns) / 2))
    excess = tangents + np.roll(tangents, -1) - side
    worst = int(excess.argmax())
    if excess[worst] > 1e-9 * side[worst]:
        corner = max(worst, (worst + 1) % len(corners), key=lambda index: tangents[index])
        fits = largest_radii(corners)[corner]
        raise CornerError(
            corner,
            f"radius {radii[corner]:.3g} m does not fit between the neighbouring corners: "
            f"{np.floor(fits * 100) / 100:.2f} m always does; or move the corners apart",
        )
    return np.where(straight, 0.0, turns), tangents


def _elements(corners: Array, turns: Array, tangents: Array) -> tuple[Array, Array, Array]:
    """Length [m], curvature [1/m] and first heading [rad] of lines and arcs in turn, from the start on."""
    ahead = np.roll(corners, -1, axis=0) - corners
    lines = np.linalg.norm(ahead, axis=1) - tangents - np.roll(tangents, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        radii = np.where(turns == 0, np.inf, tangents / np.tan(np.abs(turns) / 2))
        arcs = np.where(turns == 0, 0.0, radii * np.abs(turns))
    size = np.zeros(2 * len(corners) + 1)
    bend = np.zeros_like(size)
    size[1::2] = np.roll(arcs, -1)  # the first arc is at corner 1
    bend[1::2] = np.roll(np.sign(turns) / radii, -1)
    size[2::2] = np.roll(lines, -1)
    size[0] = size[-1] = lines[0] / 2
    size = np.maximum(size, 0.0)
    first = np.arctan2(ahead[0, 1], ahead[0, 0])
    heading = first + np.concatenate(([0.0], np.cumsum(size * bend)[:-1]))
    return size, bend, heading


def _start(corners: Array, tangents: Array) -> Array:
    side = corners[1] - corners[0]
    along = (np.linalg.norm(side) + tangents[0] - tangents[1]) / 2
    return corners[0] + side * (along / np.linalg.norm(side))


def _sample(start: Array, size: Array, bend: Array, heading: Array, count: int) -> tuple[Array, Array]:
    """Points (count + 1, 2) [m] at equal steps along the elements, and headings (count + 1,) [rad]."""
    steps = _chord(size, bend, heading)
    origin = start + np.concatenate((np.zeros((1, 2)), np.cumsum(steps, axis=0)[:-1]))
    station = np.concatenate(([0.0], np.cumsum(size)))
    s = np.linspace(0.0, station[-1], count + 1)
    element = np.clip(np.searchsorted(station, s, side="right") - 1, 0, len(size) - 1)
    along = s - station[element]
    points = origin[element] + _chord(along, bend[element], heading[element])
    return points, heading[element] + bend[element] * along


def _chord(size: Array, bend: Array, heading: Array) -> Array:
    """Vectors (..., 2) [m] from start to end of arcs of a given length, curvature and first heading."""
    half = bend * size / 2
    chord = size * np.sinc(half / np.pi)
    return np.stack((chord * np.cos(heading + half), chord * np.sin(heading + half)), axis=-1)
