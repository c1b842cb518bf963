"""Compiled loops of the renderer: which ground each block of 16 pixels sees, and from where.

A row of a pinhole camera without roll is a straight, evenly spaced line on the ground and has one mip level;
`_straight_frame` relies on that. Any other row has a ray for each pixel and a level for each block. What
happens to a pixel then is in `render_rows`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .atlas import Atlas
from .render_lines import Lines, empty_lines, find_lines
from .render_rows import HORIZON, SAMPLES, draw_row, place_line, place_rays
from .simd import LANES

# Rows that drop by less than these are the mean of 4 or 2 samples, one above the other, because their pixels
# are long strips of ground; and a mip level serves pixels whose strip is at least this many of its texels
# wide (geometric mean). All three: best against exact frames for their cost.
_FOUR_SAMPLES, _TWO_SAMPLES = 0.1, 0.2
_TEXELS_IN_PIXEL = 2**-0.25
_LEAST_DROP = 0.01  # what drops by less has the mip level of this

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Whole = NDArray[np.int64]
Words = NDArray[np.uint32]


class Optics(NamedTuple):
    """A camera as the loops need it; W is its number of columns, padded to whole blocks of 16.

    Attributes:
        straight: Whether it is a pinhole camera without roll of its own.
        focal: Focal length [pixels].
        corner: (2,) x and y of the centre of the whole frame's first pixel on the image plane [focals].
        top: Rows cut off above.
        mount: (5,) position [m], pitch and roll [rad].
        rays: (rows, 7, 3, W) directions in the camera's own frame for 1, 2 and 4 samples of each pixel,
            scaled so that a pixel's patch of ground has the area (height / focal)^2 / drop^3, as those of a
            pinhole camera with x = 1 do.
        boxes: (3, 3, rows * W / 16) of each block the ray in its middle, and the least and largest components
            of its rays.
        ramp: (W,) columns in the whole frame.
    """

    straight: bool
    focal: float
    corner: Doubles
    top: int
    mount: Doubles
    rays: Floats
    boxes: Floats
    ramp: Floats


class Levels(NamedTuple):
    """The mip levels of one surface, as one camera sees them.

    Attributes:
        words: (L, 3) uint32: as `Atlas.levels`.
        reals: (L, 5) float32: largest x and y, place and height of the camera [1/256 texels].
    """

    words: Words
    reals: Floats


class Scratch(NamedTuple):
    """Memory for one frame; B is the number of blocks.

    Attributes:
        drops: (B,) how much the ray in the middle of each block, or straight row, drops.
        powers: (B,) samples of its pixels, as a power of two.
        levels: (B,) its mip level.
        lines: Of straight rows.
        samples: (3, SAMPLES, W) as `place_line` writes them.
        line: (channels * W,) a row of pixels.
    """

    drops: Floats
    powers: Ints
    levels: Ints
    lines: Lines
    samples: Ints
    line: Bytes


@compiled
def render_frames(
    pose: Doubles, surface: Whole, view: Doubles, optics: Optics, atlas: Atlas, out: Bytes
) -> bool:
    """Render N frames without regard to light and noise; see `Renderer.render`. `view` is (N, 7).

    Returns:
        False, with nothing rendered, if there is no such surface.
    """
    for i in range(surface.shape[0]):
        if not 0 <= surface[i] < atlas.counts.shape[0]:
            return False
    _, rows, columns, channels = out.shape
    width = optics.ramp.shape[0]
    blocks = rows * (width // LANES)
    most = atlas.scales.shape[1]
    levels = Levels(np.empty((most, 3), np.uint32), np.empty((most, 5), np.float32))
    scratch = Scratch(
        np.empty(blocks, np.float32),
        np.empty(blocks, np.int32),
        np.empty(blocks, np.int32),
        empty_lines(rows),
        np.empty((3, SAMPLES, width), np.int32),
        np.empty(channels * width, np.uint8),
    )
    pixels = out.reshape(-1)
    for i in range(out.shape[0]):
        height, x, y = _eye(pose, surface[i], view, optics, atlas, i)
        _levels(atlas, surface[i], height, x, y, levels)
        if optics.straight and view[i, 2] == 0.0:
            _straight_frame(
                pose, surface[i], view, optics, atlas, levels, scratch, pixels, i, channels, columns
            )
        else:
            _general_frame(
                pose, surface[i], view, optics, atlas, levels, scratch, pixels, i, channels, columns
            )
    return True


@compiled
def _straight_frame(
    pose: Doubles,
    s: int,
    view: Doubles,
    optics: Optics,
    atlas: Atlas,
    ground: Levels,
    scratch: Scratch,
    pixels: Bytes,
    i: int,
    channels: int,
    columns: int,
) -> None:
    rows, width = optics.rays.shape[0], optics.ramp.shape[0]
    lines, samples, line = scratch.lines, scratch.samples, scratch.line
    drops, powers, levels = scratch.drops[:rows], scratch.powers[:rows], scratch.levels[:rows]
    eye = _eye(pose, s, view, optics, atlas, i)
    cp, sp = np.cos(optics.mount[3] + view[i, 1]), np.sin(optics.mount[3] + view[i, 1])
    yaw = np.cos(pose[i, 2] + view[i, 3]), np.sin(pose[i, 2] + view[i, 3])
    corner = optics.corner[0], optics.corner[1]
    pixel = 1 / optics.focal
    for v in range(rows):
        drops[v] = sp + (corner[1] + (optics.top + v) * pixel) * cp
        powers[v] = _power(drops[v])
    _choose_levels(drops, powers, levels, rows, eye[0] * pixel * atlas.scales[s, 0] / 256, atlas.counts[s])
    for v in range(rows):
        lines.scales[v] = atlas.scales[s, levels[v]]
        lines.limits[0, v], lines.limits[1, v] = ground.reals[levels[v], 0], ground.reals[levels[v], 1]
    ends = float(optics.ramp[0]), float(optics.ramp[width - 1])
    for k in range(SAMPLES):
        end = 0
        for v in range(rows):
            end = v + 1 if 1 << powers[v] > k else end
        find_lines(lines, k, end, powers, (cp, sp), yaw, eye, corner, pixel, optics.top, ends)
    sky = 0  # rows above the ground; the last one is drawn with care below, whatever it shows
    while sky < rows - 1 and drops[sky] + 0.6 * abs(cp) * pixel < HORIZON:
        sky += 1
    at, none = i * rows * columns * channels, np.int32(0)
    shade = s * channels
    draw_row(
        atlas.quads,
        samples,
        0,
        sky * columns,
        np.uint32(0),
        none,
        none,
        atlas.skies,
        shade,
        channels,
        pixels,
        at,
    )
    for v in range(sky, rows):
        power, (first, strip, _) = powers[v], ground.words[levels[v]]
        count = np.int32(0)
        for k in range(1 << power):
            if lines.seen[k, v]:
                place_line(
                    lines.starts[0, k, v],
                    lines.starts[1, k, v],
                    lines.steps[0, k, v],
                    lines.steps[1, k, v],
                    lines.limits[0, v],
                    lines.limits[1, v],
                    lines.inside[k, v],
                    strip,
                    channels,
                    optics.ramp,
                    samples,
                    np.int64(count),
                )
                count = np.int32(count + 1)
        at = (i * rows + v) * columns * channels
        aside = v == rows - 1 and columns < width  # the others' last block runs into rows still to be drawn
        to, start = (line, 0) if aside else (pixels, at)
        draw_row(atlas.quads, samples, 0, width, first, count, power, atlas.skies, shade, channels, to, start)
        if aside:
            pixels[at : at + columns * channels] = line[: columns * channels]


@compiled
def _general_frame(
    pose: Doubles,
    s: int,
    view: Doubles,
    optics: Optics,
    atlas: Atlas,
    ground: Levels,
    scratch: Scratch,
    pixels: Bytes,
    i: int,
    channels: int,
    columns: int,
) -> None:
    rows, width = optics.rays.shape[0], optics.ramp.shape[0]
    drops, powers, levels, _, samples, line = scratch
    height, _, _ = _eye(pose, s, view, optics, atlas, i)
    turn = _turn(optics.mount[4] + view[i, 2], optics.mount[3] + view[i, 1], pose[i, 2] + view[i, 3])
    blocks = width // LANES
    middle, low, high = optics.boxes
    _drop(turn, middle, middle, drops)
    for v in range(rows):  # one number of samples for a row, by its least drop
        least = drops[v * blocks]
        for n in range(v * blocks + 1, (v + 1) * blocks):
            least = min(least, drops[n])
        for n in range(v * blocks, (v + 1) * blocks):
            powers[n] = _power(least)
    patch = height / optics.focal * atlas.scales[s, 0] / 256
    _choose_levels(drops, powers, levels, rows * blocks, patch, atlas.counts[s])
    _drop(turn, low, high, drops)
    for n in range(rows * blocks):
        powers[n] = powers[n] if drops[n] >= np.float32(HORIZON) else np.int32(-1)
    for v in range(rows):
        row = v * blocks
        place_rays(
            ground.words,
            ground.reals,
            levels,
            powers,
            row,
            turn,
            optics.rays,
            v * 7 * 3 * width,
            channels,
            optics.ramp,
            samples,
        )
        at = (i * rows + v) * columns * channels
        aside = v == rows - 1 and columns < width  # the others' last block runs into rows still to be drawn
        to, start = (line, 0) if aside else (pixels, at)
        for n in range(blocks):
            power, begin = powers[row + n], n * LANES
            draw_row(
                atlas.quads,
                samples,
                begin,
                LANES,
                ground.words[levels[row + n], 0],
                np.int32(0 if power < 0 else 1 << power),
                max(power, np.int32(0)),
                atlas.skies,
                s * channels,
                channels,
                to,
                start + begin * channels,
            )
        if aside:
            pixels[at : at + columns * channels] = line[: columns * channels]


@compiled
def _eye(
    pose: Doubles, s: int, view: Doubles, optics: Optics, atlas: Atlas, i: int
) -> tuple[float, float, float]:
    """Camera's height [m] and its place on the surface [m]."""
    cy, sy = np.cos(pose[i, 2]), np.sin(pose[i, 2])
    ahead, left = optics.mount[0], optics.mount[1]
    x = pose[i, 0] + cy * ahead - sy * left - atlas.origins[s, 0]
    y = pose[i, 1] + sy * ahead + cy * left - atlas.origins[s, 1]
    height = optics.mount[2] + view[i, 0]
    return min(height if height > 0.01 else 0.01, 1e6), x, y  # a height that is no number is 0.01 too


