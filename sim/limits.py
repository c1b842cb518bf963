"""What the nominal car can do, for the solver of racing lines."""

from __future__ import annotations

from hairpin.tracks.line import CarLimits

from .chassis import (
    COG_HEIGHT,
    DRIVE_ACCELERATION,
    FRONT_AXLE,
    FRONT_POINT,
    GRAVITY,
    MASS,
    MAX_SPEED,
    MAX_STEERING,
    REAR_AXLE,
    WHEELS,
    YAW_INERTIA,
)
from .errors import SimError
from .physics import nominal_car


def nominal_limits(max_speed: float = MAX_SPEED) -> CarLimits:
    """Limits of the nominal car, as every physics here has them.

    Args:
        max_speed: The fastest that is commanded [m/s].

    Raises:
        SimError: The speed is none that the car can be told.
    """
    if not 0.1 <= max_speed <= MAX_SPEED:
        raise SimError(f"max_speed is {max_speed:g}: give 0.1 to {MAX_SPEED:g} m/s")
    car = nominal_car(1)[0]
    return CarLimits(
        friction=float(car["friction"]),
        max_speed=float(max_speed),
        acceleration=DRIVE_ACCELERATION,
        max_steering=MAX_STEERING,
        steering_tau=float(car["steering_tau"]),
        front=FRONT_AXLE,
        rear=-REAR_AXLE,
        cog_height=COG_HEIGHT,
        gyration=YAW_INERTIA / MASS,
        wheels=tuple((float(x), float(y)) for x, y in WHEELS),
        reference=FRONT_POINT,
        gravity=GRAVITY,
    )
