"""Where rows of a pinhole camera without roll lie on the ground: each is a straight, evenly spaced line."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .render_rows import HORIZON, SAMPLES

_MARGIN = 64.0  # lines that stay this far inside need no check [1/256 texels]; more than floats can be off

Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Lines(NamedTuple):
    """The lines of one frame, one for each sample of its R rows.

    Attributes:
        scales: (R,) 1/256 texels in a metre, in the row's mip level.
        limits: (2, R) largest x and y there [1/256 texels].
        starts: (2, SAMPLES, R) x and y of column 0 [1/256 texels].
        steps: (2, SAMPLES, R) what they change by from column to column.
        seen: (SAMPLES, R) whether the sample sees ground.
        inside: (SAMPLES, R) whether all columns lie within the limits.
    """

    scales: Doubles
    limits: Floats
    starts: Floats
    steps: Floats
    seen: Flags
    inside: Flags


@compiled
def empty_lines(rows: int) -> Lines:
    """Memory for the lines of a frame."""
    return Lines(
        np.empty(rows),
        np.empty((2, rows), np.float32),
        np.empty((2, SAMPLES, rows), np.float32),
        np.empty((2, SAMPLES, rows), np.float32),
        np.empty((SAMPLES, rows), np.bool_),
        np.empty((SAMPLES, rows), np.bool_),
    )


@partial(compiled, error_model="numpy")
def find_lines(
    lines: Lines,
    k: int,
    rows: int,
    powers: Ints,
    pitch: tuple[float, float],
    yaw: tuple[float, float],
    eye: tuple[float, float, float],
    corner: tuple[float, float],
    pixel: float,
    top: int,
    ends: tuple[float, float],
) -> None:
    """Find the lines of one sample of each row.

    The loop does several rows at a time: every operand is simple enough for LLVM to see that.

    Args:
        lines: Written to; scales and limits are read.
        k: Which of the samples.
        rows: How many rows, from the top.
        powers: (R,) samples of the pixels of a row, as a power of two.
        pitch: Cosine and sine of the camera's.
        yaw: The same.
        eye: Its height and its place on the surface [m].
        corner: See `Optics`.
        pixel: Size of a pixel [focals].
        top: See `Optics`.
        ends: First and last column.
    """
    (cp, sp), (cy, sy), (height, eye_x, eye_y), (first, last) = pitch, yaw, eye, ends
    for v in range(rows):
        share = 1.0 if powers[v] == 0 else 0.5 if powers[v] == 1 else 0.25
        y_k = corner[1] + (top + v) * pixel + ((k + 0.5) * share - 0.5) * pixel
        drop = sp + y_k * cp
        scale = lines.scales[v]
        reach = height / drop * scale
        ahead, left, step = reach * (cp - y_k * sp), -reach * corner[0], reach * pixel
        x = eye_x * scale + 128 + cy * ahead - sy * left
        y = eye_y * scale + 128 + sy * ahead + cy * left
        step_x, step_y = sy * step, -cy * step
        lines.starts[0, k, v], lines.starts[1, k, v] = x, y
        lines.steps[0, k, v], lines.steps[1, k, v] = step_x, step_y
        lines.seen[k, v] = drop >= HORIZON
        x_0, x_1, y_0, y_1 = x + first * step_x, x + last * step_x, y + first * step_y, y + last * step_y
        lines.inside[k, v] = (
            (min(x_0, x_1, y_0, y_1) > _MARGIN)
            & (max(x_0, x_1) < lines.limits[0, v] - _MARGIN)
            & (max(y_0, y_1) < lines.limits[1, v] - _MARGIN)
        )
