"""What moves a car: two servo pulses and a switch."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Final, Protocol

from ..calibration import Calibration
from ..errors import CarError, hint

#: Pulses are repeated every 20 ms, as servos and motor controllers expect [ns].
PERIOD: Final = 20_000_000

#: Hardware that `open_pulses` knows.
CARS: Final = ("deepracer", "pca9685", "none")


class Light(Enum):
    """What a car's lights show."""

    READY = "somebody may arm it"
    ARMED = "it moves"
    FAULT = "it stopped because something is wrong"


class Pulses(Protocol):
    """The outputs of a car. Opening them leaves them in neutral and off.

    Attributes:
        neutral: Pulses of the servo and the motor [ns] that "off" means where there is no switch.
    """

    neutral: tuple[int, int]

    def write(self, steering: int, throttle: int) -> None:
        """Set both pulses [ns].

        Raises:
            OSError: The hardware does not answer.
        """
        ...

    def enable(self, on: bool) -> None:
        """Switch the outputs on or off.

        Raises:
            OSError: The hardware does not answer.
        """
        ...

    def show(self, light: Light) -> None:
        """Show the state with lights, where there are some; nothing happens if they fail."""
        ...


class NoPulses:
    """A car that does not move, to try everything else with."""

    neutral = 0, 0

    def write(self, steering: int, throttle: int) -> None:
        """There is no servo and no motor."""

    def enable(self, on: bool) -> None:
        """There is nothing to switch."""

    def show(self, light: Light) -> None:
        """There are no lights."""


def open_pulses(car: str, root: Path, calibration: Calibration) -> Pulses:
    """Open the outputs of a car, in neutral and off.

    Raises:
        CarError: They are missing, or do not answer.
    """
    if car == "deepracer":
        from .deepracer import DeepRacerPulses

        return DeepRacerPulses(root, calibration)
    if car == "pca9685":
        from .pca9685 import Pca9685Pulses, open_bus

        return Pca9685Pulses(open_bus(root), calibration)
    if car == "none":
        return NoPulses()
    raise CarError(f"car {car!r} is not known: {hint(car, CARS)}")
