"""Generated tracks to learn on and to be judged on, for policies that drive where they have never been."""

from __future__ import annotations

from typing import Final

import numpy as np

from hairpin.tracks import Track
from hairpin.tracks.generator import generate

#: What tracks differ in [m]. DeepRacer's own are 0.6 to 1.1 m wide and 16 to 69 m long, their tightest bends
#: 0.4 to 1 m; longer tracks would teach no other bends, and take more memory.
WIDTH: Final = (0.45, 1.1)
LENGTH: Final = (12.0, 30.0)
RADIUS: Final = (0.35, 0.8)
#: Ground between parts of the road that pass each other: where it is little, the wrong one looks inviting.
GAP: Final = (0.03, 0.4)


def training_tracks(count: int, seed: int) -> tuple[Track, ...]:
    """Tracks to train on; the same seed gives the same ones."""
    return _tracks(count, [seed, 0])


def exam_tracks(count: int, seed: int) -> tuple[Track, ...]:
    """Tracks that are none of `training_tracks` of the same seed."""
    return _tracks(count, [seed, 1])


def _tracks(count: int, seed: list[int]) -> tuple[Track, ...]:
    rng = np.random.default_rng(seed)
    return tuple(
        generate(
            int(rng.integers(2**31)),
            length=round(float(rng.uniform(*LENGTH)), 2),
            width=_mostly_low(rng, *WIDTH),
            min_radius=_mostly_low(rng, *RADIUS),
            gap=_mostly_low(rng, *GAP),
        )
        for _ in range(count)
    )


def _mostly_low(rng: np.random.Generator, low: float, high: float) -> float:
    """A number, low ones more likely: narrow roads and tight bends are what is hard."""
    return round(low + (high - low) * float(rng.uniform()) ** 2, 2)
