"""The four-wheel model's own properties."""

import math

import numpy as np
import pytest

from hairpin.sim.chassis import DRIVE_ACCELERATION, GRAVITY, WHEELBASE
from hairpin.sim.physics import CONTROL_HZ, Physics, make_physics, nominal_car


def test_ten_thousand_random_steps() -> None:
    rng = np.random.default_rng(0)
    physics = make_physics("single_track", 4)
    for _ in range(10_000):
        physics.step(np.stack([rng.uniform(-1.0, 1.0, 4), rng.uniform(-1.0, 6.0, 4)], axis=-1))
    assert np.isfinite(physics.pose).all()
    assert np.isfinite(physics.velocity).all()


def test_steady_circles_up_to_the_grip_limit() -> None:
    """Kinematic until the lateral acceleration nears mu g; beyond, it may spin, but by no more than mu g."""
    mu = float(nominal_car(1)["friction"][0])
    speeds = np.arange(0.5, 4.01, 0.25)
    physics = make_physics("single_track", len(speeds))
    command = np.stack([np.full(len(speeds), 0.15), speeds], axis=-1)
    for _ in range(89):
        physics.step(command)
    before = in_the_world(physics)
    physics.step(command)
    acceleration = np.linalg.norm(in_the_world(physics) - before, axis=-1) * CONTROL_HZ
    kinematic = speeds**2 * math.tan(0.15) / WHEELBASE
    gentle = kinematic < 0.8 * mu * GRAVITY
    assert gentle.any()
    assert not gentle.all()
    lateral = physics.velocity[gentle, 0] * physics.velocity[gentle, 2]
    np.testing.assert_allclose(lateral, kinematic[gentle], rtol=0.02)
    assert (acceleration <= mu * GRAVITY * 1.05).all()


def in_the_world(physics: Physics) -> np.ndarray:
    """Velocities (N, 2) in the world's frame [m/s]."""
    forward, left, _ = physics.velocity.T
    sin, cos = np.sin(physics.pose[:, 2]), np.cos(physics.pose[:, 2])
    return np.stack([cos * forward - sin * left, sin * forward + cos * left], axis=-1)


def test_a_step_of_the_steering_beyond_the_grip_spins_the_car() -> None:
    """And one within it does not; PyBullet's car does the same (measured: docs/dynamics.md)."""
    physics = make_physics("single_track", 2)
    command = np.array([[0.0, 3.0], [0.0, 3.0]])
    for _ in range(25):
        physics.step(command)
    command[:, 0] = 0.12, 0.4
    slips = []
    for _ in range(20):
        physics.step(command)
        slips.append(np.abs(np.arctan2(physics.velocity[:, 1], physics.velocity[:, 0])))
    gentle, hard = np.max(slips, axis=0)
    assert gentle < 0.1
    assert hard > 1.0


def test_the_motors_cannot_hold_more_than_their_torque() -> None:
    """Braking on a straight is as hard as the motors, and softer on ice."""
    physics = make_physics("single_track", 2)
    car = nominal_car(2)
    car["friction"] = 0.9, 0.1
    car["speed_tau"] = 0.0
    physics.reset(np.arange(2), np.zeros((2, 3)), car)
    for _ in range(4):
        physics.step(np.array([[0.0, 4.0], [0.0, 4.0]]))
    road, ice = physics.velocity[:, 0] * CONTROL_HZ / 4
    assert road == pytest.approx(DRIVE_ACCELERATION, rel=0.01)
    assert ice == pytest.approx(0.1 * GRAVITY, rel=0.05)


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
