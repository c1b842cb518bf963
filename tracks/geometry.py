"""Polylines: nearest points, positions by arc length and crossings, vectorised over points."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Pairs of point and segment handled at once; bounds the memory of a projection (8 arrays of 8 bytes each).
_PAIRS_AT_ONCE = 1 << 18
# Curvature is the change of heading over this distance [m]: longer than the steps of the original tracks'
# files (0.1 to 0.3 m), shorter than the arc of a hairpin of 0.4 m radius (1.26 m).
_CURVATURE_WINDOW = 0.4


def cross(a: Array, b: Array) -> Array:
    """Z component of the cross product of vectors (..., 2): positive where `b` is left of `a`."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def signed_area(points: Array) -> float:
    """Area [m^2] inside the ring of points (N, 2), closed or not: positive if it runs counter-clockwise."""
    centred = points - points[0]  # keeps digits on tracks far from the origin
    return float(cross(centred, np.roll(centred, -1, axis=0)).sum()) / 2


class Polyline:
    """A chain of points (N, 2) [m]; repeated points are harmless, because they are left out of the segments.

    Projection and interpolation follow shapely's `project` and `interpolate`: the nearest point on the chain,
    the first one on ties.
    """

    def __init__(self, points: Array, closed: bool) -> None:
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        self.closed = closed
        self.stations: Array = np.concatenate(([0.0], np.cumsum(steps)))  # (N,) [m]: arc length at each point
        self.length = float(self.stations[-1])
        moves = steps > 0
        self._vertex = np.concatenate(([0], np.cumsum(moves)))  # which vertex of the segments each point is
        self._start = points[:-1][moves]
        self._end = points[1:][moves]
        self._station = self.stations[:-1][moves]
        self._size = steps[moves]
        self._along = (self._end - self._start) / self._size[:, None]

    def wrap(self, s: ArrayLike) -> Array:
        """Arc length [m] brought into [0, length): modulo on a closed chain, clamped on an open one."""
        s = np.asarray(s, dtype=np.float64)
        if not self.closed:
            return np.clip(s, 0.0, self.length)
        wrapped = np.mod(s, self.length)
        return np.where(wrapped >= self.length, 0.0, wrapped)  # mod of -1e-20 rounds up to the length

    def locate(self, s: ArrayLike) -> tuple[NDArray[np.intp], Array]:
        """Segment index and distance [m] along that segment, at arc length `s` [m]."""
        s = self.wrap(s)
        segment = np.searchsorted(self._station, s, side="right") - 1
        return segment, s - self._station[segment]

    def interpolate(self, s: ArrayLike) -> Array:
        """Points (..., 2) [m] at arc length `s` [m]."""
        segment, along = self.locate(s)
        return self._start[segment] + along[..., None] * self._along[segment]

    def direction(self, s: ArrayLike) -> Array:
        """Unit vectors (..., 2) of the segments at arc length `s` [m]; at a vertex, of the next."""
        return self._along[self.locate(s)[0]]

    def project(self, xy: ArrayLike) -> tuple[Array, Array]:
        """Arc length and signed distance (...) [m] of points (..., 2), positive left of the chain."""
        xy = np.asarray(xy, dtype=np.float64)
        points = xy.reshape(-1, 2)
        segment = np.empty(len(points), dtype=np.intp)
        stride = max(1, _PAIRS_AT_ONCE // len(self._size))
        for first in range(0, len(points), stride):
            segment[first : first + stride] = self._nearest_segment(points[first : first + stride])
        offset = points - self._start[segment]
        along = np.clip((offset * self._along[segment]).sum(axis=-1), 0.0, self._size[segment])
        at_end = along >= self._size[segment]
        # The end is taken as it stands in the file, so that a point on a vertex has distance 0 exactly.
        gap = np.where(
            at_end[:, None], points - self._end[segment], offset - along[:, None] * self._along[segment]
        )
        tangent = np.where(at_end[:, None], self._tangent[segment + 1], self._along[segment])
        tangent = np.where((along <= 0)[:, None], self._tangent[segment], tangent)
        s = self.wrap(self._station[segment] + along)
        side = np.where(cross(tangent, gap) < 0, -1.0, 1.0)
        d = side * np.linalg.norm(gap, axis=-1)
        return s.reshape(xy.shape[:-1]), d.reshape(xy.shape[:-1])

    def _nearest_segment(self, points: Array) -> NDArray[np.intp]:
        dx = points[:, :1] - self._start[:, 0]
        dy = points[:, 1:] - self._start[:, 1]
        along = dx * self._along[:, 0] + dy * self._along[:, 1]
        np.clip(along, 0.0, self._size, out=along)
        dx -= along * self._along[:, 0]
        dy -= along * self._along[:, 1]
        return np.argmin(dx * dx + dy * dy, axis=1)

    @cached_property
    def _tangent(self) -> Array:
        """Direction (M + 1, 2) at each vertex, half way between its segments: tells left from right there."""
        before = np.concatenate((self._along[-1:] if self.closed else self._along[:1], self._along))
        after = np.concatenate((self._along, self._along[:1] if self.closed else self._along[-1:]))
        return before + after

    @property
    def normals(self) -> Array:
        """Unit vectors (N, 2) to the left at each point, half way between those of its two segments."""
        along = self._tangent[self._vertex]
        left = np.stack((-along[:, 1], along[:, 0]), axis=-1)
        return left / np.linalg.norm(left, axis=1, keepdims=True)

    @cached_property
    def _turning(self) -> tuple[Array, Array]:
        """Arc length [m] and heading [rad, without jumps], three laps of it where the chain is closed."""
        heading = np.unwrap(np.arctan2(self._along[:, 1], self._along[:, 0]))
        middle = self._station + self._size / 2
        if not self.closed:
            return middle, heading
        lap = heading[-1] + np.angle(np.exp(1j * (heading[0] - heading[-1]))) - heading[0]
        s = np.concatenate([middle + k * self.length for k in (-1, 0, 1)])
        return s, np.concatenate([heading + k * lap for k in (-1, 0, 1)])

    def curvature(self, s: ArrayLike) -> Array:
        """Curvature [1/m] at arc length `s` [m], positive to the left.

        The change of heading from 0.2 m before to 0.2 m after, divided by that distance; the heading runs
        linearly between the segments' middles. Raw polylines turn at their vertices only, so a shorter look
        would see the steps and not the bend.
        """
        s = self.wrap(s)
        station, heading = self._turning
        before, after = s - _CURVATURE_WINDOW / 2, s + _CURVATURE_WINDOW / 2
        if not self.closed:
            before, after = np.maximum(before, 0.0), np.minimum(after, self.length)
        return (np.interp(after, station, heading) - np.interp(before, station, heading)) / (after - before)


def crossings(start: Array, end: Array) -> NDArray[np.intp]:
    """Pairs (K, 2) of segments that properly cross each other; segments that only touch do not.

    Args:
        start: One end of each segment (M, 2) [m].
        end: The other end (M, 2) [m].

    Returns:
        Indices of the two segments, the smaller one first.
    """
    low, high = np.minimum(start, end), np.maximum(start, end)
    stride = max(1, _PAIRS_AT_ONCE // len(start))
    found = []
    for first in range(0, len(start), stride):
        part, rest = slice(first, first + stride), slice(first, None)
        near = low[part, None, 0] <= high[rest, 0]
        near &= low[rest, 0] <= high[part, None, 0]
        near &= low[part, None, 1] <= high[rest, 1]
        near &= low[rest, 1] <= high[part, None, 1]
        found.append(np.argwhere(near) + first)
    pairs = np.concatenate(found)
    i, j = pairs[pairs[:, 0] < pairs[:, 1]].T
    splits_j = cross(end[i] - start[i], start[j] - start[i]) * cross(end[i] - start[i], end[j] - start[i]) < 0
    splits_i = cross(end[j] - start[j], start[i] - start[j]) * cross(end[j] - start[j], end[i] - start[j]) < 0
    return np.stack((i, j), axis=1)[splits_j & splits_i]
