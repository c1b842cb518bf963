"""Compiled loops of the renderer.

A frame's cost lies in three short loops over a row of samples: where does each look, fetch, blend. They are
apart because LLVM vectorises the first and the last only without the fetch between them, and only while every
integer stays 32 bits wide, which is why each result is cast. They are inlined because what LLVM finds out
about the arrays then serves all rows.

A row of a pinhole camera without roll is a straight, evenly spaced line on the ground and has one mip level;
`_straight_frame` relies on that. Any other row has a ray for each pixel and a level for each span of pixels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .atlas import ENTRIES, Atlas

SPAN = 16
"""Pixels that share a mip level where rows are not straight lines on the ground."""

# Rays that drop by less than this see sky. The others meet the ground within 330 m; the original's far plane
# is at 300 m.
_HORIZON = 0.0004
# Rows that drop by less than these are the mean of 4 or 2 samples, one above the other, because their pixels
# are long strips of ground; and a mip level serves pixels whose strip is at least this many of its texels
# wide (geometric mean). All three: best against exact frames for their cost.
_FOUR_SAMPLES, _TWO_SAMPLES = 0.1, 0.2
_TEXELS_IN_PIXEL = 2**-0.25
# A sample's patch of ground grows with drop^(-3/2): from one mip level to the next, from 1 sample to 2.
_NEXT_LEVEL = 2 ** (-2 / 3)
_TWICE_THE_SAMPLES = 2 ** (1 / 3)

_EVEN_BYTES = np.uint32(0x00FF00FF)
_LOW_HALF = np.uint32(0x0000FFFF)

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Words = NDArray[np.uint32]


class Optics(NamedTuple):
    """A camera as the loops need it.

    Attributes:
        straight: Whether it is a pinhole camera without roll of its own.
        focal: Focal length [pixels].
        corner: (2,) x and y of the centre of the whole frame's first pixel on the image plane [focals].
        top: Rows cut off above.
        mount: (5,) position [m], pitch and roll [rad].
        rays: (7, 3, rows, W) directions in the camera's own frame for 1, 2 and 4 samples of each pixel,
            scaled so that a pixel's patch of ground has the area (height / focal)^2 / drop^3, as those of a
            pinhole camera with x = 1 do. W is the number of columns, padded to whole spans.
        ramp: (columns,) columns in the whole frame.
    """

    straight: bool
    focal: float
    corner: Doubles
    top: int
    mount: Doubles
    rays: Floats
    ramp: Floats


class Row(NamedTuple):
    """What the loops hand on to each other for one row of samples.

    Attributes:
        places: (W,) indices into the atlas's entries.
        right: (W,) weight of the right column of texels / 256.
        upper: (W,) weight of the upper row of texels / 256.
        texels: (W,) four texels of 8 bits.
        drop: (W,) how much each ray drops.
        total: (channels, W) sum of the samples * 65536.
    """

    places: Words
    right: Words
    upper: Words
    texels: Words
    drop: Floats
    total: Words


@compiled
def render_frames(
    pose: Doubles,
    surface: NDArray[np.int64],
    view: Doubles,
    optics: Optics,
    atlas: Atlas,
    out: NDArray[np.uint8],
) -> bool:
    """Render N frames without regard to light and noise; see `Renderer.render`. `view` is (N, 7).

    Returns:
        False, with nothing rendered, if there is no such surface.
    """
    for i in range(surface.shape[0]):
        if not 0 <= surface[i] < atlas.counts.shape[0]:
            return False
    width = optics.rays.shape[3]
    row = Row(
        np.empty(width, np.uint32),
        np.empty(width, np.uint32),
        np.empty(width, np.uint32),
        np.empty(width, np.uint32),
        np.empty(width, np.float32),
        np.empty((out.shape[3], width), np.uint32),
    )
    for i in range(pose.shape[0]):
        if optics.straight and view[i, 2] == 0.0:
            _straight_frame(pose[i], surface[i], view[i], optics, atlas, row, out[i])
        else:
            _general_frame(pose[i], surface[i], view[i], optics, atlas, row, out[i])
    return True


@compiled
def _straight_frame(
    pose: Doubles, s: int, view: Doubles, optics: Optics, atlas: Atlas, row: Row, out: NDArray[np.uint8]
) -> None:
    rows, columns, channels = out.shape
    entries = np.int32(ENTRIES * channels)
    height, eye_x, eye_y = _eye(pose, view, optics.mount, atlas.origins[s])
    cp, sp = np.cos(optics.mount[3] + view[1]), np.sin(optics.mount[3] + view[1])
    cy, sy = np.cos(pose[2] + view[3]), np.sin(pose[2] + view[3])
    quads, levels, limits, scales = atlas.quads, atlas.levels, atlas.limits, atlas.scales
    places, right, upper, texels, _, total = row
    skies, num_levels, ramp = atlas.skies[s], atlas.counts[s], optics.ramp
    x_corner, y_corner = optics.corner
    pixel = 1 / optics.focal
    bound = _level_bound(height * pixel * scales[s, 0] / 256)
    for v in range(rows):
        y = y_corner + (optics.top + v) * pixel
        if sp + (y + 0.5 * pixel) * cp < _HORIZON:
            _fill(skies, out[v])
            continue
        power = _power(sp + y * cp)
        level = _level(bound, sp + y * cp, power, num_levels)
        first, strip = levels[s, level, 0], np.int32(levels[s, level, 1])
        limit_x, limit_y = limits[s, level, 0], limits[s, level, 1]
        scale = scales[s, level]
        total[:] = np.uint32(0)
        for k in range(1 << power):
            y_k = y + ((k + 0.5) / (1 << power) - 0.5) * pixel
            drop = sp + y_k * cp
            if drop < _HORIZON:
                for c in range(channels):
                    total[c] += skies[c]
                continue
            reach = height / drop * scale
            ahead, left, step = reach * (cp - y_k * sp), -reach * x_corner, reach * pixel
            x0 = np.float32(eye_x * scale + 128 + cy * ahead - sy * left)
            y0 = np.float32(eye_y * scale + 128 + sy * ahead + cy * left)
            step_x, step_y = np.float32(sy * step), np.float32(-cy * step)
            for u in range(columns):
                sample_x, sample_y = x0 + step_x * ramp[u], y0 + step_y * ramp[u]
                places[u], right[u], upper[u] = _address(sample_x, sample_y, limit_x, limit_y, strip, entries)
            for c in range(channels):
                _fetch(quads[first + ENTRIES * c :], places, texels, columns)
                _blend(texels, right, upper, total[c], columns)
        _store(total, power, out[v])


@compiled
def _general_frame(
    pose: Doubles, s: int, view: Doubles, optics: Optics, atlas: Atlas, row: Row, out: NDArray[np.uint8]
) -> None:
    rows, columns, channels = out.shape
    entries = np.int32(ENTRIES * channels)
    height, eye_x, eye_y = _eye(pose, view, optics.mount, atlas.origins[s])
    turn = _turn(optics.mount[4] + view[2], optics.mount[3] + view[1], pose[2] + view[3])
    xa, xb, xc = turn[0, 0], turn[0, 1], turn[0, 2]
    ya, yb, yc = turn[1, 0], turn[1, 1], turn[1, 2]
    da, db, dc = turn[2, 0], turn[2, 1], turn[2, 2]
    quads, levels, limits, scales = atlas.quads, atlas.levels, atlas.limits, atlas.scales
    places, right, upper, texels, drop, total = row
    skies, num_levels, rays = atlas.skies[s], atlas.counts[s], optics.rays
    bound = _level_bound(height / optics.focal * scales[s, 0] / 256)
    spans = rays.shape[3] // SPAN
    span_drops, span_levels = np.empty(spans, np.float32), np.empty(spans, np.int64)
    margin = SPAN / optics.focal  # more than the drop changes from the middle of a span to its end
    horizon = np.float32(_HORIZON)
    for v in range(rows):
        for j in range(spans):
            middle = rays[0, :, v, j * SPAN + SPAN // 2]
            span_drops[j] = da * middle[0] + db * middle[1] + dc * middle[2]
        least, most = span_drops.min(), span_drops.max()
        if most < -margin:
            _fill(skies, out[v])
            continue
        power = _power(least)
        for j in range(spans):
            span_levels[j] = _level(bound, span_drops[j], power, num_levels)
        total[:] = np.uint32(0)
        for k in range(1 << power):
            sample = rays[(1 << power) - 1 + k]
            ahead, aside, above = sample[0, v], sample[1, v], sample[2, v]
            for j in range(spans):
                level = span_levels[j]
                # Element by element: unpacking an array here would keep LLVM from vectorising the next loop.
                first, strip = np.uint32(levels[s, level, 0]), np.int32(levels[s, level, 1])
                limit_x, limit_y = limits[s, level, 0], limits[s, level, 1]
                scale = scales[s, level]
                x0, y0 = np.float32(eye_x * scale + 128), np.float32(eye_y * scale + 128)
                reach = np.float32(height * scale)
                for i in range(SPAN):
                    u = np.uint64(j * SPAN) + np.uint64(i)
                    d = da * ahead[u] + db * aside[u] + dc * above[u]
                    drop[u] = d
                    far = reach / (d if d > horizon else horizon)
                    x = x0 + far * (xa * ahead[u] + xb * aside[u] + xc * above[u])
                    y = y0 + far * (ya * ahead[u] + yb * aside[u] + yc * above[u])
                    place, right[u], upper[u] = _address(x, y, limit_x, limit_y, strip, entries)
                    places[u] = np.uint32(first + place)
            for c in range(channels):
                _fetch(quads[ENTRIES * c :], places, texels, columns)
                if least < margin:
                    _hide_sky(drop, skies[c] >> np.uint32(16), texels)
                _blend(texels, right, upper, total[c], columns)
        _store(total, power, out[v])


@compiled
def _eye(pose: Doubles, view: Doubles, mount: Doubles, origin: Doubles) -> tuple[float, float, float]:
    """Camera's height [m] and its place on the surface [m]."""
    cy, sy = np.cos(pose[2]), np.sin(pose[2])
    x = pose[0] + cy * mount[0] - sy * mount[1] - origin[0]
    y = pose[1] + sy * mount[0] + cy * mount[1] - origin[1]
    return max(mount[2] + view[0], 0.01), x, y


