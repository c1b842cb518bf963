"""The minimum-time problem of a racing line, and its solution by direct collocation with casadi and ipopt.

States at each node: offset from the reference line, body heading relative to it, forward speed, steering
angle. Controls: forward acceleration, the front axle's motor force, steering rate. The wheels roll without
side slip, so the yaw rate follows from the steering, and the axles' side forces from the yaw rate and its
change; each axle's force stays in its friction circle and each motor's within its own. It is the simulator's
nominal car, two wheels to an axle taken as one, that never slides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .geometry import Array
from .line_road import Road
from .validate import TrackError

_SLOWEST = 0.3  # [m/s]: time over distance has no value at standstill
_MOST_ITERATIONS = 1500
_CALM = 1e-5  # weight of the controls' roughness, which time alone leaves undetermined on straights


@dataclass(frozen=True)
class CarLimits:
    """What a car can do.

    Attributes:
        friction: Of tyre on ground [-].
        max_speed: [m/s].
        acceleration: That the motors of both axles together give, and take away in braking [m/s^2].
        max_steering: To either side [rad].
        steering_tau: Time constant of the steering [s].
        front, rear: Distance of the axles from the middle, which is the centre of gravity [m].
        cog_height: Height of the centre of gravity [m].
        gyration: Moment of inertia about the vertical axis over mass [m^2].
        wheels: x, y of the wheels' centres, which stay on the road [m].
        reference: x of the point that progress and rewards are measured at [m].
        gravity: [m/s^2].
    """

    friction: float
    max_speed: float
    acceleration: float
    max_steering: float
    steering_tau: float
    front: float
    rear: float
    cog_height: float
    gyration: float
    wheels: tuple[tuple[float, float], ...]
    reference: float
    gravity: float = 9.81

    def __post_init__(self) -> None:
        for name in ("friction", "max_speed", "acceleration", "max_steering", "steering_tau"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise TrackError(f"{name} is {value}: give a number above 0")


@dataclass(frozen=True, eq=False)
class Solution:
    """The fastest line at a road's nodes, (N,) each: in metres, radians, metres per second and seconds."""

    offset: Array
    turn: Array
    speed: Array
    steering: Array
    time: Array


def solve(road: Road, limits: CarLimits) -> Solution:
    """Solve the problem on a road.

    Raises:
        TrackError: casadi is missing, or ipopt finds no solution.
    """
    try:
        import casadi
    except ImportError:
        raise TrackError("racing lines need casadi: pip install 'hairpin[train]'") from None

    nodes = len(road.s)
    problem = casadi.Opti()
    scale = np.array([0.3, 0.3, limits.max_speed, 0.3])
    states = casadi.diag(scale) @ problem.variable(4, nodes)
    force = limits.acceleration
    controls = casadi.diag(np.array([force, force / 2, 5.0])) @ problem.variable(3, nodes)
    motion = _motion(casadi, limits)
    curvature = road.curvature[None, :]
    rates, pace, limited = motion.map(nodes)(states, controls, curvature, road.left, road.right)

    step = np.diff(road.s)[None, :]
    defect = states[:, 1:] - states[:, :-1] - casadi.repmat(step / 2, 4, 1) * (rates[:, 1:] + rates[:, :-1])
    problem.subject_to(casadi.vec(defect / casadi.repmat(scale[:, None], 1, nodes - 1)) == 0)
    times = step / 2 * (pace[:, 1:] + pace[:, :-1])
    problem.subject_to(casadi.vec(limited) <= 0)
    problem.subject_to(problem.bounded(min(_SLOWEST, limits.max_speed / 2), states[2, :], limits.max_speed))
    problem.subject_to(problem.bounded(-limits.max_steering, states[3, :], limits.max_steering))
    problem.subject_to(problem.bounded(-1.4, states[1, :], 1.4))
    if road.closed:
        problem.subject_to((states[:, 0] - states[:, -1]) / scale == 0)
        problem.subject_to(controls[:, 0] - controls[:, -1] == 0)
    else:
        problem.subject_to(states[2, 0] <= max(_SLOWEST, 1e-3))
        problem.subject_to(states[:2, 0] == 0)
        problem.subject_to(states[3, 0] == 0)
    rough = casadi.diff(controls, 1, 1) / np.array([[force], [force / 2], [5.0]])
    problem.minimize(casadi.sum2(times) + _CALM * casadi.sumsqr(rough))

    guess_speed = _guess(road, limits)
    problem.set_initial(states, _initial(road, limits, guess_speed))
    quiet = {"print_time": False, "error_on_fail": False}
    problem.solver("ipopt", quiet, {"print_level": 0, "sb": "yes", "max_iter": _MOST_ITERATIONS, "tol": 1e-6})
    try:
        found = problem.solve_limited()
    except RuntimeError as error:
        raise TrackError(f"no racing line found: {str(error).strip().splitlines()[-1][:100]}") from None
    status = problem.stats()["return_status"]
    if status not in ("Solve_Succeeded", "Solved_To_Acceptable_Level"):
        raise TrackError(f"no racing line found ({status}): is the road wide and smooth enough for the car?")
    offset, turn, speed, steering = np.asarray(found.value(states))
    time = np.concatenate(([0.0], np.cumsum(np.asarray(found.value(times)).ravel())))
    return Solution(offset, turn, speed, steering, time)


