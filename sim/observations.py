"""Observations of many cars, whether they are frames alone or what each sensor gives by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import Observation


def of_car(observation: Observation, car: int) -> Any:
    """What one of the cars sees."""
    if isinstance(observation, np.ndarray):
        return observation[car]
    return {name: values[car] for name, values in observation.items()}


def copy_of_car(observation: Observation, car: int) -> Any:
    """The same as a copy, which later writes to the batch leave alone."""
    if isinstance(observation, np.ndarray):
        return observation[car].copy()
    return {name: values[car].copy() for name, values in observation.items()}


def put(observation: Observation, which: NDArray[np.intp], part: Observation) -> None:
    """Write what some cars see (K, ...) into a batch."""
    if isinstance(observation, np.ndarray):
        assert isinstance(part, np.ndarray)
        observation[which] = part
        return
    assert not isinstance(part, np.ndarray)
    for name, values in observation.items():
        values[which] = part[name]
