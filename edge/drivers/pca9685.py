"""A PCA9685 board over I2C, for other 1/18 and 1/10 cars: throttle on channel 0, steering on channel 1.

The registers are those of NXP's data sheet, section 7.3. These boards have no switch: off means that neutral
pulses go out whatever is written, which every motor controller takes as "stand still".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from ..calibration import Calibration
from ..errors import CarError
from .pulses import Light

_ADDRESS: Final = 0x40
_BUSES: Final = (1, 0)  # of a Raspberry Pi, then of others
_MODE1, _PRESCALE, _FIRST = 0x00, 0xFE, 0x06
_SLEEP, _AUTO_INCREMENT = 0x10, 0x20
_DIVIDER: Final = 122  # of 25 MHz, for 4096 ticks at 50 Hz
_TICK: Final = 1e9 * _DIVIDER / 25e6  # [ns]
_THROTTLE, _STEERING = 0, 1


class Bus(Protocol):
    """An I2C bus, as smbus2 has it."""

    def read_byte_data(self, i2c_addr: int, register: int) -> int:
        """Read one register."""
        ...

    def write_byte_data(self, i2c_addr: int, register: int, value: int) -> None:
        """Write one register."""
        ...

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: Sequence[int]) -> None:
        """Write registers in a row."""
        ...


class Pca9685Pulses:
    """The servo and the motor controller on a PCA9685."""

    def __init__(self, bus: Bus, calibration: Calibration = Calibration(), address: int = _ADDRESS) -> None:
        """Set the board up; neutral, and off.

        Raises:
            CarError: It does not answer.
        """
        self._bus, self._address, self._on = bus, address, False
        self.neutral = calibration.servo.mid, calibration.motor.mid
        try:
            if bus.read_byte_data(address, _PRESCALE) != _DIVIDER - 1:
                bus.write_byte_data(address, _MODE1, _SLEEP)  # the rate can be set only while it sleeps
                bus.write_byte_data(address, _PRESCALE, _DIVIDER - 1)
            bus.write_byte_data(address, _MODE1, _AUTO_INCREMENT)
            self.enable(False)
        except OSError as error:
            raise CarError(
                f"no PCA9685 at I2C address 0x{address:02x} ({error.strerror}): look at its wires and power"
            ) from None

    def write(self, steering: int, throttle: int) -> None:
        """Set both pulses [ns]; neutral ones while it is off."""
        if not self._on:
            steering, throttle = self.neutral
        self._put(_THROTTLE, throttle)
        self._put(_STEERING, steering)

    def enable(self, on: bool) -> None:
        """Let pulses through, or neutral ones alone."""
        self._on = on
        if not on:
            self.write(*self.neutral)

    def show(self, light: Light) -> None:
        """These boards have no lights."""

    def _put(self, channel: int, pulse: int) -> None:
        off = round(pulse / _TICK)
        self._bus.write_i2c_block_data(self._address, _FIRST + 4 * channel, [0, 0, off & 0xFF, off >> 8])


def open_bus(root: Path) -> Bus:
    """The first I2C bus that a board may be on.

    Raises:
        CarError: There is no bus, no permission, or no smbus2.
    """
    found = [root / f"dev/i2c-{number}" for number in _BUSES if (root / f"dev/i2c-{number}").exists()]
    if not found:
        raise CarError(f"no I2C bus under {root / 'dev'}: enable I2C (on a Raspberry Pi: raspi-config)")
    try:
        from smbus2 import SMBus

        bus: Bus = SMBus(str(found[0]))
        return bus
    except ImportError:
        raise CarError("PCA9685 needs smbus2: pip install 'hairpin[car]'") from None
    except OSError as error:
        raise CarError(f"cannot open {found[0]}: {error.strerror}") from None