def _motion(casadi: Any, car: CarLimits) -> Any:
    """The car at a node: rates of its states over distance, time over distance, what must stay below 0."""
    state, control = casadi.SX.sym("state", 4), casadi.SX.sym("control", 3)
    curvature, left, right = (casadi.SX.sym(name) for name in ("curvature", "left", "right"))
    offset, turn, speed, steering = (state[i] for i in range(4))
    accel, front_motor, steer_rate = (control[i] for i in range(3))
    base = car.front + car.rear
    tan, sin, cos = casadi.tan(steering), casadi.sin(steering), casadi.cos(steering)

    yaw_rate = speed * tan / base
    sideways = car.rear * yaw_rate  # of the middle, since the rear axle does not slip
    yaw_accel = (accel * tan + speed * steer_rate / cos**2) / base
    lateral = speed * yaw_rate + car.rear * yaw_accel
    front_lateral = (car.rear * lateral + car.gyration * yaw_accel) / base
    rear_side = (car.front * lateral - car.gyration * yaw_accel) / base
    front_side = (front_lateral - front_motor * sin) / cos
    rear_motor = accel - sideways * yaw_rate - (front_motor * cos - front_side * sin)
    shift = accel * car.cog_height / base
    front_grip = car.friction * (car.gravity * car.rear / base - shift)
    rear_grip = car.friction * (car.gravity * car.front / base + shift)

    along = speed * casadi.cos(turn) - sideways * casadi.sin(turn)
    pace = (1 - offset * curvature) / along  # time over distance along the reference line
    drift = (speed * casadi.sin(turn) + sideways * casadi.cos(turn)) * pace
    rates = casadi.vertcat(drift, yaw_rate * pace - curvature, accel * pace, steer_rate * pace)

    motor = car.acceleration / 2
    limited = [
        (front_motor**2 + front_side**2) / front_grip**2 - 1,
        (rear_motor**2 + rear_side**2) / rear_grip**2 - 1,
        *((sign * force) / motor - 1 for force in (front_motor, rear_motor) for sign in (1, -1)),
        *((sign * (steering + car.steering_tau * steer_rate)) / car.max_steering - 1 for sign in (1, -1)),
    ]
    for x, y in car.wheels:
        ahead = x * casadi.cos(turn) - y * casadi.sin(turn)
        beside = offset + x * casadi.sin(turn) + y * casadi.cos(turn)
        # The road curves away under a wheel that is ahead of or behind the node.
        wheel = beside - curvature * ahead**2 / (2 * (1 - offset * curvature))
        limited.append(wheel - left if y > 0 else right - wheel)
    inputs = [state, control, curvature, left, right]
    return casadi.Function("motion", inputs, [rates, pace, casadi.vertcat(*limited)])


def _guess(road: Road, limits: CarLimits) -> float:
    """A speed [m/s] at which the whole road can be driven along its reference line."""
    tightest = float(np.abs(road.curvature).max()) + 1e-9
    return float(min(0.8 * limits.max_speed, 0.6 * np.sqrt(limits.friction * limits.gravity / tightest)))


def _initial(road: Road, limits: CarLimits, speed: float) -> Array:
    """States (4, N) along the middle of the road at that speed."""
    steering = np.arctan((limits.front + limits.rear) * road.curvature)
    middle = (road.left + road.right) / 2
    turn = -limits.rear * road.curvature
    rows = (middle, turn, np.full(len(road.s), speed), np.clip(steering, -0.9, 0.9) * limits.max_steering)
    return np.array(rows)
