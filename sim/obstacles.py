"""What stands or drives on the track besides the car: how many, where, and how fast."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Final

from .errors import SimError

INNER_LANE: Final = 1
"""The lane between the centre line and the inner border; the lines' names are DeepRacer's."""
OUTER_LANE: Final = -1

CLEAR_START: Final = 1.0
"""A car starts in the other lane if an object is nearer than this along the track, as in DeepRacer [m]."""
_LAST: Final = 1.0  # no object in the last metre of the lap, as in DeepRacer [m]

Position = tuple[float, int]


@dataclass(frozen=True)
class Obstacles:
    """Boxes that stand in the lanes of a track, for object avoidance.

    Sources: aws-deepracer-community/deepracer-simapp, markov/agent_ctrl/obstacles_agent_ctrl.py and
    markov/track_geom/constants.py. The distance there is a share of the track by mistake; here it is metres.

    Attributes:
        count: How many; with `positions`, as many as these.
        positions: Per box its share of the lap from the start line on and its lane, 1 inner or -1 outer.
        randomize: Whether each episode draws other places and lanes; else the boxes stand at equal distances
            from the start line on, in alternating lanes, the first one in the inner lane.
        min_distance: Least distance between two boxes, and, where places are drawn, from the car's start to
            the first one [m].
        size: Length along the lane, width and height of a box [m].

    Raises:
        SimError: A value is out of range.
    """

    count: int = 4
    positions: tuple[Position, ...] | None = None
    randomize: bool = True
    min_distance: float = 2.0
    size: tuple[float, float, float] = (0.4, 0.3, 0.25)

    def __post_init__(self) -> None:
        if self.positions is not None:
            object.__setattr__(self, "positions", tuple(map(_position, _several(self.positions))))
            object.__setattr__(self, "count", len(self.positions or ()))
        _check("obstacles", self.count, self.min_distance)
        object.__setattr__(self, "size", _several(self.size))
        if len(self.size) != 3 or not all(isinstance(v, Real) and 0.01 <= v <= 2.0 for v in self.size):
            raise SimError(f"obstacle size is {self.size!r}: give length, width and height, 0.01 to 2 m")


@dataclass(frozen=True)
class Bots:
    """Slow cars that drive round the track, for the race against bots.

    They keep their speed whatever happens, and go from lane to lane on smooth curves, without dynamics.

    Attributes:
        count: How many.
        positions, randomize, min_distance: Where they start, as for `Obstacles`.
        speed: Along the centre line [m/s].
        lane_change: Shortest and longest time between two changes of lane [s]; `None`: each keeps its lane.
        lane_change_distance: Way that a change takes [m].

    Raises:
        SimError: A value is out of range.
    """

    count: int = 3
    positions: tuple[Position, ...] | None = None
    randomize: bool = True
    min_distance: float = 2.0
    speed: float = 0.2
    lane_change: tuple[float, float] | None = (3.0, 5.0)
    lane_change_distance: float = 1.0

    def __post_init__(self) -> None:
        if self.positions is not None:
            object.__setattr__(self, "positions", tuple(map(_position, _several(self.positions))))
            object.__setattr__(self, "count", len(self.positions or ()))
        _check("bots", self.count, self.min_distance)
        if not (isinstance(self.speed, Real) and 0.0 < self.speed <= 4.0):
            raise SimError(f"bots' speed is {self.speed!r}: give above 0 to 4 m/s")
        if self.lane_change is not None:
            object.__setattr__(self, "lane_change", _several(self.lane_change))
            times = self.lane_change
            fits = len(times) == 2 and all(isinstance(time, Real) for time in times)
            if not (fits and 0.0 <= times[0] <= times[1] <= 1000.0):
                raise SimError(f"bots' lane_change is {times!r}: give (shortest, longest) time [s], or None")
        if not (isinstance(self.lane_change_distance, Real) and 0.1 <= self.lane_change_distance <= 10.0):
            raise SimError(f"lane_change_distance is {self.lane_change_distance!r}: give 0.1 to 10 m")


@dataclass(frozen=True)
class Rivals:
    """The other cars of a race that all cars of a world drive together; see `head_to_head`.

    Attributes:
        count: How many others each car has: all cars of the world but one.
    """

    count: int


Setup = Obstacles | Bots | Rivals


def needed_length(setup: Obstacles | Bots) -> float:
    """Length of a track on which they fit [m]."""
    return 0.0 if setup.positions is not None else setup.count * setup.min_distance + _LAST


def span(setup: Obstacles | Bots, length: float) -> tuple[float, float]:
    """Where on a lap of a length the first and the last one may stand [m]."""
    return setup.min_distance, length - _LAST


def _check(name: str, count: Any, min_distance: Any) -> None:
    if not (isinstance(count, Integral) and not isinstance(count, bool) and 1 <= int(count) <= 64):
        raise SimError(f"{name} is {count!r}: give a whole number from 1 to 64")
    if not (isinstance(min_distance, Real) and 0.0 <= float(min_distance) <= 100.0):
        raise SimError(f"min_distance of {name} is {min_distance!r}: give 0 to 100 m")


def _several(given: Any) -> tuple[Any, ...]:
    """What was given, one or several."""
    return tuple(given) if isinstance(given, Iterable) else (given,)


def _position(given: Any) -> Position:
    fits = isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[0], Real)
    if not (fits and 0.0 <= given[0] < 1.0 and given[1] in (INNER_LANE, OUTER_LANE)):
        raise SimError(
            f"object position is {given!r}: give (share of the lap from 0 up to but not 1, "
            "lane 1 for inner or -1 for outer)"
        )
    return float(given[0]), int(given[1])
