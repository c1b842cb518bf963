"""What every physics keeps, and that the two agree."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hairpin.sim.chassis import GRAVITY, MAX_STEERING, WHEELBASE
from hairpin.sim.errors import SimError
from hairpin.sim.physics import CAR_DTYPE, CONTROL_HZ, PHYSICS, Physics, make_physics, nominal_car

Make = Callable[..., Physics]


@pytest.fixture(params=PHYSICS)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    if request.param == "bullet":
        pytest.importorskip("pybullet", reason="PyBullet is not installed")
    made: list[Physics] = []

    def create(num_cars: int = 1, control_hz: float = CONTROL_HZ) -> Physics:
        made.append(make_physics(request.param, num_cars, control_hz))
        return made[-1]

    yield create
    for physics in made:
        physics.close()


def drive(physics: Physics, steering: float, speed: float, steps: int) -> None:
    command = np.tile([steering, speed], (len(physics.pose), 1))
    for _ in range(steps):
        physics.step(command)


def put(physics: Physics, car: int, pose: tuple[float, float, float], **parameters: float) -> None:
    row = nominal_car(1)
    for name, value in parameters.items():
        row[name] = value
    physics.reset(np.array([car]), np.array([pose]), row)


def random_commands(seed: int, steps: int, num_cars: int = 1, max_speed: float = 4.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (steps, num_cars)
    return np.stack([rng.uniform(-0.6, 0.6, shape), rng.uniform(0.0, max_speed, shape)], axis=-1)


def test_starts_at_rest_at_the_origin(make: Make) -> None:
    physics = make(3)
    assert (physics.pose == 0.0).all()
    assert (physics.velocity == 0.0).all()
    assert physics.pose.shape == physics.velocity.shape == (3, 3)


def test_straight_line_reaches_the_commanded_speed(make: Make) -> None:
    physics = make()
    put(physics, 0, (1.0, 2.0, math.pi / 2))
    drive(physics, 0.0, 1.5, 30)
    assert physics.velocity[0] == pytest.approx([1.5, 0.0, 0.0], abs=0.01)
    assert physics.pose[0, 0] == pytest.approx(1.0, abs=0.01)
    # The lag and the motor's limited force cost it speed_tau seconds and some more.
    assert 1.5 * 1.5 < physics.pose[0, 1] - 2.0 < 1.5 * (2.0 - 0.2) + 0.01


def test_standstill_stays(make: Make) -> None:
    physics = make()
    put(physics, 0, (0.3, -0.2, 1.0))
    drive(physics, 0.4, 0.0, 75)
    assert physics.pose[0] == pytest.approx([0.3, -0.2, 1.0], abs=2e-3)
    assert physics.velocity[0] == pytest.approx([0.0, 0.0, 0.0], abs=1e-3)


def test_stops_when_told(make: Make) -> None:
    physics = make()
    drive(physics, 0.2, 2.0, 20)
    drive(physics, 0.2, 0.0, 45)
    assert physics.velocity[0] == pytest.approx([0.0, 0.0, 0.0], abs=0.01)


@pytest.mark.parametrize("steering", [-0.5, -0.2, 0.1, 0.3, 0.5])
def test_slow_circle_is_the_kinematic_one(make: Make, steering: float) -> None:
    physics = make()
    drive(physics, steering, 0.8, 45)
    forward, _, rate = physics.velocity[0]
    assert forward / rate == pytest.approx(WHEELBASE / math.tan(steering), rel=0.01)


def test_steering_left_turns_left(make: Make) -> None:
    physics = make(2)
    physics_command = np.array([[0.3, 1.0], [-0.3, 1.0]])
    for _ in range(10):
        physics.step(physics_command)
    left, right = physics.pose
    assert left[1] > 0.02
    assert left[2] > 0.1
    assert right[:2] == pytest.approx(left[:2] * [1, -1], abs=2e-3)


@pytest.mark.parametrize("friction", [0.4, 0.9])
@pytest.mark.parametrize("steering", [0.1, 0.3, 0.5])
def test_grip_limits_the_acceleration(make: Make, friction: float, steering: float) -> None:
    """Over a whole period the change of velocity in the world is what the ground can give."""
    physics = make()
    put(physics, 0, (0.0, 0.0, 0.0), friction=friction)
    before = np.zeros(2)
    for _ in range(60):
        drive(physics, steering, 3.5, 1)
        forward, left, _ = physics.velocity[0]
        sin, cos = math.sin(physics.pose[0, 2]), math.cos(physics.pose[0, 2])
        after = np.array([cos * forward - sin * left, sin * forward + cos * left])
        assert np.hypot(*(after - before)) * CONTROL_HZ <= 1.05 * friction * GRAVITY
        before = after


def test_less_grip_runs_wide(make: Make) -> None:
    physics = make(2)
    put(physics, 0, (0.0, 0.0, 0.0), friction=0.3)
    drive(physics, 0.3, 2.0, 30)
    slippery, grippy = np.abs(physics.velocity[:, 0] * physics.velocity[:, 2])
    assert slippery < 0.3 * GRAVITY * 1.05 < grippy


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("speed_gain", 0.8, 0.8), ("speed_gain", 1.1, 1.1), ("mass_scale", 1.3, 1.0)],
)
def test_steady_speed(make: Make, name: str, value: float, expected: float) -> None:
    physics = make()
    put(physics, 0, (0.0, 0.0, 0.0), **{name: value})
    drive(physics, 0.0, 1.0, 45)
    assert physics.velocity[0, 0] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("parameters", "steering"),
    [({"steering_gain": 0.5}, 0.1), ({"steering_offset": 0.05}, 0.25), ({"steering_gain": 2.0}, 0.4)],
)
def test_steering_gain_and_offset(make: Make, parameters: dict[str, float], steering: float) -> None:
    physics = make()
    put(physics, 0, (0.0, 0.0, 0.0), **parameters)
    drive(physics, 0.2, 0.8, 45)
    forward, _, rate = physics.velocity[0]
    assert math.atan(WHEELBASE * rate / forward) == pytest.approx(steering, abs=0.005)


@pytest.mark.parametrize(("name", "slow"), [("speed_tau", 0.8), ("mass_scale", 2.0), ("steering_tau", 0.3)])
def test_lag_and_mass_delay(make: Make, name: str, slow: float) -> None:
    physics = make(2)
    put(physics, 0, (0.0, 0.0, 0.0), **{name: slow})
    drive(physics, 0.3, 2.0, 4)
    seen = 2 if name == "steering_tau" else 0
    assert physics.velocity[0, seen] < 0.9 * physics.velocity[1, seen]


def test_no_lag_is_allowed(make: Make) -> None:
    physics = make()
    put(physics, 0, (0.0, 0.0, 0.0), speed_tau=0.0, steering_tau=0.0)
    drive(physics, 0.3, 1.0, 15)
    assert physics.velocity[0, 0] == pytest.approx(1.0, abs=0.02)


def test_commands_are_clipped(make: Make) -> None:
    physics = make(2)
    for _ in range(20):
        physics.step(np.array([[9.0, -3.0], [9.0, 0.8]]))
    assert physics.velocity[0] == pytest.approx([0.0, 0.0, 0.0], abs=1e-3)
    assert WHEELBASE * physics.velocity[1, 2] / physics.velocity[1, 0] == pytest.approx(
        math.tan(MAX_STEERING), rel=0.02
    )


def test_yaw_is_wrapped_and_rate_continues(make: Make) -> None:
    physics = make()
    put(physics, 0, (0.0, 0.0, 3.0 * math.pi))
    assert physics.pose[0, 2] == pytest.approx(math.pi)
    yaws = []
    for _ in range(60):
        drive(physics, 0.5, 1.0, 1)
        yaws.append(physics.pose[0, 2])
    assert max(yaws) <= math.pi
    assert min(yaws) > -math.pi
    assert np.unwrap(yaws)[-1] - yaws[0] > 6.0


def test_batch_is_the_same_as_single(make: Make) -> None:
    commands = random_commands(0, steps=30, num_cars=5)
    batch = make(5)
    singles = [make() for _ in range(5)]
    for command in commands:
        batch.step(command)
        for i, single in enumerate(singles):
            single.step(command[i : i + 1])
            assert (single.pose[0] == batch.pose[i]).all()
            assert (single.velocity[0] == batch.velocity[i]).all()


def test_reset_is_the_same_as_fresh(make: Make) -> None:
    used, fresh = make(3), make(3)
    for command in random_commands(1, steps=40, num_cars=3):
        used.step(command)
    put(used, 1, (1.0, -2.0, 0.7), friction=0.6)
    put(fresh, 1, (1.0, -2.0, 0.7), friction=0.6)
    assert tuple(used.pose[1]) == (1.0, -2.0, 0.7)
    for command in random_commands(2, steps=40, num_cars=3):
        used.step(command)
        fresh.step(command)
        assert (used.pose[1] == fresh.pose[1]).all()
        assert (used.velocity[1] == fresh.velocity[1]).all()


def test_reset_leaves_the_others_alone(make: Make) -> None:
    physics, other = make(2), make(2)
    for k, command in enumerate(random_commands(3, steps=30, num_cars=2)):
        if k == 12:
            put(physics, 0, (5.0, 5.0, 0.0))
        physics.step(command)
        other.step(command)
        assert (physics.pose[1] == other.pose[1]).all()


def test_place_and_heading_do_not_matter(make: Make) -> None:
    physics = make(2)
    put(physics, 1, (40.0, -30.0, 2.0))
    for command in random_commands(4, steps=45, max_speed=2.0):
        physics.step(np.repeat(command, 2, axis=0))
    (x, y, yaw), moved = physics.pose
    sin, cos = math.sin(2.0), math.cos(2.0)
    assert moved[:2] == pytest.approx([40.0 + cos * x - sin * y, -30.0 + sin * x + cos * y], abs=1e-6)
    assert math.remainder(moved[2] - yaw - 2.0, math.tau) == pytest.approx(0.0, abs=1e-6)


def test_two_physics_do_not_touch_each_other(make: Make) -> None:
    first, second = make(), make()
    drive(first, 0.2, 2.0, 20)
    assert (second.pose == 0.0).all()
    before = first.pose.copy()
    drive(second, -0.2, 1.0, 20)
    second.close()
    assert (first.pose == before).all()
    drive(first, 0.0, 1.0, 1)
    assert not (first.pose == before).all()


@pytest.mark.parametrize("control_hz", [5.0, 15.0, 30.0, 240.0])
def test_control_rate_keeps_time(make: Make, control_hz: float) -> None:
    physics = make(1, control_hz)
    drive(physics, 0.0, 1.0, round(3.0 * control_hz))
    reference = make()
    drive(reference, 0.0, 1.0, 45)
    assert physics.pose[0, 0] == pytest.approx(reference.pose[0, 0], abs=0.03)


def test_closing_twice_is_fine(make: Make) -> None:
    physics = make()
    physics.close()
    physics.close()


@pytest.mark.parametrize("max_speed", [1.2, 2.0])
def test_the_two_physics_agree(max_speed: float) -> None:
    """Commands of 0.2 s each; 3 s."""
    pytest.importorskip("pybullet", reason="PyBullet is not installed")
    commands = np.repeat(random_commands(5, steps=15, num_cars=8, max_speed=max_speed), 3, axis=0)
    single_track, bullet = make_physics("single_track", 8), make_physics("bullet", 8)
    for command in commands:
        single_track.step(command)
        bullet.step(command)
    bullet.close()
    error = np.hypot(*(single_track.pose - bullet.pose)[:, :2].T)
    assert np.median(error) < (0.03 if max_speed < 1.5 else 0.1)


PLAUSIBLE = {
    "friction": (0.05, 2.0),
    "speed_gain": (0.2, 1.5),
    "speed_tau": (0.0, 1.0),
    "steering_gain": (0.2, 1.5),
    "steering_tau": (0.0, 0.5),
    "steering_offset": (-0.2, 0.2),
    "mass_scale": (0.3, 3.0),
}


@settings(deadline=None, max_examples=40)
@given(
    st.fixed_dictionaries({name: st.floats(*bounds) for name, bounds in PLAUSIBLE.items()}),
    arrays(np.float64, (40, 1, 2), elements=st.floats(-1e6, 1e6)),
)
def test_single_track_survives_anything(parameters: dict[str, float], commands: np.ndarray) -> None:
    physics = make_physics("single_track", 1)
    put(physics, 0, (0.0, 0.0, 0.0), **parameters)
    for command in commands:
        physics.step(command)
        assert np.isfinite(physics.pose).all()
        assert np.abs(physics.velocity[0, :2]).max() < 10.0
        assert abs(physics.velocity[0, 2]) < 100.0


def test_the_fields_of_a_car() -> None:
    car = nominal_car(4)
    assert car.dtype == CAR_DTYPE
    assert car.shape == (4,)
    assert set(CAR_DTYPE.names or ()) == set(PLAUSIBLE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("singel_track", 1), "did you mean 'single_track'"),
        (("mujoco", 1), "choose one of single_track, bullet"),
        (("single_track", 0), "num_cars is 0"),
        (("single_track", 1, 0.0), "control_hz is 0.0"),
        (("single_track", 1, math.nan), "control_hz is nan"),
    ],
)
def test_bad_input_is_named(arguments: tuple, message: str) -> None:
    with pytest.raises(SimError, match=message):
        make_physics(*arguments)
