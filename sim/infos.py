"""What the environments tell beside observation and reward: of one car, and of many in Gymnasium's layout.

Keys: `status` (DeepRacer's name of the episode's state), `progress` [%], `laps` done, `speed` [m/s], `x` and
`y` of the car's front [m]; after the step that completes a lap `lap_time` [s]; `reward_terms` where the
reward names them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .rules import Status
from .world import Step, World

_LABELS: Final = np.array([status.label for status in Status], dtype=object)
_NOTHING: Final = np.array(None, dtype=object)


def single_info(world: World, step: Step | None = None) -> dict[str, Any]:
    """The info of a world's only car, after a reset or a step."""
    info: dict[str, Any] = {name: values.tolist()[0] for name, values in _state(world).items()}
    if step is not None:
        if not np.isnan(step.lap_time[0]):
            info["lap_time"] = float(step.lap_time[0])
        terms = {name: float(values[0]) for name, values in step.terms.items()}
        if terms:
            info["reward_terms"] = terms
    return info


def vector_infos(
    world: World,
    cars: NDArray[np.bool_],
    step: Step | None = None,
    stepped: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """The infos of some cars: per key the values (N,) and, under `_key`, which cars have it.

    Args:
        world: The world.
        cars: (N,) the cars to tell of.
        step: What their last step gave.
        stepped: (N,) which of them to tell the step's part of; all if not given.
    """
    infos: dict[str, Any] = {}
    for name, values in _state(world).items():
        _enter(infos, name, values, cars)
    if step is None:
        return infos
    stepped = cars if stepped is None else stepped
    _enter(infos, "lap_time", step.lap_time, stepped & ~np.isnan(step.lap_time))
    terms: dict[str, Any] = {}
    for name, values in step.terms.items():
        _enter(terms, name, values, stepped & ~np.isnan(values))
    if terms:
        masks = [mask for name, mask in terms.items() if name.startswith("_") and name[1:] in terms]
        infos["reward_terms"], infos["_reward_terms"] = terms, np.logical_or.reduce(masks)
    return infos


def _state(world: World) -> dict[str, NDArray[Any]]:
    race = world.race
    return {
        "status": _LABELS[race.status],
        "progress": race.progress,
        "laps": race.laps,
        "speed": world.velocity[:, 0],
        "x": world.places["x"],
        "y": world.places["y"],
    }


def _enter(infos: dict[str, Any], name: str, values: NDArray[Any], cars: NDArray[np.bool_]) -> None:
    """Enter a key; as Gymnasium has it, not at all if no car has it, and 0 or `None` where one has not."""
    if cars.any():
        infos[name] = np.where(cars, values, _NOTHING if values.dtype == object else values.dtype.type(0))
        infos[f"_{name}"] = cars.copy()
