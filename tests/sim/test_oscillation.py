"""The measure of swinging: zero for a steady hand, the variance of what swings fast, straights alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairpin.sim.oscillation import CUTOFF, STRAIGHT, fast_power, mean_change

RATE = 15.0
TIME = np.arange(90) / RATE
ROAD = np.zeros(90)


def test_change_is_the_mean_step() -> None:
    assert mean_change([np.array([0.0, 3.0, 0.0]), np.array([1.0, 2.0])]) == pytest.approx(7 / 3)
    assert mean_change([]) == mean_change([np.array([5.0])]) == 0.0


@given(
    hertz=st.floats(CUTOFF + 2.1, 5.4),
    amplitude=st.floats(1.0, 30.0),
    phase=st.floats(0.0, 6.3),
    mean=st.floats(-20.0, 20.0),
)
def test_power_of_a_fast_sine_is_its_variance(hertz, amplitude, phase, mean) -> None:
    swing = mean + amplitude * np.sin(2 * np.pi * hertz * TIME + phase)
    assert fast_power([swing], [ROAD], RATE) == pytest.approx(amplitude**2 / 2, rel=0.1)


def test_slow_steering_has_none() -> None:
    assert fast_power([np.full(90, 12.0)], [ROAD], RATE) == pytest.approx(0.0, abs=1e-9)
    slow = 20.0 * np.sin(2 * np.pi * 0.4 * TIME)
    assert fast_power([slow], [ROAD], RATE) < 0.01 * 200


def test_bends_do_not_count() -> None:
    swing = 10.0 * np.sin(2 * np.pi * 5.0 * TIME)
    bend = np.where(TIME < 3.0, 0.0, STRAIGHT)
    only_straight = np.where(TIME < 3.0, 0.0, swing)
    assert fast_power([only_straight], [bend], RATE) == pytest.approx(0.0, abs=1e-9)
    assert fast_power([swing], [-bend], RATE) == pytest.approx(50.0, rel=0.1)
    assert fast_power([swing], [np.full(90, 0.5)], RATE) is None
    short = np.where(np.arange(90) % 14 == 0, 1.0, 0.0)  # straights of 13 steps: less than a second
    assert fast_power([swing], [short], RATE) is None