@compiled
def _turn(roll: float, pitch: float, yaw: float) -> Floats:
    """`camera.rotation` with the sign of the last row changed: to world x, world y and drop."""
    cr, sr, cp = np.cos(roll), np.sin(roll), np.cos(pitch)
    sp, cy, sy = np.sin(pitch), np.cos(yaw), np.sin(yaw)
    turn = np.empty((3, 3), np.float32)
    turn[0, 0], turn[0, 1], turn[0, 2] = cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr
    turn[1, 0], turn[1, 1], turn[1, 2] = sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr
    turn[2, 0], turn[2, 1], turn[2, 2] = sp, -cp * sr, -cp * cr
    return turn


@njit(inline="always")
def _power(drop: Any) -> int:
    """Samples of each pixel in a row, as a power of two."""
    return 2 if drop < _FOUR_SAMPLES else 1 if drop < _TWO_SAMPLES else 0


@compiled
def _level_bound(patch: float) -> float:
    """Drop below which level 1 serves; `patch` is how many texels wide a pixel is where the drop is 1."""
    return (patch / (2 * _TEXELS_IN_PIXEL)) ** (2 / 3)


@njit(inline="always")
def _level(bound: Any, drop: Any, power: int, num_levels: int) -> int:
    factor = 1.0 if power == 0 else _TWICE_THE_SAMPLES if power == 1 else _TWICE_THE_SAMPLES**2
    drop = max(drop, 0.01) * factor
    level = 0
    while level < num_levels - 1 and drop < bound:
        bound *= _NEXT_LEVEL
        level += 1
    return level


