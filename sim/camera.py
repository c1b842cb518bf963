"""Camera models: where each pixel looks."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import SimError

Array = NDArray[np.float64]

# The largest angle [rad] from the optical axis that a lens may see: a right angle and a bit.
_MAX_ANGLE: Final = 1.65


def rotation(roll: float, pitch: float, yaw: float = 0.0) -> Array:
    """Matrix (3, 3) from the camera's frame (x forward, y left, z up) to that of what it is mounted on.

    Right-handed angles [rad]: roll + leans to the right, pitch + looks down, yaw + turns left; roll first.
    """
    cr, sr, cp, sp, cy, sy = (f(angle) for angle in (roll, pitch, yaw) for f in (np.cos, np.sin))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


@dataclass(frozen=True)
class Camera:
    """A camera on the car: lens, frame and mounting.

    Pixel coordinates (u, v) are continuous: u grows to the right, v downwards, the frame's upper left corner
    is (0, 0) and the centre of its first pixel is (0.5, 0.5). The car frame is x forward, y left, z up.

    Attributes:
        name: What it is called.
        width: Width of the whole frame [pixels].
        height: Height of the whole frame [pixels].
        hfov: Horizontal field of view of the whole frame [rad].
        position: Place in the car frame [m].
        pitch: Mounting angle [rad], + = looks down.
        roll: Mounting angle [rad], + = leans to the right.
        distortion: Coefficients (k1, k2, k3, k4) of OpenCV's fisheye model, `None` for a pinhole camera.
        crop: Pixels (top, bottom, left, right) cut off from the whole frame; they are never rendered.
        channels: 1 for gray, 3 for RGB.

    Raises:
        SimError: If a value is out of range or the lens model is not one to one over the frame.
    """

    name: str
    width: int = 160
    height: int = 120
    hfov: float = 1.13
    position: tuple[float, float, float] = (0.14529, 0.0, 0.13033)
    pitch: float = 0.2618
    roll: float = 0.0
    distortion: tuple[float, float, float, float] | None = None
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    channels: int = 1

    def __post_init__(self) -> None:
        _check_numbers("frame", (self.width, self.height), 2, Integral)
        _check_numbers("crop", self.crop, 4, Integral)
        _check_numbers("position", self.position, 3)
        _check_numbers("hfov, pitch, roll", (self.hfov, self.pitch, self.roll), 3)
        if self.distortion is not None:
            _check_numbers("distortion", self.distortion, 4)
        if self.channels not in (1, 3):
            raise SimError(f"camera channels={self.channels}: give 1 (gray) or 3 (RGB)")
        if not (1 <= self.width <= 4096 and 1 <= self.height <= 4096):
            raise SimError(f"camera frame {self.width}x{self.height}: give 1 to 4096 pixels each way")
        if min(self.crop) < 0 or min(self.shape[:2]) < 1:
            raise SimError(f"camera crop={self.crop}: leaves nothing of the {self.width}x{self.height} frame")
        if not 0.01 <= self.position[2] <= 10:
            raise SimError(f"camera height={self.position[2]}: give 0.01 to 10 m above the ground")
        if not abs(self.pitch) < np.pi / 2 or not abs(self.roll) <= np.pi:
            raise SimError(f"camera pitch={self.pitch}, roll={self.roll}: give radians, a pitch below pi/2")
        if not 0 < self.hfov < (np.pi if self.distortion is None else 2 * _MAX_ANGLE):
            raise SimError(f"camera hfov={self.hfov}: give radians, less than pi for a pinhole camera")
        if self.distortion is not None and not self._one_to_one():
            raise SimError(f"camera distortion={self.distortion}: the lens model folds over inside the frame")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (rows, columns, channels) of a frame after the crop."""
        top, bottom, left, right = self.crop
        return self.height - top - bottom, self.width - left - right, self.channels

    @property
    def focal(self) -> float:
        """Focal length [pixels]."""
        return self.width / 2 / float(self._image_radius(np.array(self.hfov / 2)))

    def pixels(self) -> Array:
        """Places (rows, columns, 2) of the pixels' centres on the image plane, from its middle [focals]."""
        rows, columns, _ = self.shape
        u = np.arange(columns) + self.crop[2] + 0.5 - self.width / 2
        v = np.arange(rows) + self.crop[0] + 0.5 - self.height / 2
        return np.stack(np.meshgrid(u, v), axis=-1) / self.focal

    def lens_rays(self, lower: float = 0.0) -> Array:
        """Unit directions (rows, columns, 3) in the camera's own frame, `lower` [pixels] below centres."""
        return self._unproject(self.pixels() + np.array([0.0, lower / self.focal]))

    def rays(self) -> Array:
        """Unit directions (rows, columns, 3) of the pixels' centres in the car frame."""
        return self.lens_rays() @ rotation(self.roll, self.pitch).T

    def pixel_angles(self) -> Array:
        """Square root (rows, columns) of the solid angle of each pixel: its angular size [rad]."""
        centre = self.pixels()
        u, v = np.eye(2) * (0.5 / self.focal)
        across = self._unproject(centre + u) - self._unproject(centre - u)
        down = self._unproject(centre + v) - self._unproject(centre - v)
        return np.sqrt(np.linalg.norm(np.cross(across, down), axis=-1))

    def project(self, points: ArrayLike) -> Array:
        """Pixel coordinates (..., 2) of points (..., 3) in the car frame [m]; nan out of the lens's reach.

        A point is seen if its coordinates lie within the frame: 0 <= u < columns, 0 <= v < rows.
        """
        offset = (np.asarray(points, np.float64) - self.position) @ rotation(self.roll, self.pitch)
        forward, sideways = offset[..., 0], np.hypot(offset[..., 1], offset[..., 2])
        angle = np.arctan2(sideways, forward)
        limit = np.pi / 2 - 1e-6 if self.distortion is None else self._largest_angle()
        angle = np.where((angle <= limit) & (offset != 0).any(axis=-1), angle, np.nan)
        scale = self.focal * self._image_radius(angle) / np.maximum(sideways, 1e-12)
        top, _, left, _ = self.crop
        u = self.width / 2 - left - scale * offset[..., 1]
        v = self.height / 2 - top - scale * offset[..., 2]
        return np.stack((u, v), axis=-1)

    def _image_radius(self, angle: Array) -> Array:
        """Distance from the frame's middle [focals] at an angle from the optical axis."""
        if self.distortion is None:
            return np.tan(angle)
        square = angle * angle
        k1, k2, k3, k4 = self.distortion
        return angle * (1 + square * (k1 + square * (k2 + square * (k3 + square * k4))))

    def _unproject(self, xy: Array) -> Array:
        """Unit directions (..., 3) of points (..., 2) on the image plane [focals]."""
        radius = np.linalg.norm(xy, axis=-1)
        if self.distortion is None:
            angle = np.arctan(radius)
        else:
            angle = radius.copy()
            for _ in range(30):  # Newton's method; the model is monotone over the frame
                slope = (self._image_radius(angle + 1e-6) - self._image_radius(angle - 1e-6)) / 2e-6
                angle -= (self._image_radius(angle) - radius) / slope
        sideways = np.sin(angle) / np.maximum(radius, 1e-12)
        return np.stack((np.cos(angle), -xy[..., 0] * sideways, -xy[..., 1] * sideways), axis=-1)

    def _largest_angle(self) -> float:
        """Angle [rad] up to which the lens model grows."""
        angles = np.linspace(0, np.pi, 2000)
        falling = np.flatnonzero(np.diff(self._image_radius(angles)) <= 0)
        return float(angles[falling[0]]) if len(falling) else np.pi

    @property
    def widest(self) -> float:
        """Largest angle from the optical axis that is projected [rad]."""
        return np.pi / 2 - 1e-2 if self.distortion is None else self._largest_angle()

    def _one_to_one(self) -> bool:
        limit = self._largest_angle()
        corner = np.hypot(self.width, self.height) / 2 / self.focal
        return self.hfov / 2 < limit and bool(corner < self._image_radius(np.array(limit)))


def _check_numbers(name: str, values: Any, count: int, kind: type = Real) -> None:
    if not (
        isinstance(values, tuple | list) and len(values) == count and all(isinstance(v, kind) for v in values)
    ):
        whole = "whole " if kind is Integral else ""
        raise SimError(f"camera {name} is {values!r}: give {count} {whole}numbers")


CAMERAS: Final[dict[str, Camera]] = {
    "deepracer": Camera("deepracer"),
    "wide": Camera("wide", hfov=np.deg2rad(120.0), distortion=(-0.04, 0.006, -0.001, 0.0)),
}
"""The original simulator's camera, and a wide one with distortion like the car's real lens."""
