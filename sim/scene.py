"""The renderer of a world: its camera over the surfaces of its tracks."""

from __future__ import annotations

import functools
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks import Track
from hairpin.tracks.style import STYLES, Style, random_style
from hairpin.tracks.surface import Surface, default_texel, extent, rasterise

from .config import WorldConfig
from .render import Renderer

EYES: Final = (0.03, -0.03)
"""How far to the left of the single camera the two of a stereo camera are [m]."""

#: Texels of all surfaces of a world; with their levels 4 bytes each, and 3 more as gray cameras read them.
MAX_TEXELS: Final = 64_000_000


class FrameRenderer(Protocol):
    """Draws what the cars' cameras see."""

    def render(
        self,
        pose: NDArray[np.float64],
        surface: NDArray[np.int64],
        view: NDArray[np.void],
        noise_seed: NDArray[np.uint64],
        out: NDArray[np.uint8] | None = None,
        objects: NDArray[np.void] | None = None,
    ) -> NDArray[np.uint8]:
        """Frames (N, h, w, c) of N cars and what stands around each, (N, M) of `OBJECT_DTYPE`."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


def make_surfaces(config: WorldConfig) -> list[Surface]:
    """The surfaces of all tracks, track after track, `Randomization.surfaces` of each.

    Each track has its own random styles. All surfaces together hold about `MAX_TEXELS` texels at most: those
    of many or long tracks are coarser.
    """
    # The styles are part of the world, not of an episode.
    rng = np.random.default_rng(config.randomization.style_seed)
    texels = sum(float(np.prod(extent(track)[1])) for track in config.tracks) * config.randomization.surfaces
    coarsest = float(np.sqrt(texels / MAX_TEXELS))
    return [
        _surface(track, style, max(default_texel(track), coarsest))
        for track in config.tracks
        for style in (STYLES["deepracer"], *(random_style(rng) for _ in range(config.randomization.styles)))
    ]


@functools.lru_cache(maxsize=4)  # a training and what judges it have the same nominal surface
def _surface(track: Track, style: Style, texel: float) -> Surface:
    return rasterise(track, style, texel=texel)


def make_renderer(config: WorldConfig, surfaces: list[Surface]) -> FrameRenderer:
    """The renderer that a configuration names."""
    if config.renderer == "bullet":
        from .bullet_camera import BulletRenderer

        return BulletRenderer(config.camera, surfaces)
    return Renderer(config.camera, surfaces)


def sideways(pose: NDArray[np.float64], left: float) -> NDArray[np.float64]:
    """Poses (K, 3) of cars moved to their left [m]; their cameras then see what cameras beside theirs do."""
    x, y, yaw = pose.T
    return np.stack([x - left * np.sin(yaw), y + left * np.cos(yaw), yaw], axis=1)
