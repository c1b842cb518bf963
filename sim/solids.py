"""Objects as cameras see them: each a few boxes, whose rays are found by `solid_kernels`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .objects import Kind
from .solid_kernels import PARTS, Lens, draw_solids

TYRE: Final = (34.0, 34.0, 38.0)
GLASS: Final = (58.0, 66.0, 80.0)

# A part of an object: from x to x and y to y as shares of half its length and width, from z to z as shares of
# its height, and its colour, or `None` for the object's own. Axles, body, cabin.
_Part = tuple[float, float, float, float, float, float, tuple[float, float, float] | None]
_BOX: Final[tuple[_Part, ...]] = ((-1.0, 1.0, -1.0, 1.0, 0.0, 1.0, None),)
_CAR: Final[tuple[_Part, ...]] = (
    (0.30, 0.72, -1.0, 1.0, 0.0, 0.44, TYRE),
    (-0.72, -0.30, -1.0, 1.0, 0.0, 0.44, TYRE),
    (-1.0, 1.0, -0.72, 0.72, 0.16, 0.56, None),
    (-0.62, 0.40, -0.55, 0.55, 0.56, 1.0, GLASS),
)
_SHAPES: Final = {Kind.BOX: _BOX, Kind.CAR: _CAR}


def parts_of(kind: Kind) -> tuple[_Part, ...]:
    """The parts that an object of a kind is drawn of."""
    return _SHAPES[kind]


def make_lens(camera: Camera) -> Lens:
    """A camera's rays and its projection, as the compiled loops need them."""
    top, _, left, _ = camera.crop
    rays = camera.lens_rays()
    across, down = (np.gradient(rays, axis=axis) if rays.shape[axis] > 1 else 0.0 * rays for axis in (1, 0))
    distortion = camera.distortion or (0.0, 0.0, 0.0, 0.0)
    return Lens(
        rays=rays,
        across=across,
        down=down,
        mount=np.array([*camera.position, camera.pitch, camera.roll]),
        focal=camera.focal,
        middle=np.array([camera.width / 2 - left, camera.height / 2 - top]),
        fisheye=camera.distortion is not None,
        distortion=np.array(distortion),
        widest=camera.widest,
        cone=float(np.arccos(rays[..., 0].min())) + 0.02,
    )


def draw_objects(
    lens: Lens,
    pose: NDArray[np.float64],
    view: NDArray[np.float64],
    objects: NDArray[np.void],
    frames: NDArray[np.uint8],
) -> None:
    """Draw objects into frames that show the ground.

    Args:
        lens: The camera.
        pose: (N, 3) x, y [m] and yaw [rad] of the cars that carry it.
        view: (N, 7) in the order of `VIEW_DTYPE`.
        objects: (N, M) of `OBJECT_DTYPE`.
        frames: (N, rows, columns, channels) uint8, drawn into.
    """
    draw_solids(lens, pose, view, objects, _TABLE, frames)


def _table() -> NDArray[np.float64]:
    """(kinds, PARTS, 10) the parts of each kind: bounds, whether the colour is their own, and that colour."""
    table = np.zeros((len(_SHAPES), PARTS, 10))
    for kind, parts in _SHAPES.items():
        for k, (*bounds, colour) in enumerate(parts):
            table[kind, k] = [*bounds, colour is not None, *(colour or (0.0, 0.0, 0.0))]
    return table


_TABLE: Final = _table()
