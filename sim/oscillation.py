"""How much a policy swings the steering wheel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STRAIGHT: Final = 0.2
"""The centre line is straight where its curvature is below this [1/m]: bends of more than 5 m radius."""
CUTOFF: Final = 2.0
"""Steering faster than this follows no road; a driver's is below it [Hz]."""
WINDOW: Final = 1.0
"""Length of the pieces that spectra are taken of [s]."""


def mean_change(steering: Sequence[Array]) -> float:
    """Mean absolute change of the steering command from one step to the next.

    Args:
        steering: Commands of each trial, (T,) [deg].

    Returns:
        The mean over all steps of all trials [deg]; 0 where there are not two steps.
    """
    changes = np.concatenate([np.zeros(0), *(np.abs(np.diff(angles)) for angles in steering)])
    return float(changes.mean()) if len(changes) else 0.0


def fast_power(steering: Sequence[Array], curvature: Sequence[Array], rate: float) -> float | None:
    """Power of the steering command above `CUTOFF` on straights, by Welch's method.

    The pieces are `WINDOW` seconds of a trial in which the road is straight throughout; they overlap by half.
    Of each the mean is taken off, a Hann window laid over it and the periodogram taken, scaled so that the
    power of all its frequencies is the variance of the piece.

    Args:
        steering: Commands of each trial, (T,) [deg].
        curvature: Of the centre line where the car was, (T,) [1/m].
        rate: Steps per second [Hz].

    Returns:
        The mean over all pieces [deg^2]; `None` where no trial was on a straight for so long.
    """
    size = max(2, round(WINDOW * rate))
    pieces = [piece for pair in zip(steering, curvature, strict=True) for piece in _pieces(*pair, size)]
    if not pieces:
        return None
    values = np.array(pieces)
    window = np.hanning(size + 2)[1:-1]
    spectrum = np.abs(np.fft.rfft((values - values.mean(axis=1, keepdims=True)) * window)) ** 2
    spectrum[:, 1 : (size + 1) // 2] *= 2  # the negative frequencies
    power = spectrum / (size * (window**2).sum())
    return float(power[:, np.fft.rfftfreq(size, 1 / rate) > CUTOFF].sum(axis=1).mean())


def _pieces(steering: Array, curvature: Array, size: int) -> list[Array]:
    """Pieces (size,) of the steering on straights, overlapping by half."""
    straight = np.abs(curvature) < STRAIGHT
    edges = np.flatnonzero(np.diff(np.concatenate([[False], straight, [False]])))
    return [
        steering[first : first + size]
        for begin, end in edges.reshape(-1, 2).tolist()
        for first in range(begin, end - size + 1, size // 2)
    ]
