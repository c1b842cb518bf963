"""A driver that knows the truth, and small worlds for it: what the tests of the simulator share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import ContinuousActions, ObservationSpec
from hairpin.sim import World, make_config
from hairpin.sim.chassis import WHEELBASE
from hairpin.sim.world import Step

TINY = ObservationSpec(width=32, height=24)
TINY_RGB = ObservationSpec(width=32, height=24, channels=3)
CONTINUOUS = ContinuousActions((-30.0, 0.5), (30.0, 2.0))


def tiny_world(num_cars: int = 1, seed: int = 0, **settings: Any) -> World:
    """A world that is reset, with frames that cost next to nothing."""
    settings = {"track": "oval", "reward": None, "observation": TINY, "start": "line"} | settings
    generators = [np.random.default_rng(seed + i) for i in range(num_cars)]
    world = World(make_config(**settings), num_cars, generators)
    world.reset(np.arange(num_cars))
    return world


def pursue(world: World, speed: float = 1.5, ahead: float = 0.5) -> NDArray[np.float64]:
    """Commands (N, 2) [rad, m/s] that follow the centre line: pure pursuit of a point ahead [m]."""
    commands = np.empty((world.num_cars, 2))
    for i, (place, pose) in enumerate(zip(world.places, world.pose, strict=True)):
        track = world.routes.tracks[world.route[i]]
        dx, dy = track.to_world(place["position"] * track.length + ahead) - pose[:2]
        angle = np.arctan2(dy, dx) - pose[2]
        commands[i] = np.arctan2(2 * WHEELBASE * np.sin(angle), np.hypot(dx, dy)), speed
    return commands


def drive_until_over(
    world: World, driver: Callable[[World], NDArray[np.float64]], limit: int = 1000
) -> list[Step]:
    """Drive a world of one car to the end of its episode."""
    steps = []
    for _ in range(limit):
        steps.append(world.drive(driver(world)))
        if steps[-1].terminated[0] or steps[-1].truncated[0]:
            return steps
    raise AssertionError(f"the episode did not end in {limit} steps")


def constant(steering: float, speed: float) -> Callable[[World], NDArray[np.float64]]:
    """A driver that always says the same [rad, m/s]."""
    return lambda world: np.full((world.num_cars, 2), (steering, speed))


def place_on(world: World, share: float, left: float = 0.0, heading: float = 0.0, car: int = 0) -> None:
    """Put a car's base somewhere on its route; what is left of the line is [m]."""
    track = world.routes.tracks[world.route[car]]
    s = share * track.length
    pose = np.array([[*track.to_world(s, left), float(track.heading(s)) + heading]])
    world._put(np.array([car]), pose)
