"""What a policy's robustness is tried with: each disturbance alone, at several strengths, then all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hairpin.sim import Randomization
from hairpin.sim.randomize import FULL, scaled

#: Random colourings that trials draw from, of a seed that no training uses.
STYLES: Final = 16
STYLE_SEED: Final = 1


@dataclass(frozen=True)
class Cell:
    """One disturbance at one strength.

    Attributes:
        label: The strength, for people.
        variants: What each half of the trials is driven with: both sides of what has two.
    """

    label: str
    variants: tuple[Randomization, Randomization]


@dataclass(frozen=True)
class Disturbance:
    """One disturbance at several strengths, weaker ones first."""

    name: str
    cells: tuple[Cell, ...]


_COLOURS: Final = Cell("random", (Randomization(styles=STYLES, style_seed=STYLE_SEED),) * 2)
NOMINAL: Final = Cell("as it is", (Randomization(),) * 2)


def disturbances() -> tuple[Disturbance, ...]:
    """All that a card shows. The third strength of most is the end of what "full" randomisation draws."""
    return (
        _one("steering lag", "steering_tau", (0.1, 0.15, 0.25, 0.4), _seconds),
        _one("action delay", "action_delay", (1, 2, 3), lambda n: f"{n:g} step{'s' * (n > 1)}"),
        _one("old frames", "latency", (0.03, 0.07, 0.12, 0.2), _seconds),
        _one("grip", "friction", (0.7, 0.5, 0.35, 0.25), lambda mu: f"μ {mu:g}"),
        _one("speed lag", "speed_tau", (0.3, 0.4, 0.6, 1.0), _seconds),
        _sides("speed", "speed_gain", (0.1, 0.2, 0.3, 0.4), _around_one, _percent),
        _sides("steering gain", "steering_gain", (0.1, 0.15, 0.25, 0.4), _around_one, _percent),
        _sides("steering offset", "steering_offset", (1.0, 2.0, 3.0, 5.0), _radians, _degrees),
        _sides("mass", "mass_scale", (1.1, 1.25, 1.5, 2.0), lambda f: (1 / f, f), lambda f: f"x or / {f:g}"),
        _sides("camera pitch", "pitch", (1.0, 2.3, 4.0, 6.0), _radians, _degrees),
        _sides("camera roll", "roll", (1.0, 2.3, 4.0, 6.0), _radians, _degrees),
        _sides("camera yaw", "yaw", (1.0, 2.3, 4.0, 6.0), _radians, _degrees),
        _sides("camera height", "height", (0.005, 0.01, 0.02, 0.04), _plain, lambda m: f"± {100 * m:g} cm"),
        Disturbance("colours", (_COLOURS,)),
        _sides("contrast", "gain", (0.15, 0.3, 0.45, 0.6), _around_one, _percent),
        _sides("brightness", "bias", (15.0, 30.0, 50.0, 80.0), _plain, lambda b: f"± {b:g}"),
        _one("noise", "noise", (4.0, 8.0, 16.0, 32.0), lambda levels: f"{levels:g} levels"),
        Disturbance("all together", tuple(_everything(factor) for factor in (0.5, 0.75, 1.0, 1.5))),
    )


def _one(name: str, field: str, values: tuple[float, ...], label: Callable[[float], str]) -> Disturbance:
    """A disturbance of one side."""
    return Disturbance(name, tuple(Cell(label(value), (_fixed(field, value),) * 2) for value in values))


def _sides(
    name: str,
    field: str,
    values: tuple[float, ...],
    both: Callable[[float], tuple[float, float]],
    label: Callable[[float], str],
) -> Disturbance:
    """A disturbance of two sides; half of the trials get each."""
    cells = []
    for value in values:
        low, high = both(value)
        cells.append(Cell(label(value), (_fixed(field, low), _fixed(field, high))))
    return Disturbance(name, tuple(cells))


def _fixed(field: str, value: float) -> Randomization:
    ranges = {field: (value, value)}
    return Randomization(**ranges)  # type: ignore[arg-type]  # all fields that are ranges


def _everything(factor: float) -> Cell:
    full = dataclasses.replace(FULL, styles=STYLES, style_seed=STYLE_SEED, offset=None, heading=None)
    return Cell(f"full x {factor:g}", (scaled(full, factor),) * 2)


def _around_one(share: float) -> tuple[float, float]:
    return 1.0 - share, 1.0 + share


def _plain(value: float) -> tuple[float, float]:
    return -value, value


def _radians(degrees: float) -> tuple[float, float]:
    return -math.radians(degrees), math.radians(degrees)


def _seconds(value: float) -> str:
    return f"{1000 * value:.0f} ms"


def _percent(share: float) -> str:
    return f"± {100 * share:.0f} %"


def _degrees(value: float) -> str:
    return f"± {value:g}°"
