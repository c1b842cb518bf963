"""New colours while a training goes on: more looks than memory holds at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from hairpin.sim import World
from hairpin.tracks.style import STYLES, Style, legibility, random_style

NOMINAL: Final = 1 / 8
"""Share of the surfaces that get the nominal colours."""
FAINT: Final = 1 / 4
"""Share that is hard to see: policies fail in few looks alone, those with little contrast, which are rare."""
_DRAWS: Final = 16  # of which the faintest is taken


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
        draws = _DRAWS if kind < NOMINAL + FAINT else 1
        return min((random_style(self._rng) for _ in range(draws)), key=legibility)

    def _on_step(self) -> bool:
        return True
