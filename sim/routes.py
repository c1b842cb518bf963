"""Routes: the ways round the tracks of a world, packed in flat arrays for the compiled kernels.

A route is one track driven in one direction. DeepRacer drives a track "reversed" by reversing the rows of its
file, so a reversed route has other waypoint indices, another start line neighbour and the same borders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks import Track
from hairpin.tracks.compiled import compiled

CENTER, INNER, OUTER = 0, 1, 2
_CHUNK = 8  # segments under one bounding circle: few enough to skip most of a line, many enough to be cheap


class Lines(NamedTuple):
    """The polylines of all routes, end to end; line `3 * route + (CENTER | INNER | OUTER)`."""

    start: NDArray[np.float64]  # (M, 2) first point of each segment [m]
    delta: NDArray[np.float64]  # (M, 2) segment vectors [m]
    length: NDArray[np.float64]  # (M,) segment lengths [m]
    measure: NDArray[np.float64]  # (M,) length of the line before each segment [m]
    circle: NDArray[np.float64]  # (K, 3) centre and radius of each chunk of segments [m]
    segments: NDArray[np.int64]  # (L, 2) first and last + 1 segment of each line
    chunks: NDArray[np.int64]  # (L,) first chunk of each line
    total: NDArray[np.float64]  # (L,) length of each line [m]


@dataclass(frozen=True, eq=False)
class Routes:
    """Every track in both directions; route `2 * track + reverse`.

    Attributes:
        tracks: One track per route, its rows in driving order.
        lines: The geometry for the kernels.
        reverse: (R,) whether the route runs against the rows of the track's file.
        is_loop: (R,) whether the route ends where it begins.
        is_ccw: (R,) whether the route runs counter-clockwise (open tracks count as such, as in DeepRacer).
        length: (R,) centre-line length [m].
        waypoints: Per route the list that reward functions see.
    """

    tracks: tuple[Track, ...]
    lines: Lines
    reverse: NDArray[np.bool_]
    is_loop: NDArray[np.bool_]
    is_ccw: NDArray[np.bool_]
    length: NDArray[np.float64]
    waypoints: tuple[list[tuple[float, float]], ...]


def make_routes(tracks: Sequence[Track]) -> Routes:
    """Pack `tracks`, each in both directions."""
    driven = [route for track in tracks for route in (track, track.reversed())]
    reverse = np.tile([False, True], len(tracks))
    forward_ccw = np.repeat([track.is_ccw or not track.closed for track in tracks], 2)
    return Routes(
        tracks=tuple(driven),
        lines=pack([line for route in driven for line in (route.center, route.inner, route.outer)]),
        reverse=reverse,
        is_loop=np.array([route.closed for route in driven]),
        is_ccw=forward_ccw ^ reverse,
        length=np.array([route.length for route in driven]),
        waypoints=tuple([(float(x), float(y)) for x, y in route.center] for route in driven),
    )


def pack(lines: Sequence[NDArray[np.float64]]) -> Lines:
    """Pack polylines (P, 2) [m] for the kernels."""
    starts, deltas, lengths, measures, circles = [], [], [], [], []
    segments, chunks, totals = [], [], []
    segment_count = chunk_count = 0
    for points in lines:
        delta = np.diff(points, axis=0)
        length = np.hypot(delta[:, 0], delta[:, 1])
        measure = np.concatenate([[0.0], np.cumsum(length)])
        starts.append(points[:-1])
        deltas.append(delta)
        lengths.append(length)
        measures.append(measure[:-1])
        totals.append(measure[-1])
        segments.append((segment_count, segment_count + len(delta)))
        chunks.append(chunk_count)
        for first in range(0, len(delta), _CHUNK):
            chunk = points[first : first + _CHUNK + 1]
            middle = (chunk.min(axis=0) + chunk.max(axis=0)) / 2
            circles.append((*middle, np.hypot(*(chunk - middle).T).max() + 1e-9))
            chunk_count += 1
        segment_count += len(delta)
    return Lines(
        start=np.concatenate(starts),
        delta=np.concatenate(deltas),
        length=np.concatenate(lengths),
        measure=np.concatenate(measures),
        circle=np.array(circles),
        segments=np.array(segments, dtype=np.int64),
        chunks=np.array(chunks, dtype=np.int64),
        total=np.array(totals),
    )


@compiled
def project(lines: Lines, line: int, x: float, y: float) -> tuple[float, float, float, float]:
    """The nearest point of a line, as shapely's `project` finds it: the first of equally near ones.

    Returns:
        Its distance along the line [m], its x and y [m], and its distance from (x, y) [m].
    """
    first, last = lines.segments[line]
    likely, least, chunk = first, np.inf, lines.chunks[line]
    for begin in range(first, last, _CHUNK):
        square = (x - lines.circle[chunk, 0]) ** 2 + (y - lines.circle[chunk, 1]) ** 2
        if square < least:
            likely, least = begin, square
        chunk += 1
    # What the nearest circle holds bounds the search, which then goes in order for the sake of equals.
    bound = _nearest_of(lines, likely, min(likely + _CHUNK, last), x, y, np.inf)[0]
    best, at, best_t = np.inf, first, 0.0
    chunk = lines.chunks[line]
    for begin in range(first, last, _CHUNK):
        reach = lines.circle[chunk, 2] + np.sqrt(min(best, bound))
        square = (x - lines.circle[chunk, 0]) ** 2 + (y - lines.circle[chunk, 1]) ** 2
        chunk += 1
        if square <= reach * reach:
            distance, k, t = _nearest_of(lines, begin, min(begin + _CHUNK, last), x, y, best)
            if distance < best:
                best, at, best_t = distance, k, t
    px, py = (
        lines.start[at, 0] + best_t * lines.delta[at, 0],
        lines.start[at, 1] + best_t * lines.delta[at, 1],
    )
    return lines.measure[at] + best_t * lines.length[at], px, py, np.sqrt(best)


@compiled
def _nearest_of(
    lines: Lines, begin: int, end: int, x: float, y: float, best: float
) -> tuple[float, int, float]:
    """Squared distance of the first segment that is nearer than `best`, its index, and the share of it."""
    at, share = begin, 0.0
    for k in range(begin, end):
        dx, dy = lines.delta[k, 0], lines.delta[k, 1]
        px, py = lines.start[k, 0], lines.start[k, 1]
        square = dx * dx + dy * dy
        t = 0.0 if square == 0.0 else ((x - px) * dx + (y - py) * dy) / square
        t = min(max(t, 0.0), 1.0)
        distance = (x - (px + t * dx)) ** 2 + (y - (py + t * dy)) ** 2
        if distance < best:
            best, at, share = distance, k, t
    return best, at, share


@compiled
def neighbours(lines: Lines, line: int, position: float) -> tuple[int, int]:
    """Waypoints before and after a normalised position: bisect_right over the waypoints' own positions.

    The last waypoint counts as 1; past it the next one is 0, before the first the previous one is the last.
    """
    first, last = lines.segments[line]
    low, high = 0, last - first + 1  # waypoints: one more than segments
    total = lines.total[line]
    while low < high:
        middle = (low + high) // 2
        at = 1.0 if middle == last - first else lines.measure[first + middle] / total
        if position < at:
            high = middle
        else:
            low = middle + 1
    count = last - first + 1
    return (low - 1 if low > 0 else count - 1), (low if low < count else 0)


@compiled
def on_road(lines: Lines, route: int, x: float, y: float) -> bool:
    """Whether a point lies between the borders."""
    return between(lines, 3 * route + INNER, 3 * route + OUTER, x, y)


@compiled
def between(lines: Lines, one: int, other: int, x: float, y: float) -> bool:
    """Whether a point lies between two lines of a route: inside exactly one of the two rings.

    The lines of an open track are joined at their ends, as the polygons of the original are.
    """
    inside = False
    for line in (one, other):
        first, last = lines.segments[line]
        chunk = lines.chunks[line]
        for begin in range(first, last, _CHUNK):
            radius = lines.circle[chunk, 2]
            above, right = y - lines.circle[chunk, 1], x - lines.circle[chunk, 0]
            chunk += 1
            if abs(above) > radius or right > radius:  # nothing in it lies to the right of the point
                continue
            for k in range(begin, min(begin + _CHUNK, last)):
                y0 = lines.start[k, 1]
                y1 = y0 + lines.delta[k, 1]
                if (y0 > y) != (y1 > y) and x < lines.start[k, 0] + lines.delta[k, 0] * (y - y0) / (y1 - y0):
                    inside = not inside
    for end in range(2):  # an open track's polygon runs along one line and back along the other
        x0, y0 = _end(lines, one, end)
        x1, y1 = _end(lines, other, end)
        if (y0 > y) != (y1 > y) and x < x0 + (x1 - x0) * (y - y0) / (y1 - y0):
            inside = not inside
    return inside


@compiled
def is_loop(lines: Lines, line: int) -> bool:
    """Whether a line ends where it begins."""
    return _end(lines, line, 0) == _end(lines, line, 1)


@compiled
def _end(lines: Lines, line: int, end: int) -> tuple[float, float]:
    first, last = lines.segments[line]
    if end == 0:
        return lines.start[first, 0], lines.start[first, 1]
    return lines.start[last - 1, 0] + lines.delta[last - 1, 0], lines.start[last - 1, 1] + lines.delta[
        last - 1, 1
    ]
