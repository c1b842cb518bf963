"""Four-wheel (double-track) model, compiled with numba: the physics `single_track`, the default for training.

Each wheel is driven at the speed of its own path, by a motor of limited torque, and the front wheels
steer by Ackermann's angles, as on the real car. A wheel rolls without slipping as long as its grip allows
(a friction circle on the load that it carries) and slides by Coulomb's law beyond: friction opposes the
slip. Loads follow the acceleration. Rolling and sliding are one implicit problem, solved in each substep,
so at low speed the car is the kinematic one by itself: no blend, no singularity at standstill, always
stable. Nothing in it is fitted: dimensions, masses, grip, the motors' force and two lags say it all.

Sources: R. Rajamani, Vehicle Dynamics and Control, 2nd ed., 2.3 and 4.3 (forces and loads); E. Catto,
Iterative Dynamics with Temporal Coherence, GDC 2005 (the solver); R. Tonge et al., Mass Splitting for
Jitter-Free Parallel Rigid Body Simulation, SIGGRAPH 2012 (left and right at once); A. Conn, N. Gould, P.
Toint, Trust-Region Methods, 7.3 (Newton's step to a circle).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .chassis import (
    COG_HEIGHT,
    DRIVE_ACCELERATION,
    FRONT_AXLE,
    FRONT_HALF_TRACK,
    GRAVITY,
    MASS,
    MAX_SPEED,
    MAX_STEERING,
    REAR_AXLE,
    REAR_HALF_TRACK,
    ROLLING_MASS,
    WHEEL_INERTIA,
    WHEEL_RADIUS,
    WHEELBASE,
    YAW_INERTIA,
)
from .contact import push_out
from .objects import OBJECT_DTYPE
from .physics import CAR_DTYPE, nominal_car

SUBSTEP_HZ: Final = 120.0
"""Physics rate; rounded to a whole number of substeps per control period [Hz]."""

_STATE: Final = np.dtype(
    [
        ("steering", np.float64),  # what the servo has reached [rad]
        ("wheels", np.float64),  # what the motors are told, at the middle of the rear axle [m/s]
        ("pitch", np.float64),  # moments of the last substep that the loads answer, per mass [m^2/s^2]
        ("roll", np.float64),
    ]
)
_WHEEL: Final = np.dtype(
    [
        ("x", np.float64),  # where it stands [m]
        ("y", np.float64),
        ("cos", np.float64),  # where it points, in the car frame
        ("sin", np.float64),
        ("along_w", np.float64),  # velocity along and across it for an impulse there, car's mass 1 [-]
        ("side_w", np.float64),
        ("target", np.float64),  # speed that its motor holds [m/s]
        ("spin", np.float64),  # its own surface speed before the substep [m/s]
        ("grip", np.float64),  # largest impulse that the ground can give [m/s]
        ("along", np.float64),  # impulse that it gives [m/s]
        ("side", np.float64),
    ]
)
_SOLVER_SWEEPS: Final = 3
_SLIDE_STEPS: Final = 1  # Newton's, for a sliding wheel in each sweep
_MOST_SHIFT: Final = 0.99  # of a wheel's load: none lifts off in this flat model
_YAW_PER_MASS: Final = MASS / YAW_INERTIA  # [1/m^2]
_SPIN_W: Final = MASS * WHEEL_RADIUS**2 / WHEEL_INERTIA[1]  # velocity of a wheel's surface for an impulse [-]
# A wheel's angular momentum over its speed, per mass of the car [m].
_SPIN_HEIGHT: Final = WHEEL_INERTIA[1] / (WHEEL_RADIUS * MASS)
_WHEEL_DRIVE: Final = DRIVE_ACCELERATION * ROLLING_MASS / (4.0 * MASS)  # most that a motor gives [m/s^2]
_PLACES: Final = (
    (REAR_AXLE, REAR_HALF_TRACK),
    (REAR_AXLE, -REAR_HALF_TRACK),
    (FRONT_AXLE, FRONT_HALF_TRACK),
    (FRONT_AXLE, -FRONT_HALF_TRACK),
)


class DoubleTrack:
    """N cars by the four-wheel model; see `Physics` for the interface."""

    def __init__(self, num_cars: int, control_hz: float) -> None:
        self.pose = np.zeros((num_cars, 3))
        self.velocity = np.zeros((num_cars, 3))
        self._car = nominal_car(num_cars)
        self._state = np.zeros(num_cars, dtype=_STATE)
        self._spin = np.zeros((num_cars, 4))  # surface speeds of the wheels [m/s]
        self._nothing = np.zeros((num_cars, 0), dtype=OBJECT_DTYPE)
        self._substeps = max(1, round(SUBSTEP_HZ / control_hz))
        self._dt = 1.0 / (control_hz * self._substeps)

    def reset(self, which: NDArray[np.intp], pose: NDArray[np.float64], car: NDArray[np.void]) -> None:
        """Put some cars down at rest; see `Physics.reset`."""
        self.pose[which] = pose
        self.pose[which, 2] -= math.tau * np.ceil((self.pose[which, 2] - np.pi) / math.tau)
        self.velocity[which] = 0.0
        self._spin[which] = 0.0
        self._car[which] = car.astype(CAR_DTYPE, copy=False)
        self._state[which] = np.zeros(1, dtype=_STATE)
        self._state["steering"][which] = self._car["steering_offset"][which]

    def step(self, command: NDArray[np.float64], objects: NDArray[np.void] | None = None) -> None:
        """Advance by one control period; see `Physics.step`. `contact.push_out` says what objects do."""
        command = np.ascontiguousarray(command, dtype=np.float64)
        objects = self._nothing if objects is None else objects
        motion = (self.pose, self.velocity, self._state, self._spin)
        _step(*motion, self._car, command, objects, self._substeps, self._dt)

    def close(self) -> None:
        """Nothing to release."""


@compiled
def _step(pose, velocity, state, spin, car, command, objects, substeps, dt):  # type: ignore[no-untyped-def]
    wheels = np.zeros(4, dtype=_WHEEL)
    for k, (x, y) in enumerate(_PLACES):
        wheels[k].x, wheels[k].y = x, y
    for i in range(pose.shape[0]):
        steering, speed = command[i, 0], command[i, 1]
        for k in range(4):
            wheels[k].spin = spin[i, k]
        _advance(pose[i], velocity[i], state, wheels, car, i, steering, speed, objects[i], substeps, dt)
        for k in range(4):
            spin[i, k] = wheels[k].spin


@compiled
def _advance(pose, velocity, state, wheels, car, i, steering, speed, objects, substeps, dt):  # type: ignore[no-untyped-def]
    """Advance car i: actuators, then velocity, then pose."""
    p = car[i]
    steering_target = p.steering_gain * _clip(steering, MAX_STEERING) + p.steering_offset
    speed_target = p.speed_gain * min(max(speed, 0.0), MAX_SPEED)
    steering_share, speed_share = _share(p.steering_tau, dt), _share(p.speed_tau, dt)
    drive = _WHEEL_DRIVE / p.mass_scale * dt
    delta, told, pitch, roll = state[i].steering, state[i].wheels, state[i].pitch, state[i].roll
    x, y, yaw = pose[0], pose[1], pose[2]
    vx, vy, rate = velocity[0], velocity[1], velocity[2]
    for _ in range(substeps):
        delta += steering_share * (steering_target - delta)
        told += speed_share * (speed_target - told)
        _steer(wheels, delta, told)
        _load(wheels, pitch, roll, p.friction * dt)
        forward, left, spin = vx, vy, _total_spin(wheels)
        vx, vy, rate = _solve(wheels, vx, vy, rate, drive)
        # What speeds up or turns: the car at its height, and the wheels' own angular momentum.
        later = _total_spin(wheels)
        pitch = (COG_HEIGHT * (vx - forward) + _SPIN_HEIGHT * (later - spin)) / dt
        roll = COG_HEIGHT * (vy - left) / dt + _SPIN_HEIGHT * later * rate
        # Move along the middle heading, then turn the velocity into the new car frame.
        turn = rate * dt
        sin, cos = math.sin(yaw + 0.5 * turn), math.cos(yaw + 0.5 * turn)
        x += dt * (vx * cos - vy * sin)
        y += dt * (vx * sin + vy * cos)
        yaw += turn
        sin, cos = math.sin(turn), math.cos(turn)
        vx, vy = vx * cos + vy * sin, vy * cos - vx * sin
        if len(objects):
            x, y, vx, vy = push_out(x, y, yaw, vx, vy, objects)
    pose[0], pose[1], pose[2] = x, y, yaw - math.tau * math.ceil((yaw - math.pi) / math.tau)
    velocity[0], velocity[1], velocity[2] = vx, vy, rate
    state[i].steering, state[i].wheels, state[i].pitch, state[i].roll = delta, told, pitch, roll


@compiled
def _steer(wheels, delta, told):  # type: ignore[no-untyped-def]
    """Direction and speed of each wheel on its own path round the centre of the turn."""
    bend = math.tan(delta) / WHEELBASE
    for k in range(4):
        wheel = wheels[k]
        forward, left = 1.0 - bend * wheel.y, bend * (wheel.x - REAR_AXLE)
        length = math.sqrt(forward * forward + left * left)
        if k < 2:  # a rear wheel runs backwards rather than turn round
            length, cos, sin = forward, 1.0, 0.0
        else:
            cos, sin = forward / length, left / length
        wheel.cos, wheel.sin = cos, sin
        wheel.target = told * length
        along_arm, side_arm = wheel.x * sin - wheel.y * cos, wheel.x * cos + wheel.y * sin
        wheel.along_w = 1.0 + along_arm * along_arm * _YAW_PER_MASS
        wheel.side_w = 1.0 + side_arm * side_arm * _YAW_PER_MASS


@compiled
def _load(wheels, pitch, roll, friction):  # type: ignore[no-untyped-def]
    """Grip of each wheel: speeding up shifts load to the rear axle, a bend to the outer wheels alike."""
    shift = pitch / WHEELBASE
    front = 0.5 * max(-GRAVITY * REAR_AXLE / WHEELBASE - shift, (1.0 - _MOST_SHIFT) * GRAVITY)
    rear = 0.5 * max(GRAVITY * FRONT_AXLE / WHEELBASE + shift, (1.0 - _MOST_SHIFT) * GRAVITY)
    for k in range(4):
        load = rear if k < 2 else front
        aside = _clip(-0.25 * roll / wheels[k].y, _MOST_SHIFT * load)
        wheels[k].grip = friction * (load + aside)


@compiled
def _total_spin(wheels):  # type: ignore[no-untyped-def]
    return wheels[0].spin + wheels[1].spin + wheels[2].spin + wheels[3].spin


@compiled
def _solve(wheels, vx, vy, rate, drive):  # type: ignore[no-untyped-def]
    """Velocity after one substep of tyre impulses, by projected Gauss-Seidel over the axles.

    Impulses are per mass of the car [m/s]. The two wheels of an axle are solved at once, each with half the
    car's mass, so that left and right are treated alike.
    """
    for k in range(4):
        wheels[k].along, wheels[k].side = 0.0, 0.0
    for _ in range(_SOLVER_SWEEPS):
        for axle in range(0, 4, 2):
            forward, left, turn = 0.0, 0.0, 0.0
            for k in range(axle, axle + 2):
                wheel = wheels[k]
                px, py = vx - rate * wheel.y, vy + rate * wheel.x
                cos, sin = wheel.cos, wheel.sin
                along, side = _tyre(wheel, cos * px + sin * py, cos * py - sin * px, drive)
                da, ds = along - wheel.along, side - wheel.side
                wheel.along, wheel.side = along, side
                jx, jy = cos * da - sin * ds, sin * da + cos * ds
                forward += jx
                left += jy
                turn += wheel.x * jy - wheel.y * jx
            vx += forward
            vy += left
            rate += _YAW_PER_MASS * turn
    for k in range(4):
        wheel = wheels[k]
        torque = _clip(wheel.along + (wheel.target - wheel.spin) / _SPIN_W, drive)
        wheel.spin += _SPIN_W * (torque - wheel.along)
    return vx, vy, rate


@compiled
def _tyre(wheel, along_speed, side_speed, drive):  # type: ignore[no-untyped-def]
    """Impulse along and across a wheel whose place moves at these speeds, its present impulse included.

    It is that which leaves no slip; or, beyond the grip, one as large as the grip against the slip: then
    slip = -slide * impulse, and Newton's method finds the number `slide`. Along the wheel the ground meets
    the speed that the motor holds or, where its torque does not suffice, a wheel that it speeds up.
    """
    along_w, side_w = 2.0 * wheel.along_w, 2.0 * wheel.side_w
    along_free, side_free = along_speed - along_w * wheel.along, side_speed - side_w * wheel.side
    held = (wheel.target - wheel.spin) / _SPIN_W
    slide = 0.0
    for step in range(_SLIDE_STEPS + 1):
        along_soft, side_soft = along_w + slide, side_w + slide
        along, side = (wheel.target - along_free) / along_soft, -side_free / side_soft
        if abs(along + held) > drive:
            along_soft += _SPIN_W
            torque = _clip(along + held, drive)
            along = (wheel.spin + _SPIN_W * torque - along_free) / along_soft
        squared = along * along + side * side
        if squared <= wheel.grip * wheel.grip:
            return along, side
        over = math.sqrt(squared) / wheel.grip
        if step < _SLIDE_STEPS:
            slide += (over - 1.0) * squared / (along * along / along_soft + side * side / side_soft)
    return along / over, side / over


@compiled
def _clip(x, limit):  # type: ignore[no-untyped-def]
    return min(max(x, -limit), limit)


@compiled
def _share(tau, dt):  # type: ignore[no-untyped-def]
    """Part of the way that a first-order lag goes in dt."""
    return 1.0 - math.exp(-dt / tau) if tau > 0.0 else 1.0
