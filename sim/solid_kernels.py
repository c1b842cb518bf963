"""Compiled loops that draw boxes over the frames of the ground.

Each object is a few oriented boxes. Objects are drawn from far to near. Every pixel within an object's bounds
sends `_SUB` x `_SUB` rays; each meets the nearest of the object's boxes, or none and keeps what is there.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

Doubles = NDArray[np.float64]

PARTS: Final = 4
"""The most boxes that an object is made of."""
_SUB: Final = 2
_SAMPLES: Final = _SUB * _SUB
_EDGE_STEPS: Final = 4  # pieces of an edge, which a lens with distortion bends
_TOO_CLOSE: Final = 0.02  # nothing nearer than this is drawn [m]
# Brightness of faces: what all get, and what light from above, somewhat from one side, adds.
_AMBIENT: Final = 0.7
_LIGHT_X, _LIGHT_Y, _LIGHT_Z = 0.2, 0.1, 0.4


class Lens(NamedTuple):
    """A camera as the loops need it.

    Attributes:
        rays: (rows, columns, 3) unit directions of the pixels' centres in the camera's own frame.
        across, down: (rows, columns, 3) how they change from pixel to pixel.
        mount: (5,) position [m], pitch and roll [rad].
        focal: Focal length [pixels].
        middle: (2,) where the optical axis meets the frame, after the crop [pixels].
        fisheye: Whether there is distortion.
        distortion: (4,) its coefficients.
        widest: Largest angle to the optical axis that can be projected [rad].
        cone: Largest one that the frame shows [rad].
    """

    rays: Doubles
    across: Doubles
    down: Doubles
    mount: Doubles
    focal: float
    middle: Doubles
    fisheye: bool
    distortion: Doubles
    widest: float
    cone: float


@compiled
def draw_solids(
    lens: Lens,
    pose: Doubles,
    view: Doubles,
    objects: NDArray[np.void],
    table: Doubles,
    out: NDArray[np.uint8],
) -> None:
    """Draw the objects of N cars; see `solids.draw_objects`. `table` is (kinds, PARTS, 10)."""
    count = objects.shape[1]
    far = np.empty(count)
    turn, eye = np.empty((3, 3)), np.empty(3)
    box, shade = np.empty((PARTS, 6)), np.empty((PARTS, 6, 3))
    for i in range(objects.shape[0]):
        cos, sin = math.cos(pose[i, 2]), math.sin(pose[i, 2])
        mount = lens.mount
        x = pose[i, 0] + cos * mount[0] - sin * mount[1]
        y = pose[i, 1] + sin * mount[0] + cos * mount[1]
        z = max(mount[2] + view[i, 0], 0.01)
        for m in range(count):
            far[m] = math.hypot(objects[i, m].x - x, objects[i, m].y - y)
        for m in np.argsort(-far):
            one = objects[i, m]
            yaw = pose[i, 2] + view[i, 3] - one.yaw
            _rotation(mount[4] + view[i, 2], mount[3] + view[i, 1], yaw, turn)
            c, s = math.cos(one.yaw), math.sin(one.yaw)
            dx, dy = x - one.x, y - one.y
            eye[0], eye[1], eye[2] = c * dx + s * dy, c * dy - s * dx, z
            if _out_of_view(lens, turn, eye, one):
                continue
            parts = _solids(one, table[one.kind], box, shade)
            low_u, high_u, low_v, high_v = _bounds(lens, turn, eye, box[:parts], out[i])
            for v in range(low_v, high_v):
                for u in range(low_u, high_u):
                    _pixel(lens, turn, eye, box[:parts], shade, u, v, out[i, v, u])


@compiled
def _rotation(roll: float, pitch: float, yaw: float, turn: Doubles) -> None:
    """`camera.rotation`, from the camera's frame to one that is only turned about the vertical."""
    cr, sr, cp = math.cos(roll), math.sin(roll), math.cos(pitch)
    sp, cy, sy = math.sin(pitch), math.cos(yaw), math.sin(yaw)
    turn[0, 0], turn[0, 1], turn[0, 2] = cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr
    turn[1, 0], turn[1, 1], turn[1, 2] = sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr
    turn[2, 0], turn[2, 1], turn[2, 2] = -sp, cp * sr, cp * cr


