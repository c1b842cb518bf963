"""The same camera drawn by PyBullet's TinyRenderer: slow, and independent of `Renderer`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.surface import Surface

from .bullet import import_pybullet
from .bullet_solids import Solids
from .camera import Camera, rotation
from .errors import SimError
from .light import expose, noise_tile
from .objects import OBJECT_DTYPE
from .render import view_numbers

_FAR: Final = 300.0  # far plane [m], as in the original simulator
_NEAR: Final = 0.02  # [m]
_NOTHING: Final = np.zeros(0, OBJECT_DTYPE)
_LUMA: Final = np.array([0.2989, 0.5870, 0.1140])


class BulletRenderer:
    """Drop-in for `Renderer`, a few milliseconds a frame; edges are as jagged as TinyRenderer draws them.

    Each surface has a PyBullet world of its own, apart from any that simulates physics.

    Args:
        camera: What each car carries; a pinhole camera.
        surfaces: Grounds that cars may drive on, at least one.

    Raises:
        SimError: If PyBullet is not installed, the lens has distortion, or there is no surface.
    """

    def __init__(self, camera: Camera, surfaces: Sequence[Surface]) -> None:
        if camera.distortion is not None:
            raise SimError(
                f"camera {camera.name}: PyBullet draws no lens distortion; use Hairpin's own renderer"
            )
        if not surfaces:
            raise SimError("no surface to render: give at least one")
        self.camera = camera
        self._bullet = import_pybullet("renderer='raycast'")
        self._skies = [np.array(surface.style.sky, np.uint8) for surface in surfaces]
        self._tile = noise_tile(camera.shape[1] * camera.shape[2])
        # TinyRenderer samples at a pixel's lower left corner: shifted by half a pixel, at its centre.
        half, width, height = 0.5 / camera.focal, camera.width / camera.focal, camera.height / camera.focal
        sides = np.array([half - width / 2, half + width / 2, half - height / 2, half + height / 2]) * _NEAR
        self._projection = self._bullet.computeProjectionMatrix(*sides.tolist(), _NEAR, _FAR)
        self._clients: list[int] = []
        self._solids: list[Solids] = []
        for surface in surfaces:
            self._clients.append(self._bullet.connect(self._bullet.DIRECT))
            _add_ground(self._bullet, self._clients[-1], surface)
            self._solids.append(Solids(self._bullet, self._clients[-1]))

    def render(
        self,
        pose: NDArray[np.float64],
        surface: NDArray[np.integer[Any]],
        view: NDArray[np.void],
        noise_seed: NDArray[np.uint64],
        out: NDArray[np.uint8] | None = None,
        objects: NDArray[np.void] | None = None,
    ) -> NDArray[np.uint8]:
        """Render one frame for each car; as `Renderer.render`."""
        if out is None:
            out = np.empty((len(pose), *self.camera.shape), np.uint8)
        for i, frame in enumerate(out):
            self._solids[int(surface[i])].show(_NOTHING if objects is None else objects[i])
            rgb = self._whole_frame(pose[i], int(surface[i]), view[i])
            top, _, left, _ = self.camera.crop
            rgb = rgb[top : top + frame.shape[0], left : left + frame.shape[1]]
            frame[:] = rgb if frame.shape[2] == 3 else np.rint(rgb @ _LUMA)[..., None]
        expose(view_numbers(view), np.ascontiguousarray(noise_seed, np.uint64), self._tile, out)
        return out

    def close(self) -> None:
        """Release PyBullet's worlds; it may be called twice."""
        while self._clients:
            self._bullet.disconnect(physicsClientId=self._clients.pop())

    def _whole_frame(self, pose: NDArray[np.float64], surface: int, view: Any) -> NDArray[np.uint8]:
        """The frame (height, width, 3) before the crop."""
        camera = self.camera
        x, y, yaw = (float(value) for value in pose)
        turn = rotation(camera.roll + view["roll"], camera.pitch + view["pitch"], yaw + view["yaw"])
        eye = rotation(0.0, 0.0, yaw) @ camera.position + [x, y, float(view["height"])]
        look = self._bullet.computeViewMatrix(eye.tolist(), (eye + turn[:, 0]).tolist(), turn[:, 2].tolist())
        _, _, pixels, _, bodies = self._bullet.getCameraImage(
            camera.width,
            camera.height,
            look,
            self._projection,
            shadow=0,
            lightAmbientCoeff=1.0,
            lightDiffuseCoeff=0.0,
            lightSpecularCoeff=0.0,
            renderer=self._bullet.ER_TINY_RENDERER,
            physicsClientId=self._clients[surface],
        )
        rgb = np.asarray(pixels, np.uint8).reshape(camera.height, camera.width, 4)[..., :3]
        ground = np.asarray(bodies).reshape(camera.height, camera.width, 1) >= 0
        return np.where(ground, rgb, self._skies[surface])


def _add_ground(bullet: Any, client: int, surface: Surface) -> None:
    """Put a surface on z = 0, and field around it as far as the camera sees."""
    import cv2

    # One texel of field frames the picture; the ground around it is drawn with a corner of that frame.
    height, width = surface.levels[0].shape[:2]
    picture = np.empty((height + 2, width + 2, 3), np.uint8)
    picture[:] = surface.style.field
    picture[1:-1, 1:-1] = surface.levels[0]
    low, high = surface.origin, surface.origin + surface.size
    x = [low[0] - _FAR, low[0], high[0], high[0] + _FAR]
    y = [low[1] - _FAR, low[1], high[1], high[1] + _FAR]
    pixel = 1 / np.array([width + 2, height + 2])
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    vertices: list[list[float]] = []
    uvs: list[list[float]] = []
    indices: list[int] = []
    for column, row in np.ndindex(3, 3):
        first = len(vertices)
        indices += [first, first + 1, first + 2, first, first + 2, first + 3]
        vertices += [[x[column + i], y[row + j], 0.0] for i, j in corners]
        inside = column == row == 1
        uvs += (pixel + corners * (1 - 2 * pixel) if inside else np.tile(pixel / 2, (4, 1))).tolist()
    shape = bullet.createVisualShape(
        bullet.GEOM_MESH,
        vertices=vertices,
        indices=indices,
        uvs=uvs,
        normals=[[0.0, 0.0, 1.0]] * len(vertices),
        physicsClientId=client,
    )
    body = bullet.createMultiBody(baseVisualShapeIndex=shape, physicsClientId=client)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ground.png"
        cv2.imwrite(str(file), picture[::-1, :, ::-1])
        texture = bullet.loadTexture(str(file), physicsClientId=client)
    bullet.changeVisualShape(body, -1, textureUniqueId=texture, rgbaColor=[1] * 4, physicsClientId=client)
