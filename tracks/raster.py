"""Exact area coverage of triangles on a grid of texels, and the layers of a track's picture made of them."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .geometry import Polyline
from .style import Style
from .track import Track

Array = NDArray[np.float64]

_TILE = 512  # edge of the texture tile in texels: 2.5 m, so that its repetition does not show in a frame


def draw(
    track: Track, style: Style, origin: Array, texel: float, shape: tuple[int, int], num_levels: int
) -> tuple[NDArray[np.uint8], ...]:
    """Levels of the picture of a track; see `Surface`."""
    # The lines are drawn on both sides of the border and the road over them: what remains lies outside of it.
    layers = (
        np.concatenate([_stroke(border, 2 * style.border_width) for border in (track.inner, track.outer)]),
        _strip(track.inner, track.outer),
        _dashes(track, style),
    )
    cover = np.zeros((3, shape[0], shape[1] + 2), np.float32)
    for buffer, triangles in zip(cover, layers, strict=True):
        _accumulate(buffer, np.ascontiguousarray((triangles - origin) / texel))
    colours = np.array([style.field, style.border, style.road, style.centre], np.float32)
    textures = np.array([style.field_texture, 0.0, style.road_texture, 0.0], np.float32)
    base = np.empty((*shape, 3), np.uint8)
    _compose(cover, colours, textures, _texture_tile(), base)
    levels = [base]
    for _ in range(num_levels - 1):
        levels.append(_halve(levels[-1]))
    return tuple(levels)


def _strip(left: Array, right: Array) -> Array:
    """Triangles (T, 3, 2) between two chains of points (N, 2)."""
    first = np.stack((left[:-1], right[:-1], right[1:]), axis=1)
    second = np.stack((left[:-1], right[1:], left[1:]), axis=1)
    return np.concatenate((first, second))


def _stroke(points: Array, width: float) -> Array:
    """Triangles (T, 3, 2) of a line of a width [m] along a chain of points, with mitred joints."""
    points = points[np.concatenate(([True], (np.diff(points, axis=0) != 0).any(axis=1)))]
    if width == 0 or len(points) < 2:
        return np.empty((0, 3, 2))
    along = np.diff(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    closed = bool((points[0] == points[-1]).all())
    before = np.concatenate((along[-1:] if closed else along[:1], along))
    after = np.concatenate((along, along[:1] if closed else along[-1:]))
    normal = np.stack((-before[:, 1] - after[:, 1], before[:, 0] + after[:, 0]), axis=1)
    square = (normal**2).sum(axis=1, keepdims=True)  # 4 cos^2 of half the turn
    offset = normal * (width / np.maximum(square, 0.5))  # of length width / 2 / cos, limited at sharp corners
    return _strip(points + offset, points - offset)


def _dashes(track: Track, style: Style) -> Array:
    """Triangles of the centre line, its dashes spread evenly and symmetric about the first row.

    So they fit together at the end of a lap, and both driving directions have the same.
    """
    if style.gap == 0 or style.centre_width == 0:
        return _stroke(track.center, style.centre_width)
    line = Polyline(track.center, track.closed)
    count = max(1, round(line.length / (style.dash + style.gap)))
    half = 0.5 * line.length / count * style.dash / (style.dash + style.gap)
    stations = np.concatenate((line.stations[:-1] - line.length, line.stations))
    pieces = []
    for middle in np.linspace(0.0, line.length, count, endpoint=False):
        ends = np.array([middle - half, middle + half])
        if not track.closed:
            ends = np.maximum(ends, 0.0)
        inside = stations[(stations > ends[0]) & (stations < ends[1])]
        pieces.append(_stroke(line.interpolate(np.r_[ends[0], inside, ends[1]]), style.centre_width))
    return np.concatenate(pieces)


@functools.cache
def _texture_tile() -> NDArray[np.float32]:
    """Noise (_TILE, _TILE) of unit deviation, tileable, with as much detail at each scale as at any other.

    So no mip level looks bare, as it would with white noise.
    """
    spectrum = np.fft.fft2(np.random.default_rng(0).standard_normal((_TILE, _TILE)))
    cycles = np.fft.fftfreq(_TILE)
    frequency = np.hypot(cycles[:, None], cycles)
    frequency[0, 0] = np.inf  # no mean
    noise = np.fft.ifft2(spectrum / frequency).real
    return (noise / noise.std()).astype(np.float32)


def _halve(level: NDArray[np.uint8]) -> NDArray[np.uint8]:
    out = np.empty((level.shape[0] // 2, level.shape[1] // 2, 3), np.uint8)
    _mean_of_four(level, out)
    return out


@compiled
def _accumulate(cover: NDArray[np.float32], triangles: Array) -> None:
    """Add triangles, in texels, to `cover`, whose running sum along a row then is their area in each texel.

    The signed-area method of font rasterisers: an edge adds, in each row that it crosses, the area to its
    right. Every triangle counts as positive, so that triangles which share an edge add up without a seam.
    """
    for t in range(triangles.shape[0]):
        ax, ay = triangles[t, 0, 0], triangles[t, 0, 1]
        bx, by = triangles[t, 1, 0], triangles[t, 1, 1]
        cx, cy = triangles[t, 2, 0], triangles[t, 2, 1]
        sign = 1.0 if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0 else -1.0
        _edge(cover, ax, ay, bx, by, sign)
        _edge(cover, bx, by, cx, cy, sign)
        _edge(cover, cx, cy, ax, ay, sign)


@compiled
def _edge(cover: NDArray[np.float32], x0: float, y0: float, x1: float, y1: float, sign: float) -> None:
    if y0 == y1:
        return
    if y0 < y1:
        sign = -sign  # a counter-clockwise shape lies left of an edge that goes up: it ends there
    else:
        x0, y0, x1, y1 = x1, y1, x0, y0
    slope = (x1 - x0) / (y1 - y0)
    x = x0
    for row in range(int(y0), int(np.ceil(y1))):
        dy = min(row + 1.0, y1) - max(float(row), y0)
        x_next = x + slope * dy
        low, high = min(x, x_next), max(x, x_next)
        first, last = int(low), int(high)
        if first == last:
            share = 1.0 - (0.5 * (low + high) - first)
            cover[row, first] += sign * dy * share
            cover[row, first + 1] += sign * dy * (1.0 - share)
        else:
            # Area right of the edge in each texel that it crosses; `done` is what the texels so far hold.
            density = dy / (high - low)
            done = 0.0
            for column in range(first, last + 1):
                left, right = max(low, float(column)), min(high, column + 1.0)
                height = density * (right - left)
                before = density * (left - low)
                area = before + height * (column + 1.0 - 0.5 * (left + right))
                cover[row, column] += sign * (area - done)
                done = area
            cover[row, last + 1] += sign * (dy - done)
        x = x_next


@compiled
def _compose(
    cover: NDArray[np.float32],
    colours: NDArray[np.float32],
    textures: NDArray[np.float32],
    tile: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> None:
    """Sum up the coverages and lay border, road and centre line over the field, one after the other."""
    colour = np.empty(3, np.float32)
    area = np.empty(3, np.float32)
    for row in range(out.shape[0]):
        area[:] = 0.0
        for column in range(out.shape[1]):
            noise = tile[row % _TILE, column % _TILE]
            texture = textures[0] * noise
            colour[:] = colours[0]
            for layer in range(3):
                area[layer] += cover[layer, row, column]
                share = min(area[layer], np.float32(1.0))
                if share > np.float32(0.002):
                    for channel in range(3):
                        colour[channel] += share * (colours[layer + 1, channel] - colour[channel])
                    texture += share * (textures[layer + 1] * noise - texture)
            for channel in range(3):
                level = colour[channel] + texture + np.float32(0.5)
                out[row, column, channel] = np.uint8(min(max(level, np.float32(0.0)), np.float32(255.0)))


@compiled
def _mean_of_four(level: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            for channel in range(3):
                total = (
                    np.int32(level[2 * row, 2 * column, channel])
                    + np.int32(level[2 * row, 2 * column + 1, channel])
                    + np.int32(level[2 * row + 1, 2 * column, channel])
                    + np.int32(level[2 * row + 1, 2 * column + 1, channel])
                )
                out[row, column, channel] = (total + 2) >> 2
