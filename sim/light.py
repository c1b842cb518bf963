"""What light and sensor do to a frame: contrast, brightness and noise."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

_OFFSETS: Final = 1 << 16
_UNIT: Final = 24.0  # the tile holds standard deviations times this as int8, that is +-5.3 of them
_ONE: Final = 4096  # fixed point: a level is this much


@cache
def noise_tile(row_bytes: int) -> NDArray[np.int8]:
    """Normal noise of which any piece of `row_bytes` values can be cut at `_OFFSETS` places."""
    noise = np.random.default_rng(0).standard_normal(_OFFSETS + row_bytes)
    return np.clip(np.rint(noise * _UNIT), -127, 127).astype(np.int8)


@compiled
def expose(
    view: NDArray[np.float64], seed: NDArray[np.uint64], tile: NDArray[np.int8], frames: NDArray[np.uint8]
) -> None:
    """Change frames in place to gain * level + bias + noise, rounded and clipped.

    Args:
        view: (N, 7) in the order of `VIEW_DTYPE`.
        seed: (N,) of the noise.
        tile: As `noise_tile` makes it.
        frames: (N, rows, columns, channels).
    """
    for i in range(frames.shape[0]):
        gain, bias, noise = view[i, 4], view[i, 5], view[i, 6]
        if gain != 1.0 or bias != 0.0 or noise > 0.0:
            _expose_frame(gain, bias, noise, seed[i], tile, frames[i])


@compiled
def _expose_frame(
    gain: float, bias: float, noise: float, seed: int, tile: NDArray[np.int8], frame: NDArray[np.uint8]
) -> None:
    """Change one frame.

    The noise of a row is a piece of the tile, its place and sign drawn from seed and row by a counter-based
    generator (SplitMix64), so that it depends on nothing else.
    """
    rows, columns, channels = frame.shape
    flat = frame.reshape(rows, columns * channels)
    factor = np.int32(min(max(gain, 0.0), 500.0) * _ONE)
    offset = np.int32(min(max(bias, -1000.0), 1000.0) * _ONE + _ONE // 2)
    unit = min(max(noise, 0.0), 255.0) * _ONE / _UNIT
    for row in range(rows):
        bits = mix(np.uint64(seed) + np.uint64(row + 1) * np.uint64(0x9E3779B97F4A7C15))
        start = np.int64(bits % np.uint64(_OFFSETS))
        amount = np.int32(unit if bits >> np.uint64(63) else -unit)
        piece = tile[start : start + columns * channels]
        line = flat[row]
        for u in range(columns * channels):
            level = np.int32(np.int32(np.int32(line[u]) * factor) + np.int32(np.int32(piece[u]) * amount))
            level = np.int32(np.int32(level + offset) >> 12)
            line[u] = np.uint8(min(max(level, np.int32(0)), np.int32(255)))


@compiled
def mix(bits: np.uint64) -> np.uint64:
    """Finaliser of SplitMix64 (Steele, Lea, Flood, 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