@njit(inline="always")
def _address(x: Any, y: Any, limit_x: Any, limit_y: Any, strip: Any, entries: Any) -> tuple[Any, Any, Any]:
    """Place among a level's entries of a point in 1/256 texels, weights of right column and upper row."""
    x = x if x > np.float32(0) else np.float32(0)  # in this form nan becomes 0: no pose leads astray
    y = y if y > np.float32(0) else np.float32(0)
    xi = np.int32(x if x < limit_x else limit_x)
    yi = np.int32(y if y < limit_y else limit_y)
    column = np.int32(np.int32(np.int32(xi >> 11) * strip) + np.int32(np.int32(xi >> 8) & np.int32(7)))
    place = np.uint32(np.int32(column + np.int32(np.int32(yi >> 8) * entries)))
    return place, np.uint32(xi & np.int32(255)), np.uint32(yi & np.int32(255))


@njit(inline="always")
def _fetch(quads: Words, places: Words, texels: Words, count: int) -> None:
    for u in range(count):
        texels[u] = quads[np.uint64(places[u])]  # unsigned: numba then does not look for negative indices


@njit(inline="always")
def _hide_sky(drop: Floats, sky: Any, texels: Words) -> None:
    """Put four texels of the sky's level where rays do not meet the ground."""
    four = np.uint32(sky * np.uint32(0x01010101))
    for u in range(texels.shape[0]):
        texels[u] = four if drop[u] < np.float32(_HORIZON) else texels[u]


@njit(inline="always")
def _blend(texels: Words, right: Words, upper: Words, total: Words, count: int) -> None:
    """Add bilinear samples, times 65536, to `total`."""
    eight = np.uint32(8)
    for u in range(count):
        # Two interpolations in y at once, one in each half; their sums cannot carry over.
        low = np.uint32(texels[u] & _EVEN_BYTES)
        high = np.uint32(np.uint32(texels[u] >> eight) & _EVEN_BYTES)
        both = np.uint32(np.uint32(low << eight) + np.uint32(np.uint32(high - low) * upper[u]))
        here = np.uint32(both & _LOW_HALF)
        there = np.uint32(both >> np.uint32(16))
        total[u] += np.uint32(np.uint32(here << eight) + np.uint32(np.uint32(there - here) * right[u]))


@njit(inline="always")
def _store(total: Words, power: int, out: NDArray[np.uint8]) -> None:
    """Round the mean of 2**power samples to a row of pixels (columns, channels)."""
    shift, half = np.uint32(16 + power), np.uint32(1 << (15 + power))
    if out.shape[1] == 1:
        for u in range(out.shape[0]):
            out[u, 0] = np.uint8(np.uint32(np.uint32(total[0, u] + half) >> shift))
    else:
        red, green, blue = total[0], total[1], total[2]
        for u in range(out.shape[0]):
            out[u, 0] = np.uint8(np.uint32(np.uint32(red[u] + half) >> shift))
            out[u, 1] = np.uint8(np.uint32(np.uint32(green[u] + half) >> shift))
            out[u, 2] = np.uint8(np.uint32(np.uint32(blue[u] + half) >> shift))


@njit(inline="always")
def _fill(skies: Words, out: NDArray[np.uint8]) -> None:
    for c in range(out.shape[1]):
        out[:, c] = np.uint8(skies[c] >> np.uint32(16))
