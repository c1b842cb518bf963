"""Gymnasium spaces of what a policy sees and says, and the check of what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hairpin.edge.contract import ActionSpace, DiscreteActions, ObservationSpec

from .errors import SimError


def observation_space(spec: ObservationSpec) -> spaces.Space[Any]:
    """Camera frames (h, w, c) uint8; beside a lidar, a dictionary of what each sensor gives."""
    camera = spaces.Box(0, 255, spec.shape, np.uint8)
    if spec.lidar is None:
        return camera
    lidar = spaces.Box(*spec.lidar.bounds, (spec.lidar.size,), np.float32)
    return spaces.Dict({spec.sensor: camera, spec.lidar.sensor: lidar})


def action_space(actions: ActionSpace) -> spaces.Space[Any]:
    """An index for a discrete space; steering and speed in [-1, 1] for a continuous one."""
    if isinstance(actions, DiscreteActions):
        return spaces.Discrete(len(actions.actions))
    return spaces.Box(-1.0, 1.0, (2,), np.float32)


def as_actions(actions: Any) -> NDArray[Any]:
    """What a user gave as actions, as an array.

    Raises:
        SimError: It is none, such as lists of different lengths.
    """
    try:
        return np.asarray(actions)
    except ValueError as error:
        raise SimError(f"actions are {_shown(actions)}: give an array of numbers") from error


def check_actions(space: ActionSpace, actions: NDArray[Any], num_cars: int) -> None:
    """Refuse actions that do not fit.

    Args:
        space: The action space.
        actions: (N,) indices, or (N, 2) numbers.
        num_cars: N.

    Raises:
        SimError: The shape or the type is wrong, an index is out of range, a number is not finite.
    """
    if isinstance(space, DiscreteActions):
        wanted = f"({num_cars},) whole numbers from 0 to {space.size - 1}"
        fits = actions.shape == (num_cars,) and actions.dtype.kind in "iu"
        fits = fits and bool(((actions >= 0) & (actions < space.size)).all())
    else:
        wanted = f"({num_cars}, 2) finite numbers in [-1, 1]"
        fits = (
            actions.shape == (num_cars, 2)
            and actions.dtype.kind in "fiu"
            and bool(np.isfinite(actions).all())
        )
    if not fits:
        raise SimError(
            f"actions are {actions.dtype} {actions.shape} {_shown(actions.tolist())}: give {wanted}"
        )


def _shown(actions: Any) -> str:
    text = " ".join(str(actions).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
