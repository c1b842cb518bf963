"""Roads that widen and narrow along the lap, as far as bends and neighbours leave room."""

from __future__ import annotations

import numpy as np

from .drawing import INNER_RADIUS
from .geometry import Array

_WAVES = 4  # of the width along a lap, at most
_SLOPE = 0.5  # most change of the width per length: steeper borders would fold at the ends of tight bends
_SMOOTH = 0.45  # [m] along which a border turns where a limit begins


def widened(rows: Array, width: float, widening: float, gap: float, rng: np.random.Generator) -> Array:
    """Give a closed road of constant width one that varies.

    Args:
        rows: (N, 6) [m] waypoints, the first row repeated at the end.
        width: Of the road [m], from now on that of its narrowest places.
        widening: How much wider it may get [m]; at one place it does, where nothing stands against it.
        gap: Ground [m] that is kept between parts of the road that pass each other.
        rng: What the widths are drawn from.

    Returns:
        The same centre line (N, 6) [m] with other borders.
    """
    center = rows[:-1, :2]
    step = float(np.linalg.norm(np.diff(rows[:, :2], axis=0), axis=1).mean())
    widths = width + widening * _wave(rng, len(center))
    widths = np.minimum(widths, np.maximum(_room(center, step, width + widening, gap), width))
    for _ in range(2):  # there and back again, over the start line
        for order in (1, -1):
            widths = _no_steeper(widths[::order], _SLOPE * step)[::order]
    widths = _smoothed(widths, max(1, round(_SMOOTH / step)))
    share = (widths / width)[:, None]
    borders = [center + share * (rows[:-1, k : k + 2] - center) for k in (2, 4)]
    varied = np.concatenate((center, *borders), axis=1)
    return np.concatenate((varied, varied[:1]))


def _wave(rng: np.random.Generator, count: int) -> Array:
    """(count,) random numbers that vary smoothly round a lap, from 0 to 1."""
    turn = 2 * np.pi * np.arange(count) / count
    wave = sum(rng.normal() * np.cos(k * turn + rng.uniform(0, 2 * np.pi)) for k in range(1, _WAVES + 1))
    return np.asarray((wave - np.min(wave)) / np.ptp(wave))


def _room(center: Array, step: float, most: float, gap: float) -> Array:
    """(N,) [m] how wide the road can be at each point of the closed centre line (N, 2)."""
    ahead = np.roll(center, -1, axis=0) - center
    heading = np.arctan2(ahead[:, 1], ahead[:, 0])
    turn = np.abs((np.diff(heading, prepend=heading[-1:]) + np.pi) % (2 * np.pi) - np.pi)
    room = 2 * (step / np.maximum(turn, 1e-9) - INNER_RADIUS)
    # Points further apart along the road than half a circle of the clearance are not on one bend.
    nearest = int(np.ceil(np.pi / 2 * (most + gap) / step))
    for offset in range(nearest, len(center) - nearest + 1):
        room = np.minimum(room, np.linalg.norm(center - np.roll(center, -offset, axis=0), axis=1) - gap)
    return np.asarray(room)


def _no_steeper(widths: Array, most: float) -> Array:
    """Widths (N,) lowered so that none exceeds the one before by more than `most`, going round."""
    lowered = widths.copy()
    for i in range(len(widths)):
        lowered[i] = min(lowered[i], lowered[i - 1] + most)
    return lowered


def _smoothed(widths: Array, reach: int) -> Array:
    """(N,) widths, none larger than before, without sharp corners in the borders.

    The least width within reach, averaged over as many places, exceeds it nowhere.
    """
    around = [np.roll(widths, k) for k in range(-reach, reach + 1)]
    least = np.min(around, axis=0)
    return np.asarray(np.mean([np.roll(least, k) for k in range(-reach, reach + 1)], axis=0))
