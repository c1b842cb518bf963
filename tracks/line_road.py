"""A road as the solver of racing lines needs it: a smooth reference line, and the borders beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .geometry import Array
from .track import Track
from .validate import TrackError

_SAMPLE = 0.05  # of the centre line before it is smoothed [m]
_ROUGHNESS = 0.015  # that smoothing may move the centre line, root mean square [m]
_REACH = 4.0  # how far a border is looked for, as a multiple of the track's width


@dataclass(frozen=True, eq=False)
class Road:
    """Nodes along a reference line, which need not be the centre line; the last of a loop is the first.

    Attributes:
        closed: Whether it is a loop.
        s: (N,) along the reference line [m].
        xy: (N, 2) [m].
        heading: (N,) without jumps [rad].
        curvature: (N,) + = left [1/m].
        left: (N,) offset of the left border [m].
        right: (N,) offset of the right border [m], negative.
    """

    closed: bool
    s: Array
    xy: Array
    heading: Array
    curvature: Array
    left: Array
    right: Array


def make_road(track: Track, step: float) -> Road:
    """Lay nodes about `step` [m] apart along a track.

    Raises:
        TrackError: scipy is missing, or the smoothed line leaves the road.
    """
    try:
        from scipy.interpolate import splev, splprep
    except ImportError:
        raise TrackError("racing lines need scipy: pip install 'hairpin[train]'") from None

    count = max(16, round(track.length / _SAMPLE))
    stations = np.linspace(0.0, track.length, count + 1)
    points = track.to_world(stations)
    if track.closed:
        points[-1] = points[0]
    weight = np.full(len(points), 1.0 / _ROUGHNESS)
    spline, _ = splprep(points.T, w=weight, s=len(points), k=5, per=track.closed, quiet=2)
    fine = np.linspace(0.0, 1.0, 20 * count + 1)
    dense = np.stack(splev(fine, spline), axis=1)
    along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))))
    s = np.linspace(0.0, along[-1], max(16, round(along[-1] / step)) + 1)
    u = np.interp(s, along, fine)
    xy, first, second = (np.stack(splev(u, spline, der=k), axis=1) for k in range(3))
    size = np.linalg.norm(first, axis=1)
    heading = np.unwrap(np.arctan2(first[:, 1], first[:, 0]))
    curvature = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / size**3
    normal = np.stack((-first[:, 1], first[:, 0]), axis=1) / size[:, None]
    reach = _REACH * float(track.width(stations).max())
    borders = [track.inner, track.outer]
    if not track.closed:  # the road's two ends are no borders, and normals there may miss the last rows
        borders = [_longer(border, reach) for border in borders]
    offsets = np.stack([_offset(xy, normal, border, reach) for border in borders])
    left, right = offsets.max(axis=0), offsets.min(axis=0)
    if not (np.isfinite(offsets).all() and (left > 0).all() and (right < 0).all()):
        raise TrackError(f"{track.name}: its borders do not run along its centre line: no line can be drawn")
    return Road(track.closed, s, xy, heading, curvature, left, right)


def _offset(xy: Array, normal: Array, border: Array, reach: float) -> Array:
    """Offset (N,) [m] along the normals at which the border is met, the nearest one; NaN if it is not."""
    start, step = border[:-1], np.diff(border, axis=0)
    gap = start[None] - xy[:, None]
    slope = normal[:, None, 0] * step[None, :, 1] - normal[:, None, 1] * step[None, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = (gap[..., 0] * step[None, :, 1] - gap[..., 1] * step[None, :, 0]) / slope
        share = (gap[..., 0] * normal[:, None, 1] - gap[..., 1] * normal[:, None, 0]) / slope
    met = (share >= -1e-9) & (share <= 1 + 1e-9) & (np.abs(offset) <= reach)
    nearest = np.where(met, np.abs(offset), np.inf).argmin(axis=1)
    rows = np.arange(len(xy))
    return np.where(met[rows, nearest], offset[rows, nearest], np.nan)


def _longer(border: Array, by: float) -> Array:
    """A border with both its ends drawn out straight [m]."""
    ends = []
    for end, before in ((border[0], border[1]), (border[-1], border[-2])):
        out = end - before
        ends.append(end + by * out / max(float(np.linalg.norm(out)), 1e-9))
    return np.vstack((ends[0], border, ends[1]))
