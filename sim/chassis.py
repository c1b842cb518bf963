"""Dimensions of the car: a DeepRacer, as its simulator's URDF has it.

Source: aws-deepracer-community/deepracer-simapp, ``bundle/urdf/deepracer`` (wheels, masses, joints) and
``markov`` (reference point, collision rectangle). The car frame has its origin at ``base_link``, on the
ground between the axles: x forward, y left, z up.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

FRONT_AXLE: Final = 0.082311
"""x of the front axle [m]."""
REAR_AXLE: Final = -0.081663
"""x of the rear axle [m]."""
WHEELBASE: Final = FRONT_AXLE - REAR_AXLE
"""Distance between the axles [m]."""
FRONT_HALF_TRACK: Final = 0.079601
"""y of the front left wheel [m]."""
REAR_HALF_TRACK: Final = 0.08105
"""y of the rear left wheel [m]."""

WHEELS: Final[NDArray[np.float64]] = np.array(
    [
        [REAR_AXLE, REAR_HALF_TRACK],
        [FRONT_AXLE, FRONT_HALF_TRACK],
        [REAR_AXLE, -REAR_HALF_TRACK],
        [FRONT_AXLE, -FRONT_HALF_TRACK],
    ]
)
"""Wheel centres (4, 2) [m]: rear left, front left, rear right, front right, as in the off-track rule."""
WHEELS.setflags(write=False)

WHEEL_RADIUS: Final = 0.035
"""Radius that turns a commanded speed into wheel speed, and the height of the wheels' axis [m]."""
WHEEL_WIDTH: Final = 0.034
"""Width of a tyre [m]."""

FRONT_POINT: Final = 0.14
"""x of the point that progress, borders and waypoints are measured at [m]."""

BODY_LENGTH: Final = 0.32352
"""Length of the collision rectangle, centred on ``base_link`` [m]."""
BODY_WIDTH: Final = 0.1961
"""Width of the collision rectangle [m]."""

BODY_CORNERS: Final[NDArray[np.float64]] = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]]) * [
    BODY_LENGTH,
    BODY_WIDTH,
]
"""Corners of the collision rectangle (4, 2) [m], counter-clockwise from the front left."""
BODY_CORNERS.setflags(write=False)

MAX_STEERING: Final = math.radians(30.0)
"""Largest steering angle to either side [rad]."""
MAX_SPEED: Final = 4.0
"""Largest commanded speed [m/s]."""

GRAVITY: Final = 9.81
"""[m/s^2]."""
CHASSIS_MASS: Final = 5.98
"""Mass of chassis, cameras and shell [kg]. The real car weighs about 2 kg, but only ratios of masses matter:
scaling them all, with the motor's force in proportion, changes no motion."""
CHASSIS_INERTIA: Final = (0.0171, 0.0732, 0.0760)
"""Moments of inertia of chassis, cameras and shell about x, y, z through ``base_link`` [kg m^2]."""
WHEEL_MASS: Final = 0.34055
"""Mass of one wheel [kg]."""
WHEEL_INERTIA: Final = (0.00026, 0.00041, 0.00026)
"""Moments of inertia of one wheel about x, y (its axis), z [kg m^2]."""
HINGE_MASS: Final = 0.1
"""Mass of one steering hinge, at the front wheel's centre [kg]."""
MASS: Final = CHASSIS_MASS + 4 * WHEEL_MASS + 2 * HINGE_MASS
"""Mass of the car [kg]."""
COG_HEIGHT: Final = 0.04
"""Height of the centre of gravity over the ground [m]. Seen from above it lies on ``base_link``, so that both
axles carry the same load; the URDF's two cameras of 0.34 kg, which no real car has, are left out of this."""
YAW_INERTIA: Final = float(
    CHASSIS_INERTIA[2]
    + WHEEL_MASS * (WHEELS**2).sum()
    + 2 * HINGE_MASS * (FRONT_AXLE**2 + FRONT_HALF_TRACK**2)
    + 4 * WHEEL_INERTIA[2]
)
"""Moment of inertia of the car about the vertical axis [kg m^2]."""
ROLLING_MASS: Final = MASS + 4 * WHEEL_INERTIA[1] / WHEEL_RADIUS**2
"""Mass of the car plus that which its turning wheels add to it in speeding up [kg]."""
DRIVE_ACCELERATION: Final = 4.0
"""Acceleration and deceleration that the motor can give the nominal car [m/s^2]: under the grip of its rear
axle, so that the wheels do not spin on a straight."""
