"""From what a policy says to what the car's actuators are told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ContractError, check_integer, check_number, check_sequence

#: Steering that reaches the wheels, to each side [deg]; as in DeepRacer's simulator.
MAX_STEERING: Final = 30.0
#: Speeds that reach the wheels [m/s]; as in DeepRacer's simulator.
MIN_SPEED: Final = 0.1
MAX_SPEED: Final = 4.0

_MOST_ACTIONS: Final = 1000


class Command(NamedTuple):
    """What the actuators are told: steering angle [rad], + = left, and speed [m/s]."""

    steering: float
    speed: float


@dataclass(frozen=True)
class DiscreteActions:
    """A list to choose from; an action is an index into it.

    Attributes:
        actions: Steering angle [deg], + = left, and speed [m/s] of each action.

    Raises:
        ContractError: The list is empty or a value is not a sensible number.
    """

    actions: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        rows = check_sequence(self.actions, "actions", "a list of [steering in degrees, speed in m/s]")
        check_integer(len(rows), "number of actions", 1, _MOST_ACTIONS)
        object.__setattr__(self, "actions", tuple(_pair(row, f"action {i}") for i, row in enumerate(rows)))

    @property
    def size(self) -> int:
        """Values that the model gives for one observation: a probability for each action."""
        return len(self.actions)

    @cached_property
    def named(self) -> NDArray[np.float64]:
        """The actions (n, 2) as steering [deg] and speed [m/s]."""
        return np.array(self.actions)

    @cached_property
    def commands(self) -> NDArray[np.float64]:
        """The actions (n, 2) as steering [rad] and speed [m/s] that reach the wheels."""
        return _to_wheels(self.named)


@dataclass(frozen=True)
class ContinuousActions:
    """Two numbers in [-1, 1], steering and speed, scaled linearly to bounds.

    Attributes:
        low: Steering angle [deg] and speed [m/s] at -1.
        high: Steering angle [deg], + = left, and speed [m/s] at 1.

    Raises:
        ContractError: A bound is not a sensible number, or a lower one is not below its upper one.
    """

    low: tuple[float, float]
    high: tuple[float, float]

    def __post_init__(self) -> None:
        low, high = _pair(self.low, "lower bound"), _pair(self.high, "upper bound")
        for name, bottom, top in zip(("steering", "speed"), low, high, strict=True):
            if not bottom < top:
                raise ContractError(f"{name} goes from {bottom:g} to {top:g}: give the lower bound first")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def size(self) -> int:
        """Values that the model gives for one observation."""
        return 2


ActionSpace = DiscreteActions | ContinuousActions


def to_metadata_units(space: ActionSpace, actions: NDArray[Any]) -> NDArray[np.float64]:
    """What actions mean in the units of model_metadata.json, before anything is limited.

    Args:
        space: The action space.
        actions: (N,) indices, or (N, 2) in [-1, 1], where values outside are clipped.

    Returns:
        (N, 2) steering [deg] and speed [m/s].
    """
    if isinstance(space, DiscreteActions):
        return space.named[actions]
    low, high = np.array(space.low), np.array(space.high)
    return low + (np.clip(actions, -1.0, 1.0).astype(np.float64) + 1.0) / 2.0 * (high - low)


def to_commands(space: ActionSpace, actions: NDArray[Any]) -> NDArray[np.float64]:
    """What the actuators are told: clipped to what reaches the wheels.

    Args:
        space: The action space.
        actions: (N,) indices, or (N, 2) in [-1, 1].

    Returns:
        (N, 2) float64, steering [rad] and speed [m/s].
    """
    if isinstance(space, DiscreteActions):
        return space.commands[actions]
    return _to_wheels(to_metadata_units(space, actions))


def to_command(space: ActionSpace, action: ArrayLike) -> Command:
    """What the actuators are told for one action, which is checked.

    Args:
        space: The action space.
        action: An index, or (2,) numbers in [-1, 1], clipped.

    Raises:
        ContractError: The action is not one of this space, or not finite.
    """
    value = np.asarray(action)
    if isinstance(space, DiscreteActions):
        if value.shape != () or not np.issubdtype(value.dtype, np.integer) or not 0 <= value < space.size:
            raise ContractError(f"action is {_shown(action)}: give an index from 0 to {space.size - 1}")
        steering, speed = space.commands[int(value)].tolist()
    else:
        if value.shape != (2,) or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
            raise ContractError(f"action is {_shown(action)}: give two finite numbers from -1 to 1")
        steering, speed = to_commands(space, value[None])[0].tolist()
    return Command(steering, speed)


def choose(space: ActionSpace, outputs: NDArray[np.float32]) -> NDArray[Any]:
    """The actions that a model's outputs stand for: the most probable, or the outputs clipped.

    Args:
        space: The action space.
        outputs: (B, n) what the model gave.

    Returns:
        (B,) int64 indices, the first of equals; or (B, 2) float32 in [-1, 1].
    """
    if isinstance(space, DiscreteActions):
        return outputs.argmax(axis=1)
    return np.clip(outputs, -1.0, 1.0)


def _to_wheels(named: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) [deg, m/s] to (N, 2) [rad, m/s], clipped."""
    wheels = np.clip(named, (-MAX_STEERING, MIN_SPEED), (MAX_STEERING, MAX_SPEED))
    wheels[:, 0] = np.radians(wheels[:, 0])
    return wheels


def check_steering(value: object, where: str) -> float:
    """`value` as a steering angle [deg]; what the wheels cannot do is clipped only on its way to them."""
    return check_number(value, where, -90, 90)


def check_speed(value: object, where: str) -> float:
    """`value` as a speed [m/s]; what the car cannot do is clipped only on its way to the wheels."""
    return check_number(value, where, 0, 100)


def _pair(value: object, where: str) -> tuple[float, float]:
    steering, speed = check_sequence(value, where, "[steering in degrees, speed in m/s]", 2)
    return check_steering(steering, f"{where}: steering"), check_speed(speed, f"{where}: speed")


def _shown(action: object) -> str:
    shown = " ".join(str(action).split())
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
