"""Exact frames to compare renderers with: 8x8 rays per pixel, each looked up in a 1 mm picture of the track.

Made with OpenCV's polygons and its fisheye model, so that nothing is shared with what it is a reference for.
"""

from __future__ import annotations

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from hairpin.sim.camera import Camera
from hairpin.tracks import Track
from hairpin.tracks.style import Style

FIELD, BORDER, ROAD, CENTRE, SKY = range(5)
_CELL = 0.001  # [m]
_SUB = 8  # rays each way in a pixel
_SHIFT = 8  # OpenCV's fixed-point bits


class ExactFrames:
    """Materials of a track on a fine grid, and frames made from them."""

    def __init__(self, track: Track, style: Style) -> None:
        points = np.concatenate((track.inner, track.outer))
        self.low = points.min(axis=0) - 0.5
        width, height = np.ceil((points.max(axis=0) + 0.5 - self.low) / _CELL).astype(int)
        self.grid = np.zeros((height, width), np.uint8)
        self.palette = np.array([style.field, style.border, style.road, style.centre, style.sky], float)
        line = round(2 * style.border_width / _CELL)
        for border in (track.inner, track.outer):
            cv2.polylines(self.grid, [self._cells(border)], track.closed, BORDER, line, cv2.LINE_8, _SHIFT)
        for i in range(len(track.center) - 1):
            quad = np.stack((track.inner[i], track.outer[i], track.outer[i + 1], track.inner[i + 1]))
            for corners in (quad[[0, 1, 2]], quad[[0, 2, 3]]):
                cv2.fillConvexPoly(self.grid, self._cells(corners), ROAD, cv2.LINE_8, _SHIFT)
        count = round(track.length / (style.dash + style.gap))
        period = track.length / count
        for k in range(count):
            s = (k + style.dash / (style.dash + style.gap) * np.linspace(-0.5, 0.5, 40)) * period
            sides = [track.to_world(s, side * style.centre_width / 2) for side in (1, -1)]
            ribbon = np.concatenate((sides[0], sides[1][::-1]))
            cv2.fillPoly(self.grid, [self._cells(ribbon)], CENTRE, cv2.LINE_8, _SHIFT)

    def _cells(self, points: np.ndarray) -> np.ndarray:
        return np.rint(((points - self.low) / _CELL - 0.5) * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)

    def frame(self, camera: Camera, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """RGB (h, w, 3) as float, and which pixels show nothing but ground (h, w)."""
        x, y, z = _rays(camera)
        cp, sp, cr, sr = np.cos(camera.pitch), np.sin(camera.pitch), np.cos(camera.roll), np.sin(camera.roll)
        y, z = cr * y - sr * z, sr * y + cr * z  # lean
        x, z = cp * x + sp * z, cp * z - sp * x  # look down
        ground = z < -1e-9
        reach = camera.position[2] / np.where(ground, -z, 1.0)
        ahead, left = camera.position[0] + reach * x, camera.position[1] + reach * y
        cy, sy = np.cos(pose[2]), np.sin(pose[2])
        column = np.floor((pose[0] + cy * ahead - sy * left - self.low[0]) / _CELL)
        row = np.floor((pose[1] + sy * ahead + cy * left - self.low[1]) / _CELL)
        inside = (
            ground & (row >= 0) & (column >= 0) & (row < self.grid.shape[0]) & (column < self.grid.shape[1])
        )
        material = np.where(ground, FIELD, SKY)
        material[inside] = self.grid[row[inside].astype(int), column[inside].astype(int)]
        shape = (camera.height, _SUB, camera.width, _SUB)
        return self.palette[material].reshape(*shape, 3).mean(axis=(1, 3)), ground.reshape(shape).all(
            axis=(1, 3)
        )


def _rays(camera: Camera) -> np.ndarray:
    """Directions (3, h * 8, w * 8) in the camera's own frame, not of unit length."""
    u = (np.arange(camera.width * _SUB) + 0.5) / _SUB - camera.width / 2
    v = (np.arange(camera.height * _SUB) + 0.5) / _SUB - camera.height / 2
    u, v = np.meshgrid(u, v)
    half = camera.hfov / 2
    if camera.distortion is None:
        focal = camera.width / 2 / np.tan(half)
        return np.stack((np.ones_like(u), -u / focal, -v / focal))
    k1, k2, k3, k4 = camera.distortion
    focal = camera.width / 2 / (half * (1 + k1 * half**2 + k2 * half**4 + k3 * half**6 + k4 * half**8))
    matrix = np.diag([focal, focal, 1.0])
    pixels = np.stack((u.ravel(), v.ravel()), axis=-1)[:, None]
    plane = cv2.fisheye.undistortPoints(pixels, matrix, np.array(camera.distortion))[:, 0]
    return np.stack((np.ones_like(u), -plane[:, 0].reshape(u.shape), -plane[:, 1].reshape(u.shape)))


def gray(rgb: np.ndarray) -> np.ndarray:
    return rgb @ np.array([0.2989, 0.5870, 0.1140])


def closeness(frame: np.ndarray, reference: np.ndarray, ground: np.ndarray) -> tuple[float, float]:
    """SSIM and mean absolute error [levels] of two gray frames over the pixels of the ground."""
    _, ssim = structural_similarity(frame.astype(float), reference.astype(float), data_range=255, full=True)
    return float(ssim[ground].mean()), float(np.abs(frame - reference)[ground].mean())


def poses_on(track: Track, count: int = 12) -> np.ndarray:
    """Poses (count, 3) all along a track, beside the line and at angles to it."""
    rng = np.random.default_rng(0)
    s = (np.arange(count) + rng.uniform(0, 0.5, count)) * track.length / count
    xy = track.to_world(s, rng.uniform(-0.2, 0.2, count))
    return np.column_stack((xy, track.heading(s) + rng.uniform(-0.3, 0.3, count)))
