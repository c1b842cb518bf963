"""What is drawn for one car's episode: route, start, car, camera, light and delays."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import ROUND_ROBIN_ADVANCE, START_DIRECTIONS, WorldConfig
from .errors import SimError
from .latency import MOST_PERIODS
from .obstacles import Rivals
from .placing import Placement, clear_pose, draw_placement
from .randomize import draw, draw_car, draw_view, draw_whole
from .routes import Lines, Routes
from .start import start_pose


@dataclass(frozen=True)
class Start:
    """Where an episode begins; what is `None` is left to the world's configuration.

    Attributes:
        share: Place along the centre line, as a share of the lap.
        direction: "ccw" or "cw".
        offset: Place to the left of the centre line, as a share of half the width.

    Raises:
        SimError: A value is out of range.
    """

    share: float | None = None
    direction: str | None = None
    offset: float | None = None

    def __post_init__(self) -> None:
        share = self.share
        if share is not None and not (isinstance(share, Real) and 0.0 <= share < 1.0):
            raise SimError(f"start is {share!r}: give a share of the lap, from 0 up to but not 1")
        if self.direction is not None and self.direction not in START_DIRECTIONS:
            raise SimError(f"direction is {self.direction!r}: give one of {', '.join(START_DIRECTIONS)}")


def read_options(options: Mapping[str, Any] | None) -> Start:
    """The start that Gymnasium's reset options ask for.

    Args:
        options: `start` (share of the lap) and `direction`, each of which may be left out.

    Raises:
        SimError: An option is unknown or out of range.
    """
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise SimError(f"the reset options are {options!r}: give a dictionary, such as {{'start': 0.25}}")
    unknown = [name for name in options if name not in ("start", "direction")]
    if unknown:
        raise SimError(f"unknown reset option {unknown[0]!r}: there are 'start' and 'direction'")
    return Start(options.get("start"), options.get("direction"))


@dataclass(frozen=True, eq=False)
class Episode:
    """Everything random about one car's episode.

    Attributes:
        route: Index of the route.
        surface: Index of the surface.
        start: Share of the lap at which it begins.
        pose: (3,) x, y [m] and yaw [rad] of the car's base.
        car: (1,) of `CAR_DTYPE`.
        view: (1,) of `VIEW_DTYPE`.
        latency: Age of the pose that the camera shows [control periods].
        delay: How long a command waits [control periods].
        noise_seed: Of the noise in its frames.
        placement: The objects on its track, if it is not a time trial.
    """

    route: int
    surface: int
    start: float
    pose: NDArray[np.float64]
    car: NDArray[np.void]
    view: NDArray[np.void]
    latency: float
    delay: int
    noise_seed: int
    placement: Placement | None = None


def draw_episode(
    config: WorldConfig,
    routes: Routes,
    lanes: Lines,
    rng: np.random.Generator,
    start: Start,
    turn: float,
    nth: int = 0,
) -> Episode:
    """Draw one car's next episode.

    The order of the draws is what a seed means, so it stays as it is; track, direction and place are drawn
    even where they are given, so that all else is the same.

    Args:
        config: What the world is made of.
        routes: Its routes.
        lanes: Their lanes.
        rng: The car's own generator.
        start: What is asked for.
        turn: Start of a car that starts in turn: laps since the start line.
        nth: Which episode it is, for directions that alternate.
    """
    randomization = config.randomization
    track = int(rng.integers(len(config.tracks)))
    route = 2 * track + _draw_reverse(rng, routes, track, start.direction or config.direction, nth)
    surface = track * randomization.surfaces + int(rng.integers(randomization.surfaces))
    share = _draw_share(rng, config.start, start.share, turn)
    car, view = draw_car(rng, randomization), draw_view(rng, randomization)
    episode = Episode(
        route=route,
        surface=surface,
        start=share,
        car=car,
        view=view,
        latency=min(draw(rng, randomization.latency) * config.control_hz, MOST_PERIODS),
        delay=draw_whole(rng, randomization.action_delay),
        noise_seed=int(rng.integers(2**63, dtype=np.uint64)),
        pose=start_pose(
            routes,
            route,
            share,
            offset=_given_or(draw(rng, randomization.offset), start.offset),
            heading=draw(rng, randomization.heading),
        ),
    )
    if config.objects is None or isinstance(config.objects, Rivals):
        return episode
    random_colours = randomization.styles > 0
    placement = draw_placement(
        config.objects, routes, lanes, route, share, rng, random_colours=random_colours
    )
    pose = clear_pose(routes, lanes, route, share, episode.pose, placement.s, placement.objects)
    return dataclasses.replace(episode, placement=placement, pose=pose)


def turn_of(car: int, num_cars: int, episodes: int) -> float:
    """Where a car starts that starts in turn: the cars spread over the lap, each further every episode."""
    return car / num_cars + episodes * ROUND_ROBIN_ADVANCE


def _draw_reverse(
    rng: np.random.Generator, routes: Routes, track: int, direction: str | None, nth: int
) -> bool:
    coin = bool(rng.integers(2))
    if direction is None:
        return False
    if direction == "both":
        return coin
    if direction == "alternate":  # the first one in the order of the rows
        return nth % 2 == 1
    return bool(routes.is_ccw[2 * track]) != (direction == "ccw")


def _given_or(drawn: float, given: float | None) -> float:
    return drawn if given is None else given


def _draw_share(rng: np.random.Generator, how: str, given: float | None, turn: float) -> float:
    drawn = float(rng.uniform())
    if given is not None:
        return float(given)
    if how == "round_robin":
        return math.fmod(turn, 1.0)
    return drawn if how == "random" else 0.0
