"""What moves a car: two servo pulses and a switch."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from ..calibration import Calibration
from ..errors import CarError, hint

#: Pulses are repeated every 20 ms, as servos and motor controllers expect [ns].
PERIOD: Final = 20_000_000

#: Hardware that `open_pulses` knows.
CARS: Final = ("deepracer", "pca9685")


class Pulses(Protocol):
    """The outputs of a car. Opening them leaves them in neutral and off."""

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

    def show(self, armed: bool) -> None:
        """Show the state with lights, where there are some; nothing happens if they fail."""
        ...


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
    raise CarError(f"car {car!r} is not known: {hint(car, CARS)}")
