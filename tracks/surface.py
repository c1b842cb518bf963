"""The ground as a mip-mapped picture seen from above, from which every camera frame is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .style import STYLES, Style
from .track import Track
from .validate import TrackError

TEXEL: Final = 0.005
"""Edge of a texel [m] on all but very large tracks."""

# A track whose picture would hold more texels than this gets larger ones; 3 bytes each, 1 more in levels.
_MAX_TEXELS: Final = 6_000_000
# The coarsest level's texels are about this large [m]: pixels that see more ground lie within two rows of the
# horizon.
_COARSEST: Final = 0.64


@dataclass(frozen=True, eq=False)
class Surface:
    """Ground of a track, seen from above.

    Attributes:
        origin: (2,) world position [m] of the lower left corner of texel (0, 0).
        texel: Edge of a texel of level 0 [m].
        levels: Level k is (H >> k, W >> k, 3) uint8 RGB with texels of ``texel * 2**k``, each the mean of
            four of the level before; row 0 has the lowest y. H and W divide by ``2**(len(levels) - 1)``.
        style: What it was coloured with. `style.field` goes on beyond the picture, `style.sky` lies above the
            horizon.
    """

    origin: NDArray[np.float64]
    texel: float
    levels: tuple[NDArray[np.uint8], ...]
    style: Style

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of level 0."""
        return self.levels[0].shape[0], self.levels[0].shape[1]

    @property
    def size(self) -> NDArray[np.float64]:
        """Extent (2,) in x and y [m]."""
        height, width = self.levels[0].shape[:2]
        return np.array([width, height]) * self.texel


def rasterise(
    track: Track,
    style: Style = STYLES["deepracer"],
    texel: float | None = None,
    margin: float = 1.0,
) -> Surface:
    """Draw a track from above; either driving direction gives the same picture.

    Args:
        track: Closed or open track.
        style: Colours, lines and texture.
        texel: Edge of a texel [m]; by default 5 mm, more for tracks that would take too much memory.
        margin: Field [m] around the road.

    Raises:
        TrackError: If texel or margin is out of range.
    """
    from .raster import draw

    low, size = extent(track, margin)
    if texel is None:
        texel = default_texel(track, margin)
    if not 0 < texel <= _COARSEST:
        raise TrackError(f"texel={texel}: give an edge above 0 and up to {_COARSEST} m")
    num_levels = 1 + max(0, round(float(np.log2(_COARSEST / texel))))
    block = 1 << (num_levels - 1)
    width, height = (np.ceil(size / (texel * block)).astype(int) * block).tolist()
    levels = draw(track, style, low, texel, (height, width), num_levels)
    return Surface(low, texel, levels, style)


def default_texel(track: Track, margin: float = 1.0) -> float:
    """Edge of a texel [m] that `rasterise` takes by default."""
    return max(TEXEL, float(np.sqrt(extent(track, margin)[1].prod() / _MAX_TEXELS)))


def extent(track: Track, margin: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower left corner (2,) and size (2,) [m] of the rectangle that `rasterise` draws.

    Raises:
        TrackError: The margin is out of range.
    """
    if not 0.2 <= margin <= 100:
        raise TrackError(f"margin={margin}: give 0.2 to 100 m")
    points = np.concatenate((track.inner, track.outer))
    low = points.min(axis=0) - margin
    return low, points.max(axis=0) + margin - low
