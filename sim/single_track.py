"""Single-track (bicycle) model with saturating tyres, compiled with numba; the default for training.

The tyres are soft constraints, solved implicitly in each substep: a tyre resists sideways slip in proportion
to its slip angle (a linear tyre), up to the grip that its load allows (a friction circle for each axle).
The slip angle's denominator, the forward speed, enters as the constraint's softness, so at low speed the
model becomes the kinematic bicycle by itself: no blend, no singularity at standstill, always stable.

Sources: R. Rajamani, Vehicle Dynamics and Control, 2nd ed., 2.3 (single track); E. Catto, Soft Constraints,
GDC 2011 (an implicit spring as a constraint's softness).
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
    GRAVITY,
    MASS,
    MAX_SPEED,
    MAX_STEERING,
    REAR_AXLE,
    WHEELBASE,
    YAW_INERTIA,
)
from .contact import push_out
from .objects import OBJECT_DTYPE
from .physics import CAR_DTYPE, nominal_car

SUBSTEP_HZ: Final = 120.0
"""Physics rate; rounded to a whole number of substeps per control period [Hz]."""
CORNERING_STIFFNESS: Final = 40.0
"""Side force over load per slip angle of either axle; fitted to `Bullet`, whose tyres are rigid [1/rad]."""
PAIR_GRIP: Final = 0.2
"""Share of the grip with which the wheels of an axle, each held to the speed of its own path, resist a yaw
rate that leaves the path; fitted to `Bullet`. Without it the car spins earlier than one with four wheels."""

_STATE: Final = np.dtype([("steering", np.float64), ("wheels", np.float64), ("ax", np.float64)])
_SOLVER_SWEEPS: Final = 3
_MIN_LOAD: Final = 0.05 * GRAVITY  # an axle never lifts off in this flat model
_PAIR_ARM: Final = 0.08  # half the track [m]
_YAW_PER_MASS: Final = MASS / YAW_INERTIA  # [1/m^2]


class SingleTrack:
    """N cars by the single-track model; see `Physics` for the interface."""

    def __init__(self, num_cars: int, control_hz: float) -> None:
        self.pose = np.zeros((num_cars, 3))
        self.velocity = np.zeros((num_cars, 3))
        self._car = nominal_car(num_cars)
        self._state = np.zeros(num_cars, dtype=_STATE)
        self._nothing = np.zeros((num_cars, 0), dtype=OBJECT_DTYPE)
        self._substeps = max(1, round(SUBSTEP_HZ / control_hz))
        self._dt = 1.0 / (control_hz * self._substeps)

    def reset(self, which: NDArray[np.intp], pose: NDArray[np.float64], car: NDArray[np.void]) -> None:
        """Put some cars down at rest; see `Physics.reset`."""
        self.pose[which] = pose
        self.pose[which, 2] -= math.tau * np.ceil((self.pose[which, 2] - np.pi) / math.tau)
        self.velocity[which] = 0.0
        self._car[which] = car.astype(CAR_DTYPE, copy=False)
        self._state[which] = np.zeros(1, dtype=_STATE)
        self._state["steering"][which] = self._car["steering_offset"][which]

    def step(self, command: NDArray[np.float64], objects: NDArray[np.void] | None = None) -> None:
        """Advance by one control period; see `Physics.step`. `contact.push_out` says what objects do."""
        command = np.ascontiguousarray(command, dtype=np.float64)
        objects = self._nothing if objects is None else objects
        _step(self.pose, self.velocity, self._state, self._car, command, objects, self._substeps, self._dt)

    def close(self) -> None:
        """Nothing to release."""


@compiled
def _step(pose, velocity, state, car, command, objects, substeps, dt):  # type: ignore[no-untyped-def]
    for i in range(pose.shape[0]):
        steering, speed = command[i, 0], command[i, 1]
        _advance(pose[i], velocity[i], state, car, i, steering, speed, objects[i], substeps, dt)


@compiled
def _advance(pose, velocity, state, car, i, steering, speed, objects, substeps, dt):  # type: ignore[no-untyped-def]
    """Advance car i: actuators, then velocity, then pose."""
    p = car[i]
    steering_target = p.steering_gain * _clip(steering, MAX_STEERING) + p.steering_offset
    speed_target = p.speed_gain * min(max(speed, 0.0), MAX_SPEED)
    steering_share, speed_share = _share(p.steering_tau, dt), _share(p.speed_tau, dt)
    drive = 0.5 * DRIVE_ACCELERATION / p.mass_scale  # of one axle
    delta, wheels, ax = state[i].steering, state[i].wheels, state[i].ax
    x, y, yaw = pose[0], pose[1], pose[2]
    vx, vy, rate = velocity[0], velocity[1], velocity[2]
    for _ in range(substeps):
        delta += steering_share * (steering_target - delta)
        wheels += speed_share * (speed_target - wheels)
        start = vx
        vx, vy, rate = _solve(vx, vy, rate, ax, delta, wheels, p.friction, drive, dt)
        ax = (vx - start) / dt
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
    state[i].steering, state[i].wheels, state[i].ax = delta, wheels, ax


@compiled
def _solve(vx, vy, rate, ax, delta, wheels, friction, drive, dt):  # type: ignore[no-untyped-def]
    """Velocity after one substep of tyre impulses, by projected Gauss-Seidel.

    Impulses are per mass of the car [m/s]. Each is changed until its own slip is zero (along the wheel) or
    what the tyre's softness allows (across it), then cut to the motor's force and the axle's grip.
    """
    sin, cos = math.sin(delta), math.cos(delta)
    # Speeding up shifts load from the front to the rear axle.
    shift = ax * COG_HEIGHT / WHEELBASE
    front_load = max(-GRAVITY * REAR_AXLE / WHEELBASE - shift, _MIN_LOAD)
    rear_load = max(GRAVITY * FRONT_AXLE / WHEELBASE + shift, _MIN_LOAD)
    front_grip, rear_grip = friction * front_load * dt, friction * rear_load * dt
    front_soft = abs(vx) / (CORNERING_STIFFNESS * front_load * dt)
    rear_soft = abs(vx) / (CORNERING_STIFFNESS * rear_load * dt)
    # Inverse effective masses at the axles, in the direction of the impulse.
    front_along_w = 1.0 + (FRONT_AXLE * sin) ** 2 * _YAW_PER_MASS
    front_side_w = 1.0 + (FRONT_AXLE * cos) ** 2 * _YAW_PER_MASS
    rear_side_w = 1.0 + REAR_AXLE**2 * _YAW_PER_MASS
    pair_gain = _PAIR_ARM * _YAW_PER_MASS
    drive *= dt
    pair_limit = min(PAIR_GRIP * (front_grip + rear_grip), 2.0 * drive)
    path_rate = wheels * sin / (cos * WHEELBASE)
    front_along, front_side, rear_along, rear_side, pair = 0.0, 0.0, 0.0, 0.0, 0.0
    for _ in range(_SOLVER_SWEEPS):
        v = vy + FRONT_AXLE * rate
        along = _clip(front_along + (wheels / cos - cos * vx - sin * v) / front_along_w, drive)
        side = front_side - (cos * v - sin * vx + front_soft * front_side) / (front_side_w + front_soft)
        along, side = _cut(along, side, front_grip)
        jx = cos * (along - front_along) - sin * (side - front_side)
        jy = sin * (along - front_along) + cos * (side - front_side)
        front_along, front_side = along, side
        vx += jx
        vy += jy
        rate += FRONT_AXLE * _YAW_PER_MASS * jy

        v = vy + REAR_AXLE * rate
        along = _clip(rear_along + wheels - vx, drive)
        side = rear_side - (v + rear_soft * rear_side) / (rear_side_w + rear_soft)
        along, side = _cut(along, side, rear_grip)
        vx += along - rear_along
        vy += side - rear_side
        rate += REAR_AXLE * _YAW_PER_MASS * (side - rear_side)
        rear_along, rear_side = along, side

        new = _clip(pair + (path_rate - rate) / pair_gain, pair_limit)
        rate += (new - pair) * pair_gain
        pair = new
    return vx, vy, rate


@compiled
def _cut(along, side, grip):  # type: ignore[no-untyped-def]
    """Shorten a tyre's impulse to the friction circle."""
    total = math.sqrt(along * along + side * side)
    if total <= grip:
        return along, side
    return along * grip / total, side * grip / total


@compiled
def _clip(x, limit):  # type: ignore[no-untyped-def]
    return min(max(x, -limit), limit)


@compiled
def _share(tau, dt):  # type: ignore[no-untyped-def]
    """Part of the way that a first-order lag goes in dt."""
    return 1.0 - math.exp(-dt / tau) if tau > 0.0 else 1.0