@njit(inline="always")
def _levels(atlas: Any, s: Any, height: Any, x: Any, y: Any, levels: Any) -> None:
    for k in range(atlas.scales.shape[1]):
        scale = atlas.scales[s, k]
        levels.words[k, 0], levels.words[k, 1] = atlas.levels[s, k, 0], atlas.levels[s, k, 1]
        levels.words[k, 2] = atlas.levels[s, k, 2]
        levels.reals[k, 0], levels.reals[k, 1] = atlas.limits[s, k, 0], atlas.limits[s, k, 1]
        levels.reals[k, 2], levels.reals[k, 3] = x * scale + 128, y * scale + 128
        levels.reals[k, 4] = height * scale


@compiled
def _turn(roll: float, pitch: float, yaw: float) -> Floats:
    """`camera.rotation`, flat, with the sign of the last row changed: to world x, world y and drop."""
    cr, sr, cp = np.cos(roll), np.sin(roll), np.cos(pitch)
    sp, cy, sy = np.sin(pitch), np.cos(yaw), np.sin(yaw)
    turn = np.empty(9, np.float32)
    turn[0], turn[1], turn[2] = cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr
    turn[3], turn[4], turn[5] = sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr
    turn[6], turn[7], turn[8] = sp, -cp * sr, -cp * cr
    return turn


