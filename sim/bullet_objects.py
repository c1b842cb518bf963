"""Objects as bodies in the world of `Bullet`: those near the car that the one body plays."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .objects import CAR_INSET, Kind

NEAR: Final = 1.0
"""An object that is farther from a car than this is left out: none is reached within a control period [m]."""
_FRICTION: Final = 0.3  # of boxes and car bodies, on which a car's body slides

Size = tuple[float, float, float]


def add_objects(
    bullet: ModuleType,
    client: int,
    objects: NDArray[np.void],
    pose: NDArray[np.float64],
    start: NDArray[np.float64],
    car: int,
    wheels: tuple[int, ...],
    shapes: dict[Size, int],
) -> list[int]:
    """Make bodies for the objects near a car; nothing moves them.

    They are made for a control period and removed after it, since with bodies that stay PyBullet's solver
    does not repeat a motion to the last bit.

    Args:
        bullet: PyBullet.
        client: Its client.
        objects: (M,) of `OBJECT_DTYPE`.
        pose: (3,) x, y [m] and yaw [rad] of the car.
        start: (3,) the origin of the frame that it drives in.
        car: Its body.
        wheels: The links of it that do not feel them: it is the car's body that is stopped.
        shapes: The shapes that were made before, by half of their edges [m]; PyBullet keeps all it makes.

    Returns:
        The bodies.
    """
    bodies = []
    cos, sin = math.cos(start[2]), math.sin(start[2])
    for one in objects[np.hypot(objects["x"] - pose[0], objects["y"] - pose[1]) < NEAR]:
        inset = CAR_INSET if one["kind"] == Kind.CAR else 0.0
        half = (
            float(one["half_length"]) - inset,
            float(one["half_width"]) - inset,
            float(one["height"]) / 2,
        )
        dx, dy = float(one["x"] - start[0]), float(one["y"] - start[1])
        turn = float(one["yaw"] - start[2]) / 2
        if half not in shapes:
            shapes[half] = bullet.createCollisionShape(
                bullet.GEOM_BOX, halfExtents=half, physicsClientId=client
            )
        body = bullet.createMultiBody(
            0.0,
            shapes[half],
            basePosition=(cos * dx + sin * dy, cos * dy - sin * dx, half[2]),
            baseOrientation=(0.0, 0.0, math.sin(turn), math.cos(turn)),
            physicsClientId=client,
        )
        bullet.changeDynamics(body, -1, lateralFriction=_FRICTION, physicsClientId=client)
        for wheel in wheels:
            bullet.setCollisionFilterPair(car, body, wheel, -1, 0, physicsClientId=client)
        bodies.append(int(body))
    return bodies
