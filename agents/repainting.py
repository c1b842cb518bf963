"""New colours while a training goes on: more looks than memory holds at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from hairpin.sim import World
from hairpin.tracks.style import STYLES, Style, random_style, taped_style

NOMINAL: Final = 1 / 8
"""Share of the surfaces that get the nominal colours."""
TAPED: Final = 1 / 4
"""Share of those that look like taped onto a floor, which is what a policy is slowest to see through."""


class Repainting(BaseCallback):
    """Repaints some surfaces of the training world before each round of experience, one after the other.

    Args:
        world: The training world.
        surfaces: How many, each round.
        seed: Of the styles.
    """

    def __init__(self, world: World, surfaces: int, seed: int) -> None:
        super().__init__()
        self._world = world
        self._count = min(surfaces, len(world.surfaces))
        self._rng = np.random.default_rng(seed)
        self._next = 0

    def _on_rollout_start(self) -> None:
        for _ in range(self._count):
            self._world.repaint(self._next, self._look())
            self._next = (self._next + 1) % len(self._world.surfaces)

    def _look(self) -> Style:
        kind = self._rng.random()
        if kind < NOMINAL:
            return STYLES["deepracer"]
        return taped_style(self._rng) if kind < NOMINAL + TAPED else random_style(self._rng)

    def _on_step(self) -> bool:
        return True
