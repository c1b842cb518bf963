"""Latency histograms: fixed memory, however long the drive."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SHORTEST: Final = 1e-6  # [s]
_RATIO: Final = 1.02  # between neighbouring bins: percentiles are right to 1 %
_BINS: Final = 1 + math.ceil(math.log(100.0 / _SHORTEST) / math.log(_RATIO))  # up to 100 s


@dataclass(frozen=True)
class Percentiles:
    """How long something took [s]."""

    p50: float
    p90: float
    p99: float
    longest: float
    count: int


class Histogram:
    """Durations, counted in bins that grow by a constant ratio."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(_BINS, np.int64)
        self._longest = 0.0

    def add(self, duration: float) -> None:
        """Count one duration [s]."""
        bin_ = int(math.log(max(duration, _SHORTEST) / _SHORTEST) / math.log(_RATIO))
        self._counts[min(bin_, _BINS - 1)] += 1
        self._longest = max(self._longest, duration)

    def percentiles(self) -> Percentiles:
        """The percentiles so far; NaN if nothing was counted."""
        total = int(self._counts.sum())
        if not total:
            return Percentiles(math.nan, math.nan, math.nan, math.nan, 0)
        below = np.cumsum(self._counts)
        bins = [int(np.searchsorted(below, share * total)) for share in (0.5, 0.9, 0.99)]
        # The middle of the bin, but never more than what was seen.
        p50, p90, p99 = (min(_SHORTEST * _RATIO ** (b + 0.5), self._longest) for b in bins)
        return Percentiles(p50, p90, p99, self._longest, total)


class Latency:
    """One histogram for each stage of the way from frame to command.

    Attributes:
        stages: Histograms by the name of the stage, in the order of the way.
    """

    def __init__(self) -> None:
        self.stages: dict[str, Histogram] = {}

    def add(self, stage: str, duration: float) -> None:
        """Count one duration [s] of a stage."""
        histogram = self.stages.get(stage) or Histogram()
        histogram.add(duration)
        self.stages[stage] = histogram

    def percentiles(self) -> dict[str, Percentiles]:
        """The percentiles of each stage; another thread may add to them meanwhile."""
        return {stage: histogram.percentiles() for stage, histogram in list(self.stages.items())}

    def milliseconds(self) -> dict[str, dict[str, float]]:
        """The percentiles of each stage as JSON, `{"infer": {"p50": ..., ...}, ...}` [ms]."""
        return {
            stage: {name: round(1e3 * getattr(values, name), 4) for name in ("p50", "p90", "p99", "longest")}
            for stage, values in self.percentiles().items()
        }
