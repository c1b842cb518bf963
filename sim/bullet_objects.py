"""Objects as bodies in the world of `Bullet`: those near the car that the one body plays."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .objects import CAR_INSET, Kind

NEAR: Final = 1.5
"""An object that is farther from a car than this is left out: none is reached within a control period [m]."""
_FRICTION: Final = 0.3  # of boxes and car bodies, on which a car's body slides
_AWAY: Final = (1000.0, 1000.0, 1.0)  # where bodies wait that no car is near [m]

Size = tuple[float, float, float]


class Bodies:
    """Bodies that objects are given as they are needed; they are moved, and nothing moves them.

    Args:
        bullet: PyBullet.
        client: Its client.
    """

    def __init__(self, bullet: ModuleType, client: int) -> None:
        self._bullet, self._client = bullet, client
        self._bodies: dict[Size, list[int]] = {}

    def lacking(self, objects: NDArray[np.void]) -> bool:
        """Whether there are fewer bodies than some objects (M,) need."""
        return any(count > len(self._bodies.get(size, ())) for size, count in _sizes(objects).items())

    def add(self, objects: NDArray[np.void], car: int, wheels: tuple[int, ...]) -> None:
        """Make bodies for some objects (M,), which the wheels of a car do not feel: its body stops it."""
        bullet, client = self._bullet, self._client
        for size, count in _sizes(objects).items():
            bodies = self._bodies.setdefault(size, [])
            shape = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=size, physicsClientId=client)
            while len(bodies) < count:
                body = bullet.createMultiBody(0.0, shape, basePosition=_AWAY, physicsClientId=client)
                bullet.changeDynamics(body, -1, lateralFriction=_FRICTION, physicsClientId=client)
                for wheel in wheels:
                    bullet.setCollisionFilterPair(car, body, wheel, -1, 0, physicsClientId=client)
                bodies.append(body)

    def put(self, objects: NDArray[np.void], pose: NDArray[np.float64], start: NDArray[np.float64]) -> None:
        """Put the bodies where objects near a car are.

        Args:
            objects: (M,) of `OBJECT_DTYPE`.
            pose: (3,) x, y [m] and yaw [rad] of the car.
            start: (3,) the origin of the frame that it drives in.
        """
        free = {size: iter(bodies) for size, bodies in self._bodies.items()}
        cos, sin = math.cos(start[2]), math.sin(start[2])
        for one in near(objects, pose):
            dx, dy = float(one["x"] - start[0]), float(one["y"] - start[1])
            place = (cos * dx + sin * dy, cos * dy - sin * dx, float(one["height"]) / 2)
            half = float(one["yaw"] - start[2]) / 2
            turn = (0.0, 0.0, math.sin(half), math.cos(half))
            body = next(free[_size(one)])
            self._bullet.resetBasePositionAndOrientation(body, place, turn, physicsClientId=self._client)


def near(objects: NDArray[np.void], pose: NDArray[np.float64]) -> NDArray[np.void]:
    """Those of some objects (M,) that are near a car's pose (3,)."""
    return objects[np.hypot(objects["x"] - pose[0], objects["y"] - pose[1]) < NEAR]


def _sizes(objects: NDArray[np.void]) -> dict[Size, int]:
    counts: dict[Size, int] = {}
    for one in objects:
        counts[_size(one)] = counts.get(_size(one), 0) + 1
    return counts


def _size(one: np.void) -> Size:
    inset = CAR_INSET if one["kind"] == Kind.CAR else 0.0
    return float(one["half_length"]) - inset, float(one["half_width"]) - inset, float(one["height"]) / 2
