"""What the servo and the motor are told, for a policy's command and for a hand's."""

from __future__ import annotations

import math

import pytest

from hairpin.edge.hand import Hand
from hairpin.edge.throttle import steering, throttle


def test_the_throttle_map_is_deepracers() -> None:
    assert throttle(3.0, 3.0, 1.0) == pytest.approx(1.0)
    assert throttle(1.5, 3.0, 1.0) == pytest.approx(0.8)
    assert throttle(1.5, 3.0, 0.5) == pytest.approx(0.4)
    assert throttle(0.0, 3.0, 1.0) == 0.0
    assert throttle(9.0, 3.0, 1.0) == pytest.approx(1.0)
    assert throttle(-3.0, 3.0, 0.5) == pytest.approx(-0.5)
    assert steering(math.radians(15), 0.0) == pytest.approx(0.5)
    assert steering(math.radians(-90), 0.0) == -1.0


def test_a_hand_is_clipped_and_scaled_to_the_limit() -> None:
    hand = Hand()
    assert tuple(hand.command(2.0)) == (0.0, 0.0)
    hand.move(-3.0, 0.5)
    command = hand.command(2.0)
    assert (round(command.steering, 4), command.speed) == (-0.5236, 1.0)
    hand.move(float("nan"), float("nan"))
    assert tuple(hand.command(2.0)) == (0.0, 0.0)