@compiled
def _out_of_view(lens: Lens, turn: Doubles, eye: Doubles, one: Any) -> bool:
    """Whether the ball around an object lies outside the cone that the frame shows."""
    dx, dy, dz = -eye[0], -eye[1], one.height / 2 - eye[2]
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    radius = math.sqrt(one.half_length**2 + one.half_width**2 + one.height**2 / 4)
    if distance <= radius:
        return False
    ahead = (turn[0, 0] * dx + turn[1, 0] * dy + turn[2, 0] * dz) / distance
    return math.acos(min(max(ahead, -1.0), 1.0)) - math.asin(radius / distance) > lens.cone


@compiled
def _solids(one: Any, parts: Doubles, box: Doubles, shade: Doubles) -> int:
    """Bounds of an object's boxes in its own frame [m] and the colours of their faces; how many there are."""
    c, s = math.cos(one.yaw), math.sin(one.yaw)
    along, across = c * _LIGHT_X + s * _LIGHT_Y, c * _LIGHT_Y - s * _LIGHT_X
    count = 0
    for k in range(parts.shape[0]):
        if parts[k, 0] == parts[k, 1]:
            break
        count += 1
        for axis in range(3):
            size = one.half_length if axis == 0 else one.half_width if axis == 1 else one.height
            light = along if axis == 0 else across if axis == 1 else _LIGHT_Z
            for end in range(2):
                box[k, 2 * axis + end] = parts[k, 2 * axis + end] * size
                bright = _AMBIENT + max(light if end else -light, 0.0)
                for channel in range(3):
                    level = parts[k, 7 + channel] if parts[k, 6] > 0.0 else one.color[channel]
                    shade[k, 2 * axis + end, channel] = min(bright * level, 255.0)
    return count


@compiled
def _bounds(
    lens: Lens, turn: Doubles, eye: Doubles, box: Doubles, frame: NDArray[np.uint8]
) -> tuple[int, int, int, int]:
    """Columns and rows of a frame that an object may show in: first and last + 1 of each."""
    rows, columns = frame.shape[:2]
    low_u, high_u, low_v, high_v = np.inf, -np.inf, np.inf, -np.inf
    least = np.empty(3)
    most = np.empty(3)
    for axis in range(3):
        least[axis], most[axis] = box[:, 2 * axis].min(), box[:, 2 * axis + 1].max()
    beyond = 0  # points that no lens shows
    right, left, lower, upper = 0, 0, 0, 0
    for edge in range(12):
        axis = edge % 3
        first, second = (axis + 1) % 3, (axis + 2) % 3
        for step in range(_EDGE_STEPS + 1):
            point = least.copy()
            point[axis] += (most[axis] - least[axis]) * step / _EDGE_STEPS
            if edge // 3 % 2:
                point[first] = most[first]
            if edge // 6:
                point[second] = most[second]
            point -= eye
            ahead = turn[0, 0] * point[0] + turn[1, 0] * point[1] + turn[2, 0] * point[2]
            aside = turn[0, 1] * point[0] + turn[1, 1] * point[1] + turn[2, 1] * point[2]
            above = turn[0, 2] * point[0] + turn[1, 2] * point[1] + turn[2, 2] * point[2]
            left, right = left + (aside > 0.0), right + (aside <= 0.0)
            upper, lower = upper + (above > 0.0), lower + (above <= 0.0)
            sideways = math.hypot(aside, above)
            angle = math.atan2(sideways, ahead)
            if angle > lens.widest:
                beyond += 1
                continue
            scale = lens.focal * _image_radius(lens, angle) / max(sideways, 1e-12)
            u, v = lens.middle[0] - scale * aside, lens.middle[1] - scale * above
            low_u, high_u = min(low_u, u), max(high_u, u)
            low_v, high_v = min(low_v, v), max(high_v, v)
    if beyond == 12 * (_EDGE_STEPS + 1):
        return 0, 0, 0, 0
    if beyond:  # part of it is beside or behind the camera: all of that side of the frame
        low_u = -1.0 if left else lens.middle[0]
        high_u = columns + 1.0 if right else lens.middle[0]
        low_v = -1.0 if upper else lens.middle[1]
        high_v = rows + 1.0 if lower else lens.middle[1]
    # A pixel more to each side: an edge may bend between the points.
    return (
        int(min(max(low_u - 1.0, 0.0), columns)),
        int(min(max(high_u + 2.0, 0.0), columns)),
        int(min(max(low_v - 1.0, 0.0), rows)),
        int(min(max(high_v + 2.0, 0.0), rows)),
    )


