"""The DeepRacer's gauge of its drive battery."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from ..errors import CarError
from .pca9685 import Bus

#: Levels of the gauge go from 0 (empty) to this (full).
FULL: Final = 11

_ADAPTER: Final = "0000:00:17.3"  # PCI address of the I2C controller
_ADDRESS, _REGISTER = 0x3F, 0x03
# What the gauge reads at each level: twelve steps, evenly over this range, as in the car's own software.
_EMPTY, _CHARGED = 0x8C, 0xEC


class Battery(Protocol):
    """A gauge."""

    def level(self) -> int:
        """The charge, 0 to `FULL`.

        Raises:
            OSError: It does not answer.
        """
        ...


class DeepRacerBattery:
    """The gauge on the car's I2C bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def level(self) -> int:
        """The charge, 0 to `FULL`; raises OSError if there is no answer, as with no battery plugged in."""
        return level_of(self._bus.read_byte_data(_ADDRESS, _REGISTER))


def level_of(reading: int) -> int:
    """The level 0 to 11 that a reading stands for."""
    share = (reading - _EMPTY) / (_CHARGED - _EMPTY)
    return min(max(int(share * FULL), 0), FULL)


def find_battery_bus(root: Path) -> Path | None:
    """The gauge's I2C bus, or `None` where there is none, as in every car but a DeepRacer."""
    for adapter in sorted((root / "sys/class/i2c-dev").glob("i2c-*")):
        if _ADAPTER in adapter.resolve().parts:
            return root / "dev" / adapter.name
    return None


def open_battery(root: Path = Path("/")) -> DeepRacerBattery | None:
    """The gauge, or `None` where there is none.

    Raises:
        CarError: There is one, but it cannot be opened.
    """
    path = find_battery_bus(root)
    if path is None:
        return None
    try:
        from smbus2 import SMBus

        return DeepRacerBattery(SMBus(str(path)))
    except ImportError:
        raise CarError("the battery's gauge needs smbus2: pip install 'hairpin[car]'") from None
    except OSError as error:
        raise CarError(
            f"cannot open {path}: {error.strerror}; this user must be in the group hairpin, see docs/car.md"
        ) from None
