"""Surfaces packed for the renderer: all mip levels of all of them in one array, laid out for its loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled
from hairpin.tracks.surface import Surface

from .errors import SimError

_STRIP: Final = 8  # columns of a strip; `render_rows._address` relies on it
ENTRIES: Final = _STRIP + 1
"""Entries of a row and channel in a strip."""

_SIGNED: Final = np.uint16(0x8080)  # what takes 128 from both texels of an entry, as bytes with a sign


class Atlas(NamedTuple):
    """Packed surfaces; S surfaces of at most L levels.

    An entry holds two texels less 128, (x, y) and (x, y + 1), so that the two entries which begin at (x, y),
    read as one 32-bit number, hold the 2x2 texels of a bilinear sample. A level is cut in strips of 8
    columns, each stored row after row and channel after channel, with the next strip's first column repeated:
    whichever way a camera looks, neighbours on the ground are neighbours in memory, which costs 12 % of space
    and saves half of the cache misses. Each level is framed by one texel of the field's colour, which thereby
    goes on for ever. After its last strip there is one more row, of the sky's colour.

    Attributes:
        entries: (entries,) uint16: what the surfaces are painted into.
        quads: (entries - 1,) entry i and the one after it, as uint32; the same memory, overlapping.
        levels: (S, L, 3) int64: first entry, entries of a strip less 8, and how many come before the sky.
        limits: (S, L, 2) float32: largest x and y in 1/256 texels.
        scales: (S, L) float64: 1/256 texels in a metre.
        counts: (S,) int64: number of levels.
        origins: (S, 2) float64: world position of texel (0, 0)'s lower left corner [m].
        skies: (S, channels) uint32: levels of the sky times 65536.
    """

    entries: NDArray[np.uint16]
    quads: NDArray[np.uint32]
    levels: NDArray[np.int64]
    limits: NDArray[np.float32]
    scales: NDArray[np.float64]
    counts: NDArray[np.int64]
    origins: NDArray[np.float64]
    skies: NDArray[np.uint32]


def pack(surfaces: Sequence[Surface], channels: int) -> Atlas:
    """Pack surfaces for a camera with 1 (gray) or 3 (RGB) channels.

    Raises:
        SimError: If there is no surface, or they are too many for one atlas.
    """
    if not surfaces:
        raise SimError("no surface to render: give at least one")
    most = max(len(surface.levels) for surface in surfaces)
    levels = np.zeros((len(surfaces), most, 3), np.int64)
    limits = np.zeros((len(surfaces), most, 2), np.float32)
    scales = np.ones((len(surfaces), most))
    total = 0
    for s, surface in enumerate(surfaces):
        for k, level in enumerate(surface.levels):
            height, width = level.shape[0] + 1, level.shape[1] + 1  # places of a 2x2 window
            strip = height * channels * ENTRIES
            size = strip * -(-width // _STRIP)
            levels[s, k] = total, strip - _STRIP, size
            limits[s, k] = width * 256 - 1, height * 256 - 1
            scales[s, k] = 256 / (surface.texel * 2**k)
            total += size + channels * ENTRIES
    if total >= 1 << 32:
        raise SimError(f"{len(surfaces)} surfaces take {total / 2**29:.1f} GiB: use fewer or coarser ones")
    entries = np.empty(total + 2 - total % 2, np.uint16)  # not zeros: large empty arrays get huge pages
    entries[total:] = 0
    atlas = Atlas(
        entries=entries,
        quads=_overlapping(entries),
        levels=levels,
        limits=limits,
        scales=scales,
        counts=np.array([len(surface.levels) for surface in surfaces]),
        origins=np.array([surface.origin for surface in surfaces], dtype=np.float64),
        skies=np.zeros((len(surfaces), channels), np.uint32),
    )
    for s, surface in enumerate(surfaces):
        paint(atlas, s, surface)
    return atlas


def paint(atlas: Atlas, index: int, surface: Surface) -> None:
    """Paint a surface into its place in an atlas, which was made for one of the same size."""
    channels = atlas.skies.shape[1]
    outside = np.array(surface.style.field, np.uint8)
    sky = surface.style.sky if channels == 3 else (gray(*surface.style.sky),)
    for k, level in enumerate(surface.levels):
        first, _, size = atlas.levels[index, k].tolist()
        strips = -(-(level.shape[1] + 1) // _STRIP)
        planes = atlas.entries[first : first + size].reshape(strips, -1, channels, ENTRIES)
        _pack_level(level, outside, planes)
        above = atlas.entries[first + size : first + size + channels * ENTRIES].reshape(channels, ENTRIES)
        above[:] = (np.array(sky, np.uint16) * 0x0101 ^ _SIGNED)[:, None]
    atlas.skies[index] = np.array(sky, np.uint32) << np.uint32(16)


def _overlapping(entries: NDArray[np.uint16]) -> NDArray[np.uint32]:
    """View of every two neighbours as one number, unaligned."""
    return np.lib.stride_tricks.as_strided(
        entries.view(np.uint32), (len(entries) - 1,), (2,), writeable=False
    )


@compiled
def gray(red: int, green: int, blue: int) -> int:
    """Level of a gray camera; as the original simulator and the car make it from RGB."""
    return int(0.2989 * red + 0.5870 * green + 0.1140 * blue + 0.5)


@compiled
def _pack_level(level: NDArray[np.uint8], outside: NDArray[np.uint8], planes: NDArray[np.uint16]) -> None:
    """Write a level (H, W, 3) into the entries (strips, H + 1, channels, 9)."""
    strips, _, channels, _ = planes.shape
    height, width = level.shape[:2]
    rows = np.empty((2, channels, strips * _STRIP + 1), np.uint8)  # the framed level's rows y and y + 1
    for y in range(-1, height + 1):
        rows[0] = rows[1]
        for c in range(channels):
            rows[1, c] = gray(outside[0], outside[1], outside[2]) if channels == 1 else outside[c]
            if 0 <= y < height:
                for x in range(width):
                    texel = level[y, x]
                    rows[1, c, x + 1] = gray(texel[0], texel[1], texel[2]) if channels == 1 else texel[c]
            if y >= 0:
                low, high = rows[0, c], rows[1, c]
                for strip in range(strips):
                    for j in range(ENTRIES):
                        x = strip * _STRIP + j
                        planes[strip, y, c, j] = (np.uint16(low[x]) | np.uint16(high[x]) << 8) ^ _SIGNED
