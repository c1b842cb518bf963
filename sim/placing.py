"""Where an episode's objects stand, and where its car can then start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .chassis import BODY_LENGTH, BODY_WIDTH
from .contact import collides
from .errors import SimError
from .lanes import pose_in_lane
from .objects import OBJECT_DTYPE, Kind
from .obstacles import CLEAR_START, INNER_LANE, OUTER_LANE, Bots, Obstacles, span
from .routes import Lines, Routes
from .start import start_pose

BOX_COLOUR: Final = (204, 164, 112)
"""Cardboard."""
BOT_COLOURS: Final = ((36, 84, 190), (222, 170, 30), (40, 140, 82), (200, 60, 120))
CAR_COLOURS: Final = ((226, 74, 51), (36, 84, 190), (222, 170, 30), (40, 140, 82))
"""Of the cars that race each other, in the order in which they are named."""
_DRAWN_LEVELS: Final = (30.0, 225.0)  # of random colours
CAR_HEIGHT: Final = 0.16
"""Height of a bot [m]."""
_BACK: Final = 0.1  # a start that is not free moves back by so much [m]
_MARGIN: Final = 0.06  # room between a car that is put down and an object; more than the buffer of boxes [m]


@dataclass(frozen=True, eq=False)
class Placement:
    """An episode's objects.

    Attributes:
        s: (M,) their places along the centre line [m].
        lane: (M,) 1 inner, -1 outer.
        objects: (M,) of `OBJECT_DTYPE`.
        seed: Of what bots decide on their way.
    """

    s: NDArray[np.float64]
    lane: NDArray[np.int64]
    objects: NDArray[np.void]
    seed: int


def draw_placement(
    setup: Obstacles | Bots,
    routes: Routes,
    lanes: Lines,
    route: int,
    start: float,
    rng: np.random.Generator,
    *,
    random_colours: bool,
) -> Placement:
    """Draw the objects of an episode.

    Places that are drawn are equally likely wherever they keep their distances, counted from the car's start
    on a loop, and from the beginning of an open road.

    Args:
        setup: What there is.
        routes: The world's routes.
        lanes: Their lanes.
        route: The car's route.
        start: Where the car starts, as a share of the lap.
        rng: The car's own generator.
        random_colours: Whether colours are drawn.
    """
    length, count = float(routes.length[route]), setup.count
    low, high = span(setup, length)
    alternating = np.resize([INNER_LANE, OUTER_LANE], count)
    if setup.positions is not None:
        s = np.array([share for share, _ in setup.positions]) * length
        lane = np.array([lane for _, lane in setup.positions])
    elif setup.randomize:
        slack = high - low - (count - 1) * setup.min_distance
        s = low + np.sort(rng.uniform(0.0, slack, count)) + setup.min_distance * np.arange(count)
        s = (s + start * length) % length if routes.is_loop[route] else s
        lane = rng.choice([INNER_LANE, OUTER_LANE], count)
    else:
        s, lane = np.linspace(low, high, count), alternating
    objects = np.zeros(count, OBJECT_DTYPE)
    for m in range(count):
        x, y, yaw = pose_in_lane(routes, lanes, route, float(s[m]), int(lane[m]))
        objects["x"][m], objects["y"][m], objects["yaw"][m] = x, y, yaw
    if isinstance(setup, Bots):
        objects["kind"], objects["speed"], objects["height"] = Kind.CAR, setup.speed, CAR_HEIGHT
        objects["half_length"], objects["half_width"] = BODY_LENGTH / 2, BODY_WIDTH / 2
        objects["color"] = np.resize(BOT_COLOURS, (count, 3))
    else:
        objects["kind"], objects["color"], objects["height"] = Kind.BOX, BOX_COLOUR, setup.size[2]
        objects["half_length"], objects["half_width"] = setup.size[0] / 2, setup.size[1] / 2
    if random_colours:
        objects["color"] = rng.uniform(*_DRAWN_LEVELS, (count, 3))
    return Placement(s, lane.astype(np.int64), objects, int(rng.integers(2**63)))


def rival_objects(others: NDArray[np.int64]) -> NDArray[np.void]:
    """Cars that race each other, as each of them sees the others; where they are is not set.

    Args:
        others: (N, N - 1) indices of the others, for each car.

    Returns:
        (N, N - 1) of `OBJECT_DTYPE`.
    """
    objects = np.zeros(others.shape, OBJECT_DTYPE)
    objects["kind"], objects["height"] = Kind.CAR, CAR_HEIGHT
    objects["half_length"], objects["half_width"] = BODY_LENGTH / 2, BODY_WIDTH / 2
    objects["color"] = np.array(CAR_COLOURS)[others % len(CAR_COLOURS)]
    return objects


def clear_pose(
    routes: Routes,
    lanes: Lines,
    route: int,
    share: float,
    pose: NDArray[np.float64],
    s: NDArray[np.float64],
    objects: NDArray[np.void],
    near: float = CLEAR_START,
) -> NDArray[np.float64]:
    """Where a car can be put down: `pose`, unless an object is near.

    Then it comes into the other lane than that of the nearest object, as in DeepRacer; and where that is not
    free either, as far back as it takes.

    Args:
        routes: The world's routes.
        lanes: Their lanes.
        route: The car's route.
        share: Where it is to be put, as a share of the lap.
        pose: (3,) x, y [m] and yaw [rad] of its base there.
        s: (M,) where the objects are along the centre line [m].
        objects: (M,) of `OBJECT_DTYPE`.
        near: An object is near if it is less far along the track [m].

    Raises:
        SimError: There is no free place on the whole lap.
    """
    length, loop = float(routes.length[route]), bool(routes.is_loop[route])
    at = share * length
    for _ in range(int(length / _BACK) + 1):
        gaps = s - at
        gaps = np.abs((gaps + length / 2) % length - length / 2 if loop else gaps)
        nearest = int(gaps.argmin())
        if gaps[nearest] < near:
            lane = -lane_of(routes, lanes, route, float(s[nearest]), objects[nearest])
            pose = pose_in_lane(routes, lanes, route, at, lane)
        elif at != share * length:
            pose = start_pose(routes, route, at / length)
        x, y, yaw = pose.tolist()
        if not collides(x, y, yaw, objects, _MARGIN):
            return pose
        at = (at - _BACK) % length if loop else max(at - _BACK, 0.0)
    raise SimError("the objects leave the car no place to start: give fewer of them, or a wider track")


def lane_of(routes: Routes, lanes: Lines, route: int, s: float, one: np.void) -> int:
    """The lane that an object is nearer to: 1 inner, -1 outer."""
    inner, outer = (pose_in_lane(routes, lanes, route, s, lane) for lane in (INNER_LANE, OUTER_LANE))
    place = np.array([one["x"], one["y"]])
    nearer = np.hypot(*(inner[:2] - place)) < np.hypot(*(outer[:2] - place))
    return INNER_LANE if nearer else OUTER_LANE
