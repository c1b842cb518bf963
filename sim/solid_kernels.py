"""Compiled loops that draw boxes over the frames of the ground.

Each object is a few oriented boxes. Objects are drawn from far to near. Every pixel within an object's bounds
sends `_SUB` x `_SUB` rays; each meets the nearest of the object's boxes, or none and keeps what is there.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

Doubles = NDArray[np.float64]
Whole = NDArray[np.int64]

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


class Row(NamedTuple):
    """Memory for a row of pixels; n is how many are looked at.

    Attributes:
        inverses: Of the x, y and z of their samples' rays; (SAMPLES * n,) each.
        nearest: (SAMPLES * n,) how far away the nearest face is, in lengths of the ray.
        found: (SAMPLES * n,) that face, as its box's number times 6 and its own; -1 where there is none.
    """

    inverses: tuple[Doubles, Doubles, Doubles]
    nearest: Doubles
    found: Whole


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
    size = _SAMPLES * out.shape[2]
    row = Row(
        (np.empty(size), np.empty(size), np.empty(size)),
        np.empty(size),
        np.empty(size, np.int64),
    )
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
                _draw_row(lens, turn, eye, box[:parts], shade, v, low_u, high_u, row, out[i, v])


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
    x_0, x_1 = box[:, 0].min() - eye[0], box[:, 1].max() - eye[0]
    y_0, y_1 = box[:, 2].min() - eye[1], box[:, 3].max() - eye[1]
    z_0, z_1 = box[:, 4].min() - eye[2], box[:, 5].max() - eye[2]
    low_u, high_u, low_v, high_v = np.inf, -np.inf, np.inf, -np.inf
    shown, beyond = 0, 0  # points that the lens shows, and that none does
    right, left, lower, upper = 0, 0, 0, 0
    steepest = math.inf if lens.fisheye else math.tan(lens.widest)
    for point in range(12 * (_EDGE_STEPS + 1)):
        edge, step = point // (_EDGE_STEPS + 1), point % (_EDGE_STEPS + 1)
        if not lens.fisheye and shown and 0 < step < _EDGE_STEPS:
            continue  # a straight edge reaches no farther than its ends
        share, one, other = step / _EDGE_STEPS, float(edge // 3 % 2), float(edge // 6)
        a, b, c = (share, one, other)
        if edge % 3 == 1:
            a, b, c = (other, share, one)
        elif edge % 3 == 2:
            a, b, c = (one, other, share)
        x, y, z = x_0 + a * (x_1 - x_0), y_0 + b * (y_1 - y_0), z_0 + c * (z_1 - z_0)
        ahead = turn[0, 0] * x + turn[1, 0] * y + turn[2, 0] * z
        aside = turn[0, 1] * x + turn[1, 1] * y + turn[2, 1] * z
        above = turn[0, 2] * x + turn[1, 2] * y + turn[2, 2] * z
        left, right = left + (aside > 0.0), right + (aside <= 0.0)
        upper, lower = upper + (above > 0.0), lower + (above <= 0.0)
        sideways = math.sqrt(aside * aside + above * above)
        if lens.fisheye:
            angle = math.atan2(sideways, ahead)
            seen = angle <= lens.widest
            scale = lens.focal * _image_radius(lens, angle) / max(sideways, 1e-12)
        else:
            seen = sideways < steepest * ahead
            scale = lens.focal / max(ahead, 1e-12)
        if not seen:
            beyond += 1
            continue
        shown += 1
        u, v = lens.middle[0] - scale * aside, lens.middle[1] - scale * above
        low_u, high_u = min(low_u, u), max(high_u, u)
        low_v, high_v = min(low_v, v), max(high_v, v)
    if shown == 0:
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


@compiled
def _draw_row(
    lens: Lens,
    turn: Doubles,
    eye: Doubles,
    box: Doubles,
    shade: Doubles,
    v: int,
    low: int,
    high: int,
    row: Row,
    out: NDArray[np.uint8],
) -> None:
    """Mix what the samples of a row of pixels meet, from column `low` to before `high`."""
    n = high - low
    _send_rays(turn, lens.rays[v, low:high], lens.across[v, low:high], lens.down[v, low:high], row)
    for k in range(box.shape[0]):
        _meet(eye, box, k, _SAMPLES * n, row)
    for u in range(n):
        hits, red, green, blue = 0, 0.0, 0.0, 0.0
        for sample in range(_SAMPLES):
            face = row.found[sample * n + u]
            if face >= 0:
                hits += 1
                red += shade[face // 6, face % 6, 0]
                green += shade[face // 6, face % 6, 1]
                blue += shade[face // 6, face % 6, 2]
        if hits:
            kept = _SAMPLES - hits
            if out.shape[1] == 1:
                level = 0.2989 * red + 0.5870 * green + 0.1140 * blue
                out[low + u, 0] = np.uint8((level + kept * out[low + u, 0]) / _SAMPLES + 0.5)
            else:
                out[low + u, 0] = np.uint8((red + kept * out[low + u, 0]) / _SAMPLES + 0.5)
                out[low + u, 1] = np.uint8((green + kept * out[low + u, 1]) / _SAMPLES + 0.5)
                out[low + u, 2] = np.uint8((blue + kept * out[low + u, 2]) / _SAMPLES + 0.5)


@partial(compiled, error_model="numpy")
def _send_rays(turn: Doubles, rays: Doubles, across: Doubles, down: Doubles, row: Row) -> None:
    """Find the inverses of the components of all samples' rays, around those of n pixels, (n, 3)."""
    n = rays.shape[0]
    x, y, z = row.inverses
    for sample in range(_SAMPLES):
        a = (sample % _SUB + 0.5) / _SUB - 0.5
        b = (sample // _SUB + 0.5) / _SUB - 0.5
        for u in range(n):
            rx = rays[u, 0] + a * across[u, 0] + b * down[u, 0]
            ry = rays[u, 1] + a * across[u, 1] + b * down[u, 1]
            rz = rays[u, 2] + a * across[u, 2] + b * down[u, 2]
            x[sample * n + u] = _inverse(turn[0, 0] * rx + turn[0, 1] * ry + turn[0, 2] * rz)
            y[sample * n + u] = _inverse(turn[1, 0] * rx + turn[1, 1] * ry + turn[1, 2] * rz)
            z[sample * n + u] = _inverse(turn[2, 0] * rx + turn[2, 1] * ry + turn[2, 2] * rz)
    for u in range(_SAMPLES * n):
        row.nearest[u], row.found[u] = np.inf, -1


@compiled
def _meet(eye: Doubles, box: Doubles, k: int, count: int, row: Row) -> None:
    """Find which of the rays meet box k first of all, by the slabs between its faces.

    There are no branches, so that LLVM does several rays at a time.
    """
    x_0, x_1, y_0 = box[k, 0] - eye[0], box[k, 1] - eye[0], box[k, 2] - eye[1]
    y_1, z_0, z_1 = box[k, 3] - eye[1], box[k, 4] - eye[2], box[k, 5] - eye[2]
    x, y, z = row.inverses
    nearest, found = row.nearest, row.found
    first = 6 * k
    for u in range(count):
        low_x, high_x, low_y, high_y = x_0 * x[u], x_1 * x[u], y_0 * y[u], y_1 * y[u]
        low_z, high_z = z_0 * z[u], z_1 * z[u]
        enter, leave = min(low_x, high_x), max(low_x, high_x)
        face = 1 if low_x > high_x else 0
        enter_y, enter_z = min(low_y, high_y), min(low_z, high_z)
        leave = min(leave, max(low_y, high_y), max(low_z, high_z))
        face = (3 if low_y > high_y else 2) if enter_y > enter else face
        enter = max(enter, enter_y)
        face = (5 if low_z > high_z else 4) if enter_z > enter else face
        enter = max(enter, enter_z)
        meets = (enter > _TOO_CLOSE) & (enter < leave) & (enter < nearest[u])
        found[u] = first + face if meets else found[u]
        nearest[u] = enter if meets else nearest[u]


@njit(inline="always")
def _inverse(value: float) -> float:
    return 1.0 / value if abs(value) > 1e-12 else (1e12 if value >= 0.0 else -1e12)
