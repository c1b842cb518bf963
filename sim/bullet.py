"""PyBullet's rigid bodies: the reference that policies are tried in, a second plant beside `DoubleTrack`.

One body plays all cars in turn: before each control period it is put back to rest, contacts included, and
then given the next car's motion. So cars can neither touch nor disturb each other, a car put down anew
repeats its motion to the last bit, and a physics costs one PyBullet client (28 MB), however many cars it
has.

PyBullet cuts a contact's friction to its circle after it has solved it for the x and the y axis of its
world, each as if it were alone. A wheel can spin and so gives way along its path 16 times as easily as
across it: one that points along an axis gets a friction that is tens of degrees off Coulomb's direction,
one at 45 degrees to both gets the right one. So each car's world is turned, each control period, until
the car stands at 45 degrees to its axes: what is left of the error is smaller, and the same for every
heading.
"""

from __future__ import annotations

import contextlib
import math
import weakref
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .bullet_body import HINGES, JOINTS, WHEEL_JOINTS, build_car
from .bullet_objects import Size, add_objects
from .chassis import (
    DRIVE_ACCELERATION,
    FRONT_HALF_TRACK,
    MAX_SPEED,
    MAX_STEERING,
    REAR_HALF_TRACK,
    ROLLING_MASS,
    WHEEL_RADIUS,
    WHEELBASE,
)
from .errors import SimError
from .physics import CAR_DTYPE, nominal_car

SUBSTEP_HZ: Final = 240.0
"""Physics rate; rounded to a whole number of substeps per control period [Hz]."""
STEERING_TORQUE: Final = 10.0
"""Torque limit of a steering hinge [N m]: ``effort`` of the simulator's URDF."""

# Of a car in its world, in the middle of each control period: midway between its front and its rear wheels.
_HEADING: Final = math.pi / 4

Vector = tuple[float, ...]


@dataclass
class _Motion:
    """All that one car carries from one control period to the next, in a world of its own."""

    position: Vector
    orientation: Vector  # quaternion
    linear: Vector  # [m/s]
    angular: Vector  # [rad/s]
    angles: list[float]  # of JOINTS [rad]
    rates: list[float]  # of JOINTS [rad/s]
    steering: float  # what the lagging servo asks for [rad]
    wheels: float  # what the lagging motor asks for [m/s]


