"""What a critic may know that a policy never sees: the car's place, motion and nature, and the road ahead."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .physics import nominal_car
from .routes import CENTER
from .world import World

_AHEAD: Final = np.arange(0.0, 6.0, 0.4)  # where the road's curvature is looked up [m]
_STEP: Final = 0.05  # of the tables [m]
_WAVES: Final = np.arange(1, 7)  # of a lap: where on it, without a jump at the start line
_CAR: Final = ("friction", "speed_gain", "speed_tau", "steering_gain", "steering_tau", "steering_offset")
_SPREAD: Final = np.array([0.25, 0.1, 0.1, 0.1, 0.05, 0.03])  # of the car's parameters, roughly

SIZE: Final = 10 + 2 * len(_WAVES) + len(_AHEAD) + len(_CAR)
"""Numbers that describe one car."""


class TrackState:
    """Describes the cars of a world, every number of the order of one.

    Args:
        world: The cars.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        routes = world.routes
        counts = np.ceil(routes.length / _STEP).astype(np.int64)
        self._first = np.concatenate(([0], np.cumsum(counts)))
        self._count = counts
        at = [np.arange(n) * _STEP for n in counts]
        self._curvature = np.concatenate([t.curvature(s) for t, s in zip(routes.tracks, at, strict=True)])
        self._heading = np.concatenate([t.heading(s) for t, s in zip(routes.tracks, at, strict=True)])

    def of(self, which: NDArray[np.intp]) -> NDArray[np.float32]:
        """(K, SIZE) of some cars."""
        world = self._world
        place, route, velocity = world.places[which], world.route[which], world.velocity[which]
        s = place["position"] * world.routes.lines.total[3 * route + CENTER]
        turn = place["yaw"] - self._look_up(self._heading, route, s)
        offset = place["center_distance"] / (0.5 * place["width"]) * np.where(place["left"], 1.0, -1.0)
        lap = 2.0 * np.pi * place["position"][:, None] * _WAVES
        nominal = nominal_car(1)[0]
        car = np.stack([world.car[name][which] - nominal[name] for name in _CAR], axis=1) / _SPREAD
        own = np.column_stack(
            [
                offset,
                np.sin(turn),
                np.cos(turn),
                velocity / [4.0, 1.0, 5.0],
                world.command[which] / [0.5, 4.0],
                place["wheels_on"] / 4.0,
                np.where(world.routes.reverse[route], 1.0, -1.0),
            ]
        )
        ahead = self._look_up(self._curvature, route[:, None], s[:, None] + _AHEAD)
        return np.hstack([own, np.sin(lap), np.cos(lap), ahead, car]).astype(np.float32)

    def _look_up(
        self, table: NDArray[np.float64], route: NDArray[np.int64], s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Values of a table at places (...) [m] along routes; past an open road's end, those of its end."""
        index = (s / _STEP).astype(np.int64)
        last = self._count[route] - 1
        index = np.where(self._world.routes.is_loop[route], index % (last + 1), np.minimum(index, last))
        return table[self._first[route] + index]
