"""Rectangles that touch: the rule for crashes, and what contact does to a car without rigid bodies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .chassis import BODY_CORNERS, BODY_LENGTH, BODY_WIDTH
from .objects import BOX_BUFFER, CAR_INSET, Kind

_BOX = int(Kind.BOX)


@compiled
def touched(pose: NDArray[np.float64], objects: NDArray[np.void], hits: NDArray[np.bool_]) -> None:
    """Which objects each car touches.

    For boxes DeepRacer's rule: a corner of the car's rectangle lies within theirs, which is `BOX_BUFFER`
    larger to each side. For other cars it is that the rectangles overlap: by that rule a car whose front
    meets another one's corner would not have crashed, and could push it for ever.

    Args:
        pose: (N, 3) x, y [m] and yaw [rad] of the cars' bases.
        objects: (N, M) of `OBJECT_DTYPE`.
        hits: (N, M) to write to.
    """
    for i in range(objects.shape[0]):
        cos, sin = math.cos(pose[i, 2]), math.sin(pose[i, 2])
        for m in range(objects.shape[1]):
            one = objects[i, m]
            if one.kind != _BOX:
                hits[i, m] = overlap(pose[i, 0], pose[i, 1], pose[i, 2], one, 0.0)[0] > 0.0
                continue
            c, s = math.cos(one.yaw), math.sin(one.yaw)
            hits[i, m] = False
            for k in range(4):
                dx = pose[i, 0] + cos * BODY_CORNERS[k, 0] - sin * BODY_CORNERS[k, 1] - one.x
                dy = pose[i, 1] + sin * BODY_CORNERS[k, 0] + cos * BODY_CORNERS[k, 1] - one.y
                along, across = abs(c * dx + s * dy), abs(c * dy - s * dx)
                if along < one.half_length + BOX_BUFFER and across < one.half_width + BOX_BUFFER:
                    hits[i, m] = True


@compiled
def collides(x: float, y: float, yaw: float, objects: NDArray[np.void], margin: float) -> bool:
    """Whether a car at a pose overlaps one of some objects (M,), or would with `margin` [m] around them."""
    for m in range(objects.shape[0]):  # noqa: SIM110 (numba knows no any)
        if overlap(x, y, yaw, objects[m], margin)[0] > 0.0:
            return True
    return False


@compiled
def overlap(x: Any, y: Any, yaw: Any, one: Any, margin: Any) -> Any:
    """How far a car's rectangle reaches into an object's, by separating axes.

    Returns:
        The depth [m], not above 0 if they are apart, and the direction (x, y) in which the car gets out.
    """
    dx, dy = x - one.x, y - one.y
    long, wide = one.half_length + margin, one.half_width + margin
    reach = math.hypot(long, wide) + math.hypot(BODY_LENGTH, BODY_WIDTH) / 2
    if dx * dx + dy * dy > reach * reach:
        return -1.0, 0.0, 0.0
    cos, sin = abs(math.cos(yaw - one.yaw)), abs(math.sin(yaw - one.yaw))
    half, side = BODY_LENGTH / 2, BODY_WIDTH / 2
    depth, nx, ny = np.inf, 0.0, 0.0
    for axis in range(4):
        angle = (one.yaw if axis < 2 else yaw) + (axis % 2) * math.pi / 2
        ux, uy = math.cos(angle), math.sin(angle)
        gap = dx * ux + dy * uy
        if axis == 0:
            room = long + cos * half + sin * side
        elif axis == 1:
            room = wide + sin * half + cos * side
        elif axis == 2:
            room = half + cos * long + sin * wide
        else:
            room = side + sin * long + cos * wide
        if room - abs(gap) < depth:
            depth = room - abs(gap)
            nx, ny = (ux, uy) if gap > 0.0 else (-ux, -uy)
    return depth, nx, ny


@compiled
def push_out(x: Any, y: Any, yaw: Any, vx: Any, vy: Any, objects: Any) -> Any:
    """Keep a car out of objects: it is moved to where it touches, and loses its speed into them.

    It slides along them without friction and without being turned, which is enough for a crash that the
    rules end anyway.

    Args:
        x: Place of the car [m].
        y: Place of the car [m].
        yaw: Its heading [rad].
        vx: Its speed forward [m/s].
        vy: Its speed to the left [m/s].
        objects: (M,) of `OBJECT_DTYPE`.

    Returns:
        x, y, vx, vy after contact.
    """
    for m in range(objects.shape[0]):
        one = objects[m]
        depth, nx, ny = overlap(x, y, yaw, one, 0.0 if one.kind == _BOX else -CAR_INSET)
        if depth <= 0.0:
            continue
        x, y = x + depth * nx, y + depth * ny
        cos, sin = math.cos(yaw), math.sin(yaw)
        ahead, left = cos * nx + sin * ny, cos * ny - sin * nx  # the way out, in the car's frame
        own = one.speed * (math.cos(one.yaw) * nx + math.sin(one.yaw) * ny)
        into = min(vx * ahead + vy * left - own, 0.0)
        vx, vy = vx - into * ahead, vy - into * left
    return x, y, vx, vy