class Bullet:
    """N cars as rigid bodies with four wheels each; see `Physics` for the interface.

    All four wheels are driven, as on the real car, each at the speed of its own path (driven at one speed
    they would scrub), and the front wheels steer by Ackermann's angles.
    """

    def __init__(self, num_cars: int, control_hz: float) -> None:
        self._bullet = import_pybullet("physics='single_track'")
        self._client = self._bullet.connect(self._bullet.DIRECT)
        if self._client < 0:
            raise SimError("PyBullet has no client left (it has about 1000 in a process): close some")
        self._finalizer = weakref.finalize(self, _disconnect, self._bullet, self._client)
        self._substeps = max(1, round(SUBSTEP_HZ / control_hz))
        self._dt = 1.0 / (control_hz * self._substeps)
        self._build(hull=False)
        self._height = self._save(0.0, 0.0).position[2]

        self.pose = np.zeros((num_cars, 3))
        self.velocity = np.zeros((num_cars, 3))
        self._origin = np.zeros((num_cars, 3))  # where the origin of each car's world is: x, y [m], yaw [rad]
        self._car = nominal_car(num_cars)
        self._motion = [self._at_rest(0.0)] * num_cars
        self.reset(np.arange(num_cars), self._origin.copy(), self._car.copy())

    def reset(self, which: NDArray[np.intp], pose: NDArray[np.float64], car: NDArray[np.void]) -> None:
        """Put some cars down at rest; see `Physics.reset`."""
        self._origin[which] = pose
        self._car[which] = car.astype(CAR_DTYPE, copy=False)
        for i in which:
            self._motion[i] = self._at_rest(float(self._car["steering_offset"][i]))
            self._publish(i)

    def step(self, command: NDArray[np.float64], objects: NDArray[np.void] | None = None) -> None:
        """Advance by one control period; see `Physics.step`."""
        for i in range(len(self._motion)):
            if objects is not None and objects.shape[1] and not self._hull:
                self._build(hull=True)
            self._turn(i)
            self._load(i)
            near = [] if objects is None else self._add(i, objects[i])
            self._motion[i] = self._drive(i, float(command[i, 0]), float(command[i, 1]))
            for body in near:
                self._bullet.removeBody(body, physicsClientId=self._client)
            self._publish(i)

    def close(self) -> None:
        """Disconnect from PyBullet; it may be called twice."""
        self._finalizer()

    def _build(self, *, hull: bool) -> None:
        """Build the world; a car's motion holds all that it carries on, so this may be done at any time."""
        self._bullet.resetSimulation(physicsClientId=self._client)
        self._body = build_car(self._bullet, self._client, self._dt, hull=hull)
        self._hull = hull
        self._shapes: dict[Size, int] = {}
        self._rest_state = self._bullet.saveState(physicsClientId=self._client)

    def _add(self, i: int, objects: NDArray[np.void]) -> list[int]:
        """Put bodies where objects (M,) near car i are."""
        pose, origin = self.pose[i], self._origin[i]
        return add_objects(
            self._bullet, self._client, objects, pose, origin, self._body, WHEEL_JOINTS, self._shapes
        )

    def _at_rest(self, steering: float) -> _Motion:
        angles, zero = [0.0] * len(JOINTS), (0.0, 0.0, 0.0)
        for joint, angle in zip(HINGES, ackermann(steering), strict=True):
            angles[joint] = angle
        position, orientation = (0.0, 0.0, self._height), (0.0, 0.0, 0.0, 1.0)
        return _Motion(position, orientation, zero, zero, angles, [0.0] * len(JOINTS), steering, 0.0)

    def _turn(self, i: int) -> None:
        """Turn car i's world about the car, and move its origin there; the car stays where it is."""
        motion = self._motion[i]
        (x, y, z), (qx, qy, qz, qw) = motion.position, motion.orientation
        ahead = 0.5 * (motion.steering + motion.angular[2] * self._substeps * self._dt)
        turn = _HEADING - ahead - _yaw(motion.orientation)
        x0, y0, yaw0 = self._origin[i].tolist()
        self._origin[i] = (*_turned((x, y), yaw0, (x0, y0)), yaw0 - turn)
        sin, cos = math.sin(0.5 * turn), math.cos(0.5 * turn)
        self._motion[i] = replace(
            motion,
            position=(0.0, 0.0, z),
            orientation=(cos * qx - sin * qy, cos * qy + sin * qx, cos * qz + sin * qw, cos * qw - sin * qz),
            linear=(*_turned(motion.linear, turn), motion.linear[2]),
            angular=(*_turned(motion.angular, turn), motion.angular[2]),
        )

    def _load(self, i: int) -> None:
        """Put the body into car i's state."""
        bullet, body, client, motion = self._bullet, self._body, self._client, self._motion[i]
        position, orientation = motion.position, motion.orientation
        bullet.restoreState(stateId=self._rest_state, physicsClientId=client)
        bullet.resetBasePositionAndOrientation(body, position, orientation, physicsClientId=client)
        bullet.resetBaseVelocity(body, motion.linear, motion.angular, physicsClientId=client)
        for joint, angle, rate in zip(JOINTS, motion.angles, motion.rates, strict=True):
            bullet.resetJointState(body, joint, angle, rate, physicsClientId=client)
        friction = float(self._car["friction"][i])
        for joint in WHEEL_JOINTS:
            bullet.changeDynamics(body, joint, lateralFriction=friction, physicsClientId=client)

    def _drive(self, i: int, steering: float, speed: float) -> _Motion:
        """Simulate one control period of the car that the body plays."""
        bullet, body, client = self._bullet, self._body, self._client
        car, motion = self._car[i], self._motion[i]
        steering_target = float(car["steering_gain"]) * min(max(steering, -MAX_STEERING), MAX_STEERING)
        steering_target += float(car["steering_offset"])
        speed_target = float(car["speed_gain"]) * min(max(speed, 0.0), MAX_SPEED)
        steering_share = _share(float(car["steering_tau"]), self._dt)
        speed_share = _share(float(car["speed_tau"]), self._dt)
        # The same acceleration at mass_scale 1 as in the fast physics, turning wheels included.
        torque = DRIVE_ACCELERATION * ROLLING_MASS * WHEEL_RADIUS / (4.0 * float(car["mass_scale"]))
        steering, wheels = motion.steering, motion.wheels
        for _ in range(self._substeps):
            steering += steering_share * (steering_target - steering)
            wheels += speed_share * (speed_target - wheels)
            bullet.setJointMotorControlArray(
                body,
                HINGES,
                bullet.POSITION_CONTROL,
                targetPositions=ackermann(steering),
                forces=(STEERING_TORQUE, STEERING_TORQUE),
                positionGains=(1.0, 1.0),
                velocityGains=(1.0, 1.0),
                physicsClientId=client,
            )
            bullet.setJointMotorControlArray(
                body,
                WHEEL_JOINTS,
                bullet.VELOCITY_CONTROL,
                targetVelocities=wheel_speeds(wheels, steering),
                forces=(torque, torque, torque, torque),
                physicsClientId=client,
            )
            bullet.stepSimulation(physicsClientId=client)
        return self._save(steering, wheels)

    def _save(self, steering: float, wheels: float) -> _Motion:
        """The state of the body."""
        bullet, body, client = self._bullet, self._body, self._client
        position, orientation = bullet.getBasePositionAndOrientation(body, physicsClientId=client)
        linear, angular = bullet.getBaseVelocity(body, physicsClientId=client)
        joints = bullet.getJointStates(body, JOINTS, physicsClientId=client)
        angles, rates = [joint[0] for joint in joints], [joint[1] for joint in joints]
        return _Motion(position, orientation, linear, angular, angles, rates, steering, wheels)

    def _publish(self, i: int) -> None:
        """Write car i's pose in the world and its velocity in the car frame."""
        motion = self._motion[i]
        yaw = _yaw(motion.orientation)
        x0, y0, yaw0 = self._origin[i].tolist()
        heading = yaw0 + yaw
        heading -= math.tau * math.ceil((heading - math.pi) / math.tau)
        self.pose[i] = (*_turned(motion.position, yaw0, (x0, y0)), heading)
        self.velocity[i] = (*_turned(motion.linear, -yaw), motion.angular[2])


