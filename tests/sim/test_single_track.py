"""The single-track model's own properties."""

import math

import numpy as np
import pytest

from hairpin.sim.chassis import GRAVITY, WHEELBASE
from hairpin.sim.physics import make_physics, nominal_car


def test_ten_thousand_random_steps() -> None:
    rng = np.random.default_rng(0)
    physics = make_physics("single_track", 4)
    for _ in range(10_000):
        physics.step(np.stack([rng.uniform(-1.0, 1.0, 4), rng.uniform(-1.0, 6.0, 4)], axis=-1))
    assert np.isfinite(physics.pose).all()
    assert np.isfinite(physics.velocity).all()


def test_steady_circles_up_to_the_grip_limit() -> None:
    """Kinematic until the lateral acceleration nears mu g, never beyond it."""
    mu = float(nominal_car(1)["friction"][0])
    speeds = np.arange(0.5, 4.01, 0.25)
    physics = make_physics("single_track", len(speeds))
    command = np.stack([np.full(len(speeds), 0.15), speeds], axis=-1)
    for _ in range(90):
        physics.step(command)
    lateral = physics.velocity[:, 0] * physics.velocity[:, 2]
    kinematic = speeds**2 * math.tan(0.15) / WHEELBASE
    gentle = kinematic < 0.8 * mu * GRAVITY
    assert gentle.any()
    assert not gentle.all()
    np.testing.assert_allclose(lateral[gentle], kinematic[gentle], rtol=0.02)
    assert (lateral <= mu * GRAVITY * 1.05).all()


def test_accepts_strided_commands() -> None:
    plain, strided = make_physics("single_track", 3), make_physics("single_track", 3)
    command = np.array([[0.1, 1.0], [0.2, 1.5], [-0.3, 2.0]])
    plain.step(command)
    strided.step(np.asfortranarray(command))
    assert (plain.pose == strided.pose).all()


@pytest.mark.parametrize("steps", [1, 50])
def test_mirrored_steering_mirrors_the_path(steps: int) -> None:
    rng = np.random.default_rng(3)
    physics = make_physics("single_track", 2)
    for _ in range(steps):
        steering, speed = rng.uniform(-0.5, 0.5), rng.uniform(0.0, 3.0)
        physics.step(np.array([[steering, speed], [-steering, speed]]))
    np.testing.assert_allclose(physics.pose[0], physics.pose[1] * [1, -1, -1], atol=1e-9)
