"""Random tracks, as many as there are seeds.

A track is the outline of a random patch of square cells: such an outline never crosses itself, has straights,
chicanes and hairpins by nature, and keeps the side of a cell between its parts. Corners are then left out and
moved at random, rounded by random radii, and the whole is scaled to the length asked for. What comes too near
to itself or turns too tightly is thrown away and drawn again with a smaller, calmer outline; the last resort,
one cell, is a circle.
"""

from __future__ import annotations

import math
from numbers import Real

import numpy as np

from .drawing import INNER_RADIUS, draw_road, drawn_length, largest_radii, straight_lengths
from .geometry import Array, cross
from .track import Track
from .validate import MAX_LENGTH, MAX_WIDTH, MIN_WIDTH, TrackError

_ATTEMPTS = 40
_SPACING = 0.15  # [m] between waypoints, as in most of the original tracks
# The cells around one, in a circle; those at even places share a side with it.
_EIGHT = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))

Cell = tuple[int, int]


def generate(
    seed: int, length: float = 20.0, width: float = 0.8, *, min_radius: float = 0.5, gap: float = 0.2
) -> Track:
    """Make a random closed track that never crosses itself.

    Args:
        seed: The same seed and sizes give the same track.
        length: Of the centre line [m].
        width: Of the road [m].
        min_radius: No bend of the centre line is tighter [m]; half of width and gap is kept in any case.
        gap: Ground [m] between parts of the road that pass each other.

    Returns:
        A track named `random_{seed}`, driven either way round, which starts on its longest straight.

    Raises:
        TrackError: If a size is out of range or no track can have these sizes.
    """
    radius = _checked_radius(seed, length, width, min_radius, gap)
    rng = np.random.default_rng(seed)
    for attempt in range(_ATTEMPTS):
        calm = attempt / (_ATTEMPTS - 1)
        try:
            corners, radii = _random_corners(rng, length, radius, calm)
            rows = draw_road(corners, radii, width, spacing=_SPACING, length=length)
            if radii.min() >= 0.999 * radius and _keeps_apart(rows[:-1, :2], width + gap):
                return Track(f"random_{seed}", rows, f"Random track {seed}")
        except TrackError:  # a corner that cannot be drawn: draw others
            continue
    raise TrackError(f"no random track found for seed {seed}; try another seed, more length or less width")


def _checked_radius(seed: int, length: float, width: float, min_radius: float, gap: float) -> float:
    """The least radius [m] of the centre line, a trifle larger than asked for to outweigh rounding."""
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise TrackError(f"seed {seed!r}: must be a whole number, 0 or more")
    if not all(isinstance(size, Real) and math.isfinite(size) for size in (length, width, min_radius, gap)):
        raise TrackError("length, width, min_radius and gap must be finite numbers in metres")
    if not MIN_WIDTH <= width <= MAX_WIDTH:
        raise TrackError(f"width {width:g} m is outside {MIN_WIDTH:g} to {MAX_WIDTH:g} m")
    if min_radius <= 0 or gap < 0:
        raise TrackError(f"min_radius ({min_radius:g} m) must be above 0 and gap ({gap:g} m) not below")
    radius = 1.005 * max(min_radius, width / 2 + INNER_RADIUS, (width + gap) / 2)
    shortest = 2 * math.pi * radius * 1.02
    if not shortest <= length <= MAX_LENGTH:
        raise TrackError(
            f"length {length:g} m is outside {shortest:.1f} to {MAX_LENGTH:g} m: "
            f"a track {width:g} m wide with bends of {radius:.3g} m or more is no shorter"
        )
    return radius