def import_pybullet(instead: str) -> ModuleType:
    """PyBullet, which says its build time on standard error when it is first imported.

    Args:
        instead: What to use where it is not installed.

    Raises:
        SimError: it is not installed.
    """
    try:
        import pybullet
    except ImportError:
        raise SimError(
            f"PyBullet is not installed: pip install 'hairpin[bullet]', or use {instead}"
        ) from None
    return pybullet


def ackermann(steering: float) -> tuple[float, float]:
    """Angles of left and right front wheel that roll without scrub at a single-track angle [rad]."""
    tan = math.tan(steering)
    half = FRONT_HALF_TRACK * tan / WHEELBASE
    return math.atan2(tan, 1.0 - half), math.atan2(tan, 1.0 + half)


def wheel_speeds(speed: float, steering: float) -> tuple[float, float, float, float]:
    """Speeds of `WHEEL_JOINTS` [rad/s] without scrub, for a speed at the middle of the rear axle [m/s]."""
    spin, tan = speed / WHEEL_RADIUS, math.tan(steering)
    rear, front = REAR_HALF_TRACK * tan / WHEELBASE, FRONT_HALF_TRACK * tan / WHEELBASE
    left, right = math.hypot(1.0 - front, tan), math.hypot(1.0 + front, tan)
    return spin * (1.0 - rear), spin * (1.0 + rear), spin * left, spin * right


def _yaw(orientation: Vector) -> float:
    """Heading of a quaternion [rad]."""
    qx, qy, qz, qw = orientation
    return math.atan2(2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qy * qy + qz * qz))


def _turned(vector: Vector, angle: float, origin: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
    """First two numbers of a vector, turned by an angle [rad] and moved by an origin."""
    (x, y), sin, cos = vector[:2], math.sin(angle), math.cos(angle)
    return origin[0] + cos * x - sin * y, origin[1] + sin * x + cos * y


def _share(tau: float, dt: float) -> float:
    """Part of the way that a first-order lag goes in dt."""
    return 1.0 - math.exp(-dt / tau) if tau > 0.0 else 1.0


def _disconnect(bullet: ModuleType, client: int) -> None:
    with contextlib.suppress(bullet.error):
        bullet.disconnect(physicsClientId=client)
