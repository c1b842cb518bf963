"""A track: centre line and borders, and road coordinates along it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .geometry import Array, Polyline, signed_area
from .validate import TrackError as TrackError
from .validate import checked_waypoints, is_closed


@dataclass(frozen=True, eq=False)
class Track:
    """A road with a driving direction: from row 0 of its waypoints on, in row order.

    Road coordinates are (s, d): arc length `s` [m] along the raw centre line from row 0, and offset `d` [m]
    from it, positive to the left of travel. They agree with shapely's `project` and `interpolate`.

    Args:
        name: What the track is called in tables, logs and file names.
        waypoints: (N, 6) [m]: centre x, y, inner border x, y, outer border x, y, as in DeepRacer's files. The
            rows stay as they are, repeated points included, because users' reward functions refer to them by
            index. The first row repeated at the end makes a closed track.
        title: A few words for people.

    Raises:
        TrackError: If the rows are no road: wrong shape, not finite, borders crossed, no width, ...
    """

    name: str
    waypoints: Array = field(repr=False)
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "waypoints", checked_waypoints(self.waypoints))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what was given; what follows from it is cheaper to compute than to carry."""
        return Track, (self.name, self.waypoints, self.title)

    @property
    def center(self) -> Array:
        """Centre line (N, 2) [m]."""
        return self.waypoints[:, 0:2]

    @property
    def inner(self) -> Array:
        """Border (N, 2) [m] inside the loop, whichever way it is driven."""
        return self.waypoints[:, 2:4]

    @property
    def outer(self) -> Array:
        """Border (N, 2) [m] outside the loop, whichever way it is driven."""
        return self.waypoints[:, 4:6]

    @cached_property
    def closed(self) -> bool:
        """Whether the last row repeats the first."""
        return is_closed(self.waypoints)

    @cached_property
    def is_ccw(self) -> bool:
        """Whether the loop is driven counter-clockwise; on an open one, whether the inner border is left."""
        if self.closed:
            return signed_area(self.center) > 0
        return bool(self.to_road(self.inner[0])[1] > 0)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the waypoints' bytes, in hexadecimal: tells tracks apart whatever they are called."""
        return hashlib.sha256(self.waypoints.astype("<f8").tobytes()).hexdigest()

    @property
    def length(self) -> float:
        """Length [m] of the centre line."""
        return self._line.length

    @property
    def stations(self) -> Array:
        """Arc length (N,) [m] of each row's centre point."""
        return self._line.stations

    @cached_property
    def min_radius(self) -> float:
        """Radius [m] of the tightest bend of the centre line; infinite where it has none."""
        tightest = float(np.abs(self.curvature(np.arange(0.0, self.length, 0.02))).max())
        return 1 / tightest if tightest > 1e-6 else float("inf")

    def reversed(self) -> Track:
        """The same track driven the other way: rows in reverse order, the start line where it was."""
        return Track(self.name, self.waypoints[::-1], self.title)

    def to_road(self, xy: ArrayLike) -> tuple[Array, Array]:
        """Road coordinates of the points nearest to `xy` on the centre line.

        Args:
            xy: Points (..., 2) [m].

        Returns:
            `s` (...) in [0, length) [m], at most the length on an open track; `d` (...) [m], whose size
            is the distance to the centre line.
        """
        return self._line.project(xy)

    def to_world(self, s: ArrayLike, d: ArrayLike = 0.0) -> Array:
        """Points (..., 2) [m] at road coordinates `s` [m] and `d` [m].

        `s` wraps on a closed track and is clamped on an open one. Where `d` is less than the bend's radius,
        `to_road` leads back; beside a vertex of the centre line, to within the angle between its segments.
        """
        along = self._line.direction(s)
        left = np.stack((-along[..., 1], along[..., 0]), axis=-1)
        return self._line.interpolate(s) + np.asarray(d, dtype=np.float64)[..., None] * left

    def heading(self, s: ArrayLike) -> Array:
        """Direction of travel [rad] in (-pi, pi] at `s` [m]: that of the segment, to the next waypoint."""
        along = self._line.direction(s)
        return np.arctan2(along[..., 1], along[..., 0])

    def curvature(self, s: ArrayLike) -> Array:
        """Curvature [1/m] at `s` [m], positive in left bends, smoothed over 0.4 m of the raw centre line."""
        return self._line.curvature(s)

    def width(self, s: ArrayLike) -> Array:
        """Width [m] at `s` [m]: between the points of both borders that are nearest to the centre point."""
        center = self._line.interpolate(s)
        inner, outer = (line.interpolate(line.project(center)[0]) for line in self._borders)
        return np.linalg.norm(inner - outer, axis=-1)

    @cached_property
    def _line(self) -> Polyline:
        return Polyline(self.center, self.closed)

    @cached_property
    def _borders(self) -> tuple[Polyline, Polyline]:
        return Polyline(self.inner, self.closed), Polyline(self.outer, self.closed)