@compiled
def _image_radius(lens: Lens, angle: float) -> float:
    """Distance from the frame's middle [focals] at an angle from the optical axis."""
    if not lens.fisheye:
        return math.tan(angle)
    k = lens.distortion
    square = angle * angle
    return angle * (1.0 + square * (k[0] + square * (k[1] + square * (k[2] + square * k[3]))))


@njit(inline="always")
def _pixel(
    lens: Any, turn: Any, eye: Any, box: Any, shade: Any, u: int, v: int, out: NDArray[np.uint8]
) -> None:
    """Mix what the samples of a pixel meet."""
    hits, red, green, blue = 0, 0.0, 0.0, 0.0
    ray, across, down = lens.rays[v, u], lens.across[v, u], lens.down[v, u]
    for sample in range(_SAMPLES):
        a = (sample % _SUB + 0.5) / _SUB - 0.5
        b = (sample // _SUB + 0.5) / _SUB - 0.5
        rx = ray[0] + a * across[0] + b * down[0]
        ry = ray[1] + a * across[1] + b * down[1]
        rz = ray[2] + a * across[2] + b * down[2]
        dx = turn[0, 0] * rx + turn[0, 1] * ry + turn[0, 2] * rz
        dy = turn[1, 0] * rx + turn[1, 1] * ry + turn[1, 2] * rz
        dz = turn[2, 0] * rx + turn[2, 1] * ry + turn[2, 2] * rz
        part, face = _nearest(eye, box, dx, dy, dz)
        if part >= 0:
            hits += 1
            red += shade[part, face, 0]
            green += shade[part, face, 1]
            blue += shade[part, face, 2]
    if hits == 0:
        return
    kept = _SAMPLES - hits
    if len(out) == 1:
        level = 0.2989 * red + 0.5870 * green + 0.1140 * blue
        out[0] = np.uint8((level + kept * out[0]) / _SAMPLES + 0.5)
    else:
        out[0] = np.uint8((red + kept * out[0]) / _SAMPLES + 0.5)
        out[1] = np.uint8((green + kept * out[1]) / _SAMPLES + 0.5)
        out[2] = np.uint8((blue + kept * out[2]) / _SAMPLES + 0.5)


@njit(inline="always")
def _nearest(eye: Any, box: Any, dx: float, dy: float, dz: float) -> tuple[int, int]:
    """The box and the face that a ray meets first, or -1; by the slabs between each box's faces."""
    found, found_face, nearest = -1, 0, np.inf
    ix, iy, iz = _inverse(dx), _inverse(dy), _inverse(dz)
    for k in range(box.shape[0]):
        enter, leave, face = -np.inf, np.inf, 0
        for axis in range(3):
            inverse = ix if axis == 0 else iy if axis == 1 else iz
            low = (box[k, 2 * axis] - eye[axis]) * inverse
            high = (box[k, 2 * axis + 1] - eye[axis]) * inverse
            side = 2 * axis
            if low > high:
                low, high, side = high, low, side + 1
            if low > enter:
                enter, face = low, side
            leave = min(leave, high)
        if _TOO_CLOSE < enter < leave and enter < nearest:
            found, found_face, nearest = k, face, enter
    return found, found_face


@njit(inline="always")
def _inverse(value: float) -> float:
    return 1.0 / value if abs(value) > 1e-12 else (1e12 if value >= 0.0 else -1e12)