@compiled
def _drop(turn: Floats, low: Floats, high: Floats, drops: Floats) -> None:
    """The most that rays drop with components (3, B) from `low` to `high`."""
    a, b, c = turn[6], turn[7], turn[8]
    x, y, z = (high if a > 0 else low)[0], (high if b > 0 else low)[1], (high if c > 0 else low)[2]
    for n in range(drops.shape[0]):
        drops[n] = a * x[n] + b * y[n] + c * z[n]


@njit(inline="always")
def _power(drop: Any) -> Any:
    """Samples of a pixel, as a power of two."""
    return np.int32(2 if drop < np.float32(_FOUR_SAMPLES) else 1 if drop < np.float32(_TWO_SAMPLES) else 0)


@njit(inline="always")
def _choose_levels(drops: Any, powers: Any, levels: Any, count: Any, patch: Any, num_levels: Any) -> None:
    """Mip levels; `patch` is how many texels wide a pixel is where the drop is 1.

    A sample's patch of ground is patch * drop^(-3/2) texels wide, sqrt(samples) less if there are several,
    and the logarithm of its square is a float's exponent.
    """
    square = np.float32((patch / (2 * _TEXELS_IN_PIXEL)) ** 2)
    last, least = np.int32(num_levels - 1), np.float32(_LEAST_DROP)
    for n in range(count):
        drop = drops[n] if drops[n] > least else least
        bits = np.float32(square / (drop * drop * drop)).view(np.int32)
        level = np.int32(np.int32(np.int32(np.int32(bits >> 23) - np.int32(127 + powers[n])) >> 1) + 1)
        levels[n] = min(max(level, np.int32(0)), last)
