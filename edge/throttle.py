"""From a command in radians and metres per second to what the servo and the motor are told."""

from __future__ import annotations

import math

from .actions import MAX_STEERING

#: Throttle of half the fastest action and of the fastest one, as on DeepRacer's car.
_HALF, _FULL = 0.8, 1.0
_BEND = 2.0 * _FULL - 4.0 * _HALF, 4.0 * _HALF - _FULL


def throttle(speed: float, top_speed: float, scale: float) -> float:
    """Throttle in [-1, 1] of a speed, as DeepRacer's own navigation node maps it.

    The car measures no speed, so what counts is the ratio r to the policy's fastest action, bent so that half
    of it gets 0.8: a motor does little below that. `scale * (a r^2 + b r)`, a = 2 - 4 * 0.8, b = 4 * 0.8 - 1.

    Args:
        speed: Wanted speed [m/s]; negative is backwards.
        top_speed: Speed of the fastest action [m/s].
        scale: Share of the motor's power that the driver allows, 0 to 1: DeepRacer's "maximum speed".
    """
    ratio = min(abs(speed) / top_speed, 1.0)
    a, b = _BEND
    return math.copysign(scale * min(a * ratio * ratio + b * ratio, 1.0), speed)


def speed(throttle: float, top_speed: float) -> float:
    """The speed [m/s] that a throttle was asked for at full scale; a simulated car's answer to its motor.

    The map bends beyond 1, where it is cut: full throttle stands for all speeds above 5/6 of the fastest.

    Args:
        throttle: In [-1, 1]; a car that goes backwards is not simulated, so below 0 it stands.
        top_speed: Speed of the fastest action [m/s].
    """
    a, b = _BEND
    share = min(max(throttle, 0.0), 1.0)
    if share > 1.0 - 1e-3:  # what a pulse of whole nanoseconds can say
        return top_speed
    return top_speed * (math.sqrt(b * b + 4.0 * a * share) - b) / (2.0 * a)


def steering(angle: float, trim: float = 0.0) -> float:
    """The servo's value in [-1, 1] of a steering angle [rad]; full lock is `MAX_STEERING`, + = left.

    DeepRacer's car divides by the largest angle of the action space instead, so that a policy that never
    steers more than 15 degrees would steer 30. What was trained is what the wheels do here.

    Args:
        angle: Steering angle [rad].
        trim: What is added, because the car pulls to a side [rad].
    """
    return min(max((angle + trim) / math.radians(MAX_STEERING), -1.0), 1.0)
