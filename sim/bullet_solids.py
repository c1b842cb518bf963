"""Objects as PyBullet draws them: bodies that are moved from frame to frame."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .objects import Kind
from .solids import parts_of

_AWAY: Final = (0.0, 0.0, -1000.0)  # where bodies wait that no frame shows [m]

Size = tuple[float, float, float]


class Solids:
    """The bodies of one of PyBullet's worlds, made as they are needed.

    Args:
        bullet: PyBullet.
        client: The world.
    """

    def __init__(self, bullet: Any, client: int) -> None:
        self._bullet, self._client = bullet, client
        self._bodies: dict[Size, list[int]] = {}

    def show(self, objects: NDArray[np.void]) -> None:
        """Show some objects (M,) of `OBJECT_DTYPE` and no others."""
        bullet, client = self._bullet, self._client
        used: dict[Size, int] = {}
        for one in objects:
            whole = np.array([one["half_length"], one["half_width"], one["height"]])
            cos, sin = math.cos(one["yaw"]), math.sin(one["yaw"])
            turn = (0.0, 0.0, math.sin(one["yaw"] / 2), math.cos(one["yaw"] / 2))
            for *bounds, colour in parts_of(Kind(int(one["kind"]))):
                low, high = np.array(bounds[::2]) * whole, np.array(bounds[1::2]) * whole
                x, y, z = (low + high) / 2
                place = (one["x"] + cos * x - sin * y, one["y"] + sin * x + cos * y, z)
                body = self._body(tuple(np.round((high - low) / 2, 9).tolist()), used)
                bullet.resetBasePositionAndOrientation(body, place, turn, physicsClientId=client)
                rgba = [*(np.array(one["color"] if colour is None else colour) / 255.0), 1.0]
                bullet.changeVisualShape(body, -1, rgbaColor=rgba, physicsClientId=client)
        for size, bodies in self._bodies.items():
            for body in bodies[used.get(size, 0) :]:
                bullet.resetBasePositionAndOrientation(body, _AWAY, (0, 0, 0, 1), physicsClientId=client)

    def _body(self, size: Size, used: dict[Size, int]) -> int:
        """A body of a size [half of each edge, m] that is not used yet."""
        bodies = self._bodies.setdefault(size, [])
        used[size] = used.get(size, 0) + 1
        if used[size] > len(bodies):
            shape = self._bullet.createVisualShape(
                self._bullet.GEOM_BOX, halfExtents=size, physicsClientId=self._client
            )
            body = self._bullet.createMultiBody(baseVisualShapeIndex=shape, physicsClientId=self._client)
            bodies.append(int(body))
        return bodies[used[size] - 1]
