"""From actions to commands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairpin.edge import (
    ContinuousActions,
    ContractError,
    DiscreteActions,
    to_command,
    to_commands,
    to_metadata_units,
)
from hairpin.edge.contract import choose

FAST = DiscreteActions(((-45.0, 6.0), (0.0, 0.05), (15.0, 1.5)))
BOUNDS = ContinuousActions((-20.0, 1.0), (30.0, 5.0))


def test_params_see_the_action_and_the_wheels_its_limits() -> None:
    indices = np.array([2, 0, 1])
    assert to_metadata_units(FAST, indices).tolist() == [[15.0, 1.5], [-45.0, 6.0], [0.0, 0.05]]
    commands = to_commands(FAST, indices)
    np.testing.assert_allclose(commands, [[math.radians(15), 1.5], [-math.pi / 6, 4.0], [0.0, 0.1]])
    assert commands.dtype == np.float64


def test_continuous_actions_are_scaled_to_their_bounds() -> None:
    actions = np.array([[-1, -1], [1, 1], [0, 0], [-3, 3]], np.float32)
    assert to_metadata_units(BOUNDS, actions).tolist() == [[-20, 1], [30, 5], [5, 3], [-20, 5]]
    assert to_commands(BOUNDS, actions)[1].tolist() == [math.radians(30), 4.0]


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_one_and_many_agree(steering: float, speed: float) -> None:
    action = np.array([steering, speed], np.float32)
    assert tuple(to_commands(BOUNDS, action[None])[0]) == to_command(BOUNDS, action)


@pytest.mark.parametrize("index", [0, np.int64(1), np.array(2)])
def test_one_index(index: object) -> None:
    assert tuple(to_commands(FAST, np.array([index]))[0]) == to_command(FAST, index)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (FAST, 3),
        (FAST, -1),
        (FAST, 0.5),
        (FAST, [0]),
        (BOUNDS, 0),
        (BOUNDS, [0.0, math.nan]),
        (BOUNDS, [math.inf, 0.0]),
        (BOUNDS, [0.0, 0.0, 0.0]),
        (BOUNDS, ["left", "fast"]),
    ],
)
def test_a_single_action_is_checked(space: DiscreteActions | ContinuousActions, action: object) -> None:
    with pytest.raises(ContractError, match="action is"):
        to_command(space, action)  # type: ignore[arg-type]


def test_the_most_probable_action_is_chosen_and_the_first_of_equals() -> None:
    outputs = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], np.float32)
    assert choose(FAST, outputs).tolist() == [1, 0]
    assert choose(BOUNDS, np.array([[1.5, -0.5]], np.float32)).tolist() == [[1.0, -0.5]]
