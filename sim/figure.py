"""The car as pictures for people show it: a few boxes, seen by the chase camera that follows it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .chassis import BODY_LENGTH, BODY_WIDTH, WHEEL_RADIUS, WHEEL_WIDTH, WHEELS

WIDTH, HEIGHT = 640, 480
#: Follows the car as the original simulator's spectator camera does, somewhat nearer.
CHASE: Final = Camera(
    name="chase", width=WIDTH, height=HEIGHT, hfov=1.1, position=(-1.05, 0.0, 0.68), pitch=0.36, channels=3
)
BODY: Final = (226, 74, 51)
_DECK: Final = (242, 104, 78)
_GLASS: Final = (58, 66, 80)
_TYRE: Final = (34, 34, 38)
_TREAD: Final = (58, 58, 64)
_LIGHT: Final = (255, 214, 120)
_SHIFT: Final = 4  # fractional bits of pixel coordinates
_SHADE: Final = 0.55  # of what lies under the car

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]
Colour = tuple[int, int, int]


def draw_car(frame: Picture, steering: float) -> None:
    """Draw the car into a frame of `CHASE`, from far boxes to near ones.

    Args:
        frame: (480, 640, 3) uint8 RGB, drawn into.
        steering: Angle of the front wheels [rad], + = left.
    """
    length, width = BODY_LENGTH / 2, BODY_WIDTH / 2
    _shade(frame, _rectangle(0.0, 0.0, length + 0.015, width + 0.02, 0.0))
    for x, y in sorted(WHEELS.tolist(), reverse=True):  # the front wheels are farther away
        turned = steering if x > 0 else 0.0
        half = (WHEEL_RADIUS, WHEEL_WIDTH / 2)
        _box(frame, (x, y * 1.1), half, (0.0, 2 * WHEEL_RADIUS), _TYRE, _TREAD, turned)
    _box(frame, (0.0, 0.0), (length, width * 0.7), (0.025, 0.08), BODY, _DECK)
    _box(frame, (-0.01, 0.0), (length * 0.5, width * 0.52), (0.08, 0.125), _GLASS, _DECK)
    _box(frame, (-length + 0.02, 0.0), (0.018, width * 0.95), (0.115, 0.125), _TYRE, BODY)
    for y in (-0.05, 0.05):
        corners = [
            [-length, y + dy, z] for dy, z in ((-0.012, 0.055), (0.012, 0.055), (0.012, 0.07), (-0.012, 0.07))
        ]
        _fill(frame, np.array(corners), _LIGHT)


def _box(
    frame: Picture,
    centre: tuple[float, float],
    half: tuple[float, float],
    z: tuple[float, float],
    side: Colour,
    top: Colour,
    yaw: float = 0.0,
) -> None:
    """A box as the camera behind and above it sees it: its outline, its back and its top."""
    low, high = (_rectangle(*centre, *half, height, yaw) for height in z)
    outline = cv2.convexHull(_pixels(np.concatenate([low, high])))
    dark = tuple(int(c * 0.7) for c in side)
    cv2.fillConvexPoly(frame, outline, dark, cv2.LINE_AA, shift=_SHIFT)
    _fill(frame, np.array([low[1], low[2], high[2], high[1]]), side)
    _fill(frame, high, top)


def _rectangle(
    x: float, y: float, half_length: float, half_width: float, z: float, yaw: float = 0.0
) -> Points:
    """Corners (4, 3) of a level rectangle: front left, rear left, rear right, front right."""
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    cos, sin = np.cos(yaw), np.sin(yaw)
    corners = (signs * [half_length, half_width]) @ np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([corners + np.array([x, y]), np.full(4, z)])


def _shade(frame: Picture, corners: Points) -> None:
    mask = np.zeros(frame.shape[:2], dtype=np.uint8)
    cv2.fillConvexPoly(mask, _pixels(corners), 255, cv2.LINE_AA, shift=_SHIFT)
    weight = 1.0 - (1.0 - _SHADE) * mask[..., None] / 255.0
    frame[:] = np.rint(frame * weight)


def _fill(frame: Picture, corners: Points, colour: Colour) -> None:
    cv2.fillConvexPoly(frame, _pixels(corners), colour, cv2.LINE_AA, shift=_SHIFT)


def _pixels(points: Points) -> NDArray[np.int32]:
    return np.rint(CHASE.project(points) * (1 << _SHIFT)).astype(np.int32)
