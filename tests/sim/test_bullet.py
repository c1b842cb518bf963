"""PyBullet's car: what it is made of, and that it releases what it takes."""

import gc
import math
import sys

import numpy as np
import pytest

from hairpin.sim import bullet_body
from hairpin.sim.bullet import Bullet, ackermann, wheel_speeds
from hairpin.sim.chassis import (
    CHASSIS_INERTIA,
    COG_HEIGHT,
    FRONT_AXLE,
    MASS,
    REAR_AXLE,
    REAR_HALF_TRACK,
    WHEEL_INERTIA,
    WHEEL_RADIUS,
    WHEELS,
)
from hairpin.sim.errors import SimError
from hairpin.sim.physics import make_physics

pybullet = pytest.importorskip("pybullet", reason="PyBullet is not installed")


@pytest.fixture
def world() -> tuple[int, int]:
    client = pybullet.connect(pybullet.DIRECT)
    yield client, bullet_body.build_car(pybullet, client, 1.0 / 240.0)
    pybullet.disconnect(client)


def test_masses_and_inertias_are_set(world: tuple[int, int]) -> None:
    client, body = world
    links = (-1, *bullet_body.JOINTS)
    dynamics = {link: pybullet.getDynamicsInfo(body, link, physicsClientId=client) for link in links}
    assert sum(row[0] for row in dynamics.values()) == pytest.approx(MASS)
    assert dynamics[-1][2] == CHASSIS_INERTIA
    for wheel in bullet_body.WHEEL_JOINTS:
        assert dynamics[wheel][2] == WHEEL_INERTIA


def test_wheels_stand_where_the_chassis_says(world: tuple[int, int]) -> None:
    client, body = world
    order = (bullet_body.REAR_WHEELS[0], bullet_body.FRONT_WHEELS[0])
    order += (bullet_body.REAR_WHEELS[1], bullet_body.FRONT_WHEELS[1])
    places = [pybullet.getLinkState(body, wheel, physicsClientId=client)[0] for wheel in order]
    np.testing.assert_allclose(np.array(places)[:, :2], WHEELS, atol=1e-4)
    np.testing.assert_allclose(np.array(places)[:, 2], WHEEL_RADIUS, atol=1e-4)


def test_ackermann_angles_meet_in_one_point() -> None:
    left, right = ackermann(0.3)
    assert 0.0 < right < 0.3 < left
    wheelbase = FRONT_AXLE - REAR_AXLE
    centre = wheelbase / math.tan(0.3)
    assert centre - wheelbase / math.tan(left) == pytest.approx(WHEELS[1, 1])
    assert wheelbase / math.tan(right) - centre == pytest.approx(WHEELS[1, 1])
    assert ackermann(0.0) == (0.0, 0.0)


def test_wheel_speeds_are_those_of_a_rigid_turn() -> None:
    speed, steering = 1.3, -0.4
    rate = speed * math.tan(steering) / (FRONT_AXLE - REAR_AXLE)
    expected = [np.hypot(speed - rate * y, rate * (x - REAR_AXLE)) / WHEEL_RADIUS for x, y in WHEELS]
    rear_left, rear_right, front_left, front_right = wheel_speeds(speed, steering)
    assert [rear_left, front_left, rear_right, front_right] == pytest.approx(expected)


def test_both_axles_take_the_same_share_of_a_bend() -> None:
    """The load that a bend shifts to the outer wheels: by statics, not by the solver's order.

    The height of the centre of gravity does most of it, the wheels' gyroscopic moment the rest.
    """
    physics = Bullet(1, 15.0)
    for _ in range(45):
        physics.step(np.array([[0.128, 3.0]]))
    body, client = physics._body, physics._client
    load = {point[3]: point[9] for point in pybullet.getContactPoints(bodyA=body, physicsClientId=client)}
    lateral = physics.velocity[0, 0] * physics.velocity[0, 2]
    physics.close()
    assert lateral == pytest.approx(7.0, rel=0.05)
    height = COG_HEIGHT + 4 * WHEEL_INERTIA[1] / (WHEEL_RADIUS * MASS)
    expected = MASS * lateral * height / (4 * REAR_HALF_TRACK)
    for left, right in (bullet_body.REAR_WHEELS, bullet_body.FRONT_WHEELS):
        assert (load[right] - load[left]) / 2 == pytest.approx(expected, rel=0.07)


def test_a_slide_is_the_same_in_every_heading() -> None:
    """Three cars turn slowly to other headings and then do the same at 3.5 m/s."""
    physics = make_physics("bullet", 3)
    turning = np.array([[0.0, 1.0], [0.3, 1.0], [0.3, 1.0]])
    for k in range(12):
        physics.step(turning)
        if k == 5:
            turning[1, 0] = 0.0
    for _ in range(40):
        physics.step(np.tile([0.0, 3.5], (3, 1)))
    start = physics.pose.copy()
    assert np.ptp(start[:, 2]) > 0.5
    sideways = []
    for _ in range(20):
        physics.step(np.tile([0.3, 3.5], (3, 1)))
        sideways.append(np.abs(physics.velocity[:, 1]))
    assert (np.max(sideways, axis=0) > 1.0).all()
    (dx, dy), yaw = (physics.pose - start)[:, :2].T, start[:, 2]
    physics.close()
    moved = np.stack([np.cos(yaw) * dx + np.sin(yaw) * dy, np.cos(yaw) * dy - np.sin(yaw) * dx], axis=-1)
    np.testing.assert_allclose(moved[1:], moved[:1].repeat(2, axis=0), atol=0.01)


def test_a_thousand_random_steps() -> None:
    rng = np.random.default_rng(0)
    physics = make_physics("bullet", 1)
    for _ in range(1000):
        physics.step(np.array([[rng.uniform(-1.0, 1.0), rng.uniform(-1.0, 6.0)]]))
        assert np.isfinite(physics.pose).all()
        assert np.hypot(*physics.velocity[0, :2]) < 5.0
    physics.close()


def test_clients_are_released() -> None:
    """Clients are given back, closed by hand or left to the garbage collector: their ids are free again."""
    free = pybullet.connect(pybullet.DIRECT)
    pybullet.disconnect(free)
    for k in range(20):
        physics = Bullet(1, 15.0)
        if k % 2:
            physics.close()
        del physics
    gc.collect()
    again = pybullet.connect(pybullet.DIRECT)
    pybullet.disconnect(again)
    assert again == free


def test_says_how_to_install_pybullet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pybullet", None)
    with pytest.raises(SimError, match=r"pip install 'hairpin\[bullet\]'"):
        make_physics("bullet", 1)
