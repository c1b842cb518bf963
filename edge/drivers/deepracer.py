"""The DeepRacer's outputs: PWM channels and an enable line, as files of the kernel's sysfs.

Channel 0 is the motor, 1 the servo, 2 to 4 the red, green and blue of the tail light. The PWM chip is the one
behind I2C controller 0000:00:17.0 (Ubuntu 20.04) or i2c-0 (24.04). The enable line is GPIO 436 (20.04) or
514 (24.04, whose kernel numbers GPIOs from 512 on): 0 is on, 1 is off.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path
from typing import Final

from ..calibration import Calibration
from ..errors import CarError
from .pulses import PERIOD, Light

_CHIPS: Final = ("0000:00:17.0", "i2c-0")
_THROTTLE, _STEERING = 0, 1
_LIGHTS: Final = (2, 3, 4)
_ENABLE_LINES: Final = (436, 514)
_BRIGHT: Final = 2_000_000  # of the tail light, whose full duty is 10 ms [ns]
_COLOURS: Final = {
    Light.READY: (0, 0, _BRIGHT),
    Light.ARMED: (0, _BRIGHT, 0),
    Light.FAULT: (_BRIGHT, 0, 0),
}


class DeepRacerPulses:
    """The servo, the motor and their switch; files stay open, so that a write is one system call."""

    def __init__(self, root: Path, calibration: Calibration = Calibration()) -> None:
        """Open the outputs; off first, then neutral.

        Raises:
            CarError: They are missing, or this user may not write to them.
        """
        try:
            self._enable = _open_enable_line(root)
            self.enable(False)
            chip = find_chip(root)
            self._steering = _open_channel(chip, _STEERING, calibration.servo.mid)
            self._throttle = _open_channel(chip, _THROTTLE, calibration.motor.mid)
        except OSError as error:
            raise CarError(
                f"cannot use {error.filename}: {error.strerror}; the guard runs as root: sudo hairpin-guard"
            ) from None
        self.neutral = calibration.servo.mid, calibration.motor.mid
        self._lights: tuple[int, ...] = ()
        with contextlib.suppress(OSError):  # a car without tail light drives as well
            self._lights = tuple(_open_channel(chip, channel, 0) for channel in _LIGHTS)

    def write(self, steering: int, throttle: int) -> None:
        """Set both pulses [ns]; the motor first."""
        _put(self._throttle, throttle)
        _put(self._steering, steering)

    def enable(self, on: bool) -> None:
        """Switch servo and motor on or off."""
        _put(self._enable, 0 if on else 1)

    def show(self, light: Light) -> None:
        """Tail light blue while it stands, green while it is armed, red after a fault."""
        with contextlib.suppress(OSError):
            for output, duty in zip(self._lights, _COLOURS[light], strict=False):
                _put(output, duty)


def find_chip(root: Path) -> Path:
    """The folder of the PWM chip.

    Raises:
        CarError: There is none.
    """
    chips = sorted((root / "sys/class/pwm").glob("pwmchip*"))
    for chip in chips:
        # The names are folders of the device's path: i2c-0 is not i2c-01.
        if set(_CHIPS) & set(chip.resolve().parts):
            return chip
    found = ", ".join(chip.name for chip in chips) or "none"
    raise CarError(f"no PWM chip at {' or '.join(_CHIPS)} (found {found}): is this a DeepRacer?")


def find_enable_line(root: Path) -> int:
    """The number of the enable line: the one of the known numbers that a GPIO chip of this kernel has.

    Raises:
        CarError: There is none.
    """
    gpio = root / "sys/class/gpio"
    for chip in sorted(gpio.glob("gpiochip*")):
        with contextlib.suppress(OSError, ValueError):
            base, count = (int((chip / name).read_text()) for name in ("base", "ngpio"))
            for line in _ENABLE_LINES:
                if base <= line < base + count:
                    return line
    raise CarError(
        f"no GPIO {' or '.join(map(str, _ENABLE_LINES))} under {gpio}: is this a DeepRacer, "
        "and does its kernel have CONFIG_GPIO_SYSFS?"
    )


def _open_enable_line(root: Path) -> int:
    number = find_enable_line(root)
    gpio = root / "sys/class/gpio"
    line = gpio / f"gpio{number}"
    if not line.exists():
        _export(gpio, number, line)
    if (line / "direction").read_text().strip() != "out":
        (line / "direction").write_text("high")  # an output that starts as 1, which is off
    return os.open(line / "value", os.O_WRONLY | os.O_CLOEXEC)


def _open_channel(chip: Path, number: int, duty: int) -> int:
    """The open `duty_cycle` of a channel that runs at `PERIOD` with this duty [ns]."""
    channel = chip / f"pwm{number}"
    if not channel.exists():
        _export(chip, number, channel)
    # All channels of a PCA9685 share one period: writing it again while one of them runs fails with EBUSY.
    if int((channel / "period").read_text()) != PERIOD:
        (channel / "period").write_text(str(PERIOD))
    output = os.open(channel / "duty_cycle", os.O_WRONLY | os.O_CLOEXEC)
    _put(output, duty)
    if (channel / "enable").read_text().strip() != "1":
        (channel / "enable").write_text("1")
    return output


def _export(folder: Path, number: int, made: Path) -> None:
    """Ask the kernel for the files of a line or channel, and wait for them."""
    (folder / "export").write_text(str(number))
    until = time.monotonic() + 1.0
    while not made.exists():
        if time.monotonic() > until:
            raise OSError(errno.ENOENT, "the kernel does not make it", str(made))
        time.sleep(0.001)


def _put(output: int, value: int) -> None:
    os.pwrite(output, b"%d\n" % value, 0)
