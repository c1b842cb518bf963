"""What every physics offers to the world: N separate cars on flat ground, advanced in lockstep."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import SimError, check_whole, choice

CONTROL_HZ: Final = 15.0
"""Commands per second: one for each camera frame, as in the original simulator [Hz]."""

PHYSICS: Final = ("single_track", "bullet")
"""Names that `make_physics` takes."""

CAR_DTYPE: Final = np.dtype(
    [
        ("friction", np.float64),  # coefficient of friction of tyre on ground [-]
        ("speed_gain", np.float64),  # steady speed over commanded speed [-]
        ("speed_tau", np.float64),  # time constant of the wheels' speed [s]
        ("steering_gain", np.float64),  # steady steering angle over commanded angle [-]
        ("steering_tau", np.float64),  # time constant of the steering [s]
        ("steering_offset", np.float64),  # steering angle at command 0, + = left [rad]
        ("mass_scale", np.float64),  # mass over nominal mass; the motor's force stays the same [-]
    ]
)
"""Parameters of one car, the same for each physics. All but ``steering_offset`` are positive; a time constant
may be 0, which is no lag."""

_NOMINAL: Final = (0.9, 1.0, 0.2, 1.0, 0.07, 0.0, 1.0)


def nominal_car(num_cars: int) -> NDArray[np.void]:
    """Parameters of the nominal car, ``num_cars`` times.

    Returns:
        Array (N,) of `CAR_DTYPE`.
    """
    return np.full(num_cars, np.array(_NOMINAL, dtype=CAR_DTYPE))


class Physics(Protocol):
    """N cars on flat ground, each with what is around it; they do not see each other.

    Attributes:
        pose: (N, 3) float64, x [m] and y [m] of ``base_link``, yaw [rad] in (-pi, pi]. For reading only.
        velocity: (N, 3) float64 of ``base_link`` in the car frame: forward [m/s], left [m/s], yaw rate
            [rad/s]. For reading only.
    """

    pose: NDArray[np.float64]
    velocity: NDArray[np.float64]

    def reset(self, which: NDArray[np.intp], pose: NDArray[np.float64], car: NDArray[np.void]) -> None:
        """Put some cars down at rest, wheels straight; from then on they behave exactly as new ones.

        Args:
            which: (K,) indices of the cars.
            pose: (K, 3) x [m], y [m], yaw [rad].
            car: (K,) of `CAR_DTYPE`.
        """
        ...

    def step(self, command: NDArray[np.float64], objects: NDArray[np.void] | None = None) -> None:
        """Advance by one control period.

        Args:
            command: (N, 2) finite float64: steering [rad], + = left, and speed [m/s]; clipped to what the car
                can do (`MAX_STEERING`, 0 to `MAX_SPEED`).
            objects: (N, M) of `OBJECT_DTYPE`: what each car can run into, where it is in this period.
        """
        ...

    def close(self) -> None:
        """Release what the physics holds; it may be called twice."""
        ...


def make_physics(name: str, num_cars: int, control_hz: float = CONTROL_HZ) -> Physics:
    """Create a physics by name, with ``num_cars`` nominal cars at the origin.

    Args:
        name: ``"single_track"`` (fast, for training) or ``"bullet"`` (PyBullet's rigid bodies, the check).
        num_cars: N, at least 1.
        control_hz: calls of `Physics.step` per simulated second [Hz].

    Raises:
        SimError: the name is unknown, a number is out of range, or PyBullet is not installed.
    """
    check_whole("num_cars", num_cars)
    if not 1.0 <= control_hz <= 1000.0:
        raise SimError(f"control_hz is {control_hz}: give 1 to 1000 Hz")
    if choice("physics", name, PHYSICS) == "single_track":
        from .double_track import DoubleTrack

        return DoubleTrack(num_cars, control_hz)
    from .bullet import Bullet

    return Bullet(num_cars, control_hz)
