"""The renderer of a world: its camera over the surfaces of its tracks."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.style import STYLES, random_style
from hairpin.tracks.surface import Surface, rasterise

from .config import WorldConfig
from .render import Renderer


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
    """The surfaces of all tracks, track after track, `Randomization.surfaces` of each."""
    rng = np.random.default_rng(0)  # the pool of styles is part of the world, not of an episode
    styles = [STYLES["deepracer"], *(random_style(rng) for _ in range(config.randomization.styles))]
    return [rasterise(track, style) for track in config.tracks for style in styles]


def make_renderer(config: WorldConfig, surfaces: list[Surface]) -> FrameRenderer:
    """The renderer that a configuration names."""
    if config.renderer == "bullet":
        from .bullet_camera import BulletRenderer

        return BulletRenderer(config.camera, surfaces)
    return Renderer(config.camera, surfaces)
