"""New colours while a training goes on: more looks than memory holds at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from hairpin.sim import World
from hairpin.tracks.style import STYLES, random_style

NOMINAL: Final = 1 / 8
"""Share of the surfaces that get the nominal colours."""


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
            nominal = self._rng.random() < NOMINAL
            self._world.repaint(self._next, STYLES["deepracer"] if nominal else random_style(self._rng))
            self._next = (self._next + 1) % len(self._world.surfaces)

    def _on_step(self) -> bool:
        return True
