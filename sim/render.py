"""Camera frames of a flat ground, many cars at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.surface import Surface

from .camera import Camera
from .errors import SimError

if TYPE_CHECKING:
    from .render_kernels import Optics
    from .solid_kernels import Lens

VIEW_DTYPE: Final = np.dtype(
    [
        ("height", np.float64),  # camera above its nominal place [m]
        ("pitch", np.float64),  # added to the camera's pitch, + = down [rad]
        ("roll", np.float64),  # added to the camera's roll, + = leans right [rad]
        ("yaw", np.float64),  # camera turned on its mount, + = left [rad]
        ("gain", np.float64),  # contrast: each level is multiplied by it [-]
        ("bias", np.float64),  # brightness: added after the gain [levels]
        ("noise", np.float64),  # standard deviation of pixel noise [levels]
    ]
)
"""How one car's camera differs from the nominal one during an episode."""
_NUMBERS: Final = np.dtype((np.float64, len(VIEW_DTYPE.names or ())))


def nominal_view(num_cars: int) -> NDArray[np.void]:
    """The camera as it is specified, ``num_cars`` times; (N,) of `VIEW_DTYPE`."""
    view = np.zeros(num_cars, VIEW_DTYPE)
    view["gain"] = 1.0
    return view


def view_numbers(view: NDArray[np.void]) -> NDArray[np.float64]:
    """Views (N,) of `VIEW_DTYPE` as the compiled loops take them: (N, 7), in its order."""
    return np.ascontiguousarray(view).view(_NUMBERS)


class Renderer:
    """Draws what the cars' cameras see of the flat ground they drive on.

    The same arguments give the same bytes, whatever the number of cars and in every process on a machine.
    Without roll and lens distortion a frame costs least; pitch, height and yaw are free.

    Args:
        camera: What each car carries.
        surfaces: Grounds that cars may drive on, at least one.

    Raises:
        SimError: If there is no surface, or all of them together are too large.
    """

    def __init__(self, camera: Camera, surfaces: Sequence[Surface]) -> None:
        from .atlas import pack
        from .light import expose, noise_tile
        from .render_kernels import render_frames

        self.camera = camera
        _, columns, channels = camera.shape
        self._shapes = [surface.shape for surface in surfaces]
        self._optics = _optics(camera)
        self._atlas = pack(surfaces, channels)
        self._tile = noise_tile(columns * channels)
        self._render_frames, self._expose = render_frames, expose  # numba is slow to import, so only here
        self._lens: Lens | None = None  # made when there is an object to draw

    def render(
        self,
        pose: NDArray[np.float64],
        surface: NDArray[np.integer[Any]],
        view: NDArray[np.void],
        noise_seed: NDArray[np.uint64],
        out: NDArray[np.uint8] | None = None,
        objects: NDArray[np.void] | None = None,
    ) -> NDArray[np.uint8]:
        """Render one frame for each car.

        Args:
            pose: (N, 3) x [m], y [m], yaw [rad] of the cars.
            surface: (N,) index of the surface that each car drives on.
            view: (N,) of `VIEW_DTYPE`.
            noise_seed: (N,) uint64; the same seed gives the same noise.
            out: (N, rows, columns, channels) uint8, contiguous, to render into.
            objects: (N, M) of `OBJECT_DTYPE`: what stands on the ground; nothing if not given.

        Returns:
            The frames: ``out`` if it was given.

        Raises:
            SimError: If the arrays do not fit each other or a surface does not exist.
        """
        shape = (len(pose), *self.camera.shape)
        if out is None:
            out = np.empty(shape, np.uint8)
        elif out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise SimError(f"out is {out.dtype} {out.shape}: give contiguous uint8 {shape}")
        if not len(surface) == len(view) == len(noise_seed) == len(pose):
            raise SimError(f"{len(pose)} poses: give as many surfaces, views and noise seeds")
        if pose.shape != (len(pose), 3):
            raise SimError(f"poses are {pose.shape}: give ({len(pose)}, 3): x, y [m] and yaw [rad]")
        views = view_numbers(view)
        done = self._render_frames(
            np.ascontiguousarray(pose, np.float64),
            np.ascontiguousarray(surface, np.int64),
            views,
            self._optics,
            self._atlas,
            out,
        )
        if not done:
            raise SimError(
                f"surface index out of range: the renderer has surfaces 0 to {len(self._shapes) - 1}"
            )
        if objects is not None and objects.shape[1]:
            if len(objects) != len(pose):
                raise SimError(f"{len(pose)} poses, objects around {len(objects)}: give those around each")
            self._draw_objects(pose, views, objects, out)
        self._expose(views, np.ascontiguousarray(noise_seed, np.uint64), self._tile, out)
        return out

    def repaint(self, index: int, surface: Surface) -> None:
        """Put another look of the same ground in a surface's place.

        Raises:
            SimError: It has another size.
        """
        from .atlas import paint

        if surface.shape != self._shapes[index]:
            raise SimError(f"surface is {surface.shape} texels: give one of {self._shapes[index]}, as before")
        paint(self._atlas, index, surface)

    def close(self) -> None:
        """Nothing to release."""

    def _draw_objects(
        self,
        pose: NDArray[np.float64],
        view: NDArray[np.float64],
        objects: NDArray[np.void],
        frames: NDArray[np.uint8],
    ) -> None:
        from .solids import draw_objects, make_lens

        if self._lens is None:
            self._lens = make_lens(self.camera)
        draw_objects(self._lens, np.ascontiguousarray(pose, np.float64), view, objects, frames)


def _optics(camera: Camera) -> Optics:
    """A camera's rays, scaled and padded for the compiled loops."""
    from .render_kernels import Optics
    from .simd import LANES

    columns = camera.shape[1]
    top, _, left, _ = camera.crop
    padding = -columns % LANES
    # Scaled by this, a ray of any lens sees a patch of ground as large as a pinhole camera's of equal drop.
    scale = (camera.focal * camera.pixel_angles()) ** (-2 / 3)
    samples = [(k + 0.5) / count - 0.5 for count in (1, 2, 4) for k in range(count)]
    seen = np.stack([np.moveaxis(camera.lens_rays(v) * scale[..., None], -1, 1) for v in samples], axis=1)
    rays = np.pad(seen.astype(np.float32), ((0, 0), (0, 0), (0, 0), (0, padding)), mode="edge")
    blocks = np.moveaxis(rays, 1, 2).reshape(len(rays), 3, -1, (columns + padding) // LANES, LANES)
    middle, low, high = rays[:, 0, :, LANES // 2 :: LANES], blocks.min(axis=(2, 4)), blocks.max(axis=(2, 4))
    return Optics(
        straight=camera.distortion is None and camera.roll == 0.0,
        focal=camera.focal,
        corner=np.array([0.5 - camera.width / 2, 0.5 - camera.height / 2]) / camera.focal,
        top=top,
        mount=np.array([*camera.position, camera.pitch, camera.roll]),
        rays=rays,
        boxes=np.stack([np.moveaxis(part, 1, 0).reshape(3, -1) for part in (middle, low, high)]),
        ramp=np.arange(left, left + columns + padding, dtype=np.float32),
    )