def _random_corners(
    rng: np.random.Generator, length: float, radius: float, calm: float
) -> tuple[Array, Array]:
    """Corners (C, 2) [m] and radii (C,) [m] of a road of about the length; quiet where `calm` nears 1."""
    # A side of one cell takes two bends of the least radius; the arcs cut about 1/8 of the outline's length.
    most = length / (2 * radius * 0.88)
    sides = 4 + 2 * round((most - 4) / 2 * rng.uniform(0.35, 1.0) * (1 - calm)) if most > 4 else 4
    slack = max(0.0, 1 - sides / most)  # how much larger than need be the cells are
    corners = _merge_kinks(rng, _outline(_random_patch(rng, sides)), rng.uniform(0.0, 0.8) * (1 - calm))
    corners = corners + rng.uniform(-0.5, 0.5, corners.shape) * slack * (1 - calm)
    turn = rng.uniform(0, 2 * math.pi)
    corners = corners @ np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    if rng.random() < 0.5:
        corners = corners[::-1]
    ease = rng.uniform(0.0, 1.0, len(corners)) ** rng.uniform(0.2, 1.5) * (1 - calm) + calm
    scale = length / np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).sum()
    for _ in range(6):  # arcs shorten the road by what depends on their radii: a few rounds settle it
        radii = largest_radii(corners * scale)
        radii = np.where(radii > radius, radius + ease * (radii - radius), radii)
        scale *= length / drawn_length(corners * scale, radii)
    return _start_on_longest_straight(corners * scale, radii * 0.9999)


def _random_patch(rng: np.random.Generator, sides: int) -> set[Cell]:
    """Square cells, side by side without a hole, whose outline has the given (even) number of sides."""
    patch: set[Cell] = {(0, 0)}
    outline = 4
    # From stars with many arms to round patches.
    welcome = (0.0, 1.0, *np.exp(rng.uniform(-2.0, 1.5, 2)))
    frontier: list[Cell] = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    while outline < sides:
        cell = frontier[rng.integers(len(frontier))]
        if cell in patch:
            continue
        around = [(cell[0] + dx, cell[1] + dy) in patch for dx, dy in _EIGHT]
        runs = sum(
            here and not before for here, before in zip(around, around[-1:] + around[:-1], strict=True)
        )
        shared = sum(around[::2])
        # Neighbours in one run: the cell closes no hole and touches nothing by a corner alone.
        if runs != 1 or shared > 3 or rng.random() * max(welcome) > welcome[shared]:
            continue
        patch.add(cell)
        outline += 4 - 2 * shared
        frontier += [(cell[0] + dx, cell[1] + dy) for dx, dy in _EIGHT[::2]]
    return patch


def _outline(patch: set[Cell]) -> Array:
    """Corners (C, 2) of the patch's outline, counter-clockwise."""
    following: dict[Cell, Cell] = {}
    for x, y in patch:
        ring = ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1))
        beyond = ((x, y - 1), (x + 1, y), (x, y + 1), (x - 1, y))
        for index, neighbour in enumerate(beyond):
            if neighbour not in patch:
                following[ring[index]] = ring[(index + 1) % 4]
    walk = [min(following)]
    while (step := following[walk[-1]]) != walk[0]:
        walk.append(step)
    points = np.array(walk, dtype=np.float64)
    straight = np.roll(points, -1, axis=0) + np.roll(points, 1, axis=0) == 2 * points
    return points[~straight.all(axis=1)]


def _merge_kinks(rng: np.random.Generator, corners: Array, share: float) -> Array:
    """Replace some pairs of corners that turn to opposite sides by the point between them: a slanted road."""
    behind = corners - np.roll(corners, 1, axis=0)
    left = cross(behind, np.roll(corners, -1, axis=0) - corners) > 0
    merged: list[Array] = []
    index = 0
    while index < len(corners):
        kink = index + 1 < len(corners) and left[index] != left[index + 1]
        if kink and rng.random() < share:
            merged.append((corners[index] + corners[index + 1]) / 2)
            index += 2
        else:
            merged.append(corners[index])
            index += 1
    return np.array(merged)


def _start_on_longest_straight(corners: Array, radii: Array) -> tuple[Array, Array]:
    first = int(straight_lengths(corners, radii).argmax())
    return np.roll(corners, -first, axis=0), np.roll(radii, -first)


def _keeps_apart(center: Array, clearance: float) -> bool:
    """Whether parts of the closed centre line (N, 2) that are not on one bend keep the clearance [m]."""
    count = len(center)
    step = float(np.linalg.norm(np.diff(center, axis=0), axis=1).mean())
    # On a circle of this clearance as diameter, half the circle lies between the points opposite each other.
    nearest = math.ceil(math.pi / 2 * clearance / step)
    for offset in range(nearest, count // 2 + 1):
        distance = center - np.roll(center, -offset, axis=0)
        if (distance * distance).sum(axis=1).min() < (0.99 * clearance) ** 2:
            return False
    return True
