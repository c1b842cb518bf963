"""The car's calibration: pulses of the servo and the motor, in DeepRacer's own file.

    {"Calibration": {"Servo": {"min": 1200000, "mid": 1450000, "max": 1700000, "polarity": 1},
                     "Motor": {"min": 1311000, "mid": 1446000, "max": 1603500, "polarity": -1}, "version": 1}}

Pulses are in nanoseconds; between the three points they are piecewise linear, as in the car's own servo node.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .errors import BundleError, CarError, ContractError, check_fields, check_integer

#: Where the console and `hairpin-car calibrate` keep the file.
CALIBRATION: Final = Path("/var/lib/hairpin/calibration.json")

#: Where DeepRacer's own software keeps it; read if there is none of ours, and never written.
DEEPRACER_PATH: Final = Path("/opt/aws/deepracer/calibration.json")

#: Pulses that any hobby servo or motor controller understands [ns]; beyond them servos hit their stops.
SHORTEST, LONGEST = 900_000, 2_100_000

_POINTS: Final = ("min", "mid", "max", "polarity")
_LARGEST_FILE: Final = 100_000  # [bytes]


@dataclass(frozen=True)
class Axis:
    """Pulses of one output.

    Attributes:
        min: Shortest pulse [ns].
        mid: Pulse of straight wheels, or of a standing motor [ns].
        max: Longest pulse [ns].
        polarity: 1 if longer pulses are positive (left, forward), -1 if shorter ones are.

    Raises:
        CarError: A value is out of range, or they are not in order.
    """

    min: int
    mid: int
    max: int
    polarity: int

    def __post_init__(self) -> None:
        try:
            for name in ("min", "mid", "max"):
                check_integer(getattr(self, name), f"calibration {name}", SHORTEST, LONGEST)
            if check_integer(self.polarity, "calibration polarity", -1, 1) == 0:
                raise ContractError("calibration polarity is 0: give 1 or -1")
        except ContractError as error:
            raise CarError(str(error)) from None
        if not self.min < self.mid < self.max:
            raise CarError(f"calibration is {self.min}, {self.mid}, {self.max} ns: give min < mid < max")

    def pulse(self, value: float) -> int:
        """The pulse [ns] of a value in [-1, 1]; what lies outside is clipped."""
        signed = min(max(value, -1.0), 1.0) * self.polarity
        reach = self.max - self.mid if signed > 0 else self.mid - self.min
        return round(self.mid + signed * reach)

    def value(self, pulse: int) -> float:
        """The value in [-1, 1] that a pulse [ns] stands for."""
        reach = self.max - self.mid if pulse > self.mid else self.mid - self.min
        return min(max((pulse - self.mid) / reach, -1.0), 1.0) * self.polarity


@dataclass(frozen=True)
class Calibration:
    """Pulses of both outputs; the defaults are those of a DeepRacer.

    Attributes:
        servo: Steering, + = left.
        motor: Throttle, + = forward.
    """

    servo: Axis = Axis(1_200_000, 1_450_000, 1_700_000, 1)
    motor: Axis = Axis(1_311_000, 1_446_000, 1_603_500, -1)


def read_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises:
        CarError: It cannot be read, or holds something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise CarError(
            f"cannot read {path}: {error.strerror}; write one with `hairpin-car calibrate`"
        ) from None
    try:
        if len(content) > _LARGEST_FILE:
            raise ContractError("it is too large")
        data = json.loads(content)
        outer = data.get("Calibration") if isinstance(data, Mapping) else None
        axes = check_fields(outer, "Calibration", ("Servo", "Motor"), ("version",))
        return Calibration(_axis(axes, "Servo"), _axis(axes, "Motor"))
    except (ValueError, RecursionError) as error:  # CarError and ContractError are ValueErrors
        raise CarError(f"{path} is no calibration: {error}") from None


def load_calibration(path: Path = CALIBRATION) -> Calibration:
    """The calibration that counts: that of a file; without ours DeepRacer's; without any the defaults.

    Raises:
        CarError: The file cannot be read, or holds something else.
    """
    for candidate in (path, DEEPRACER_PATH) if path == CALIBRATION else (path,):
        if candidate.exists():
            return read_calibration(candidate)
    return Calibration()


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration file, atomically, as DeepRacer's own software does.

    Raises:
        CarError: It cannot be written.
    """
    from . import archive  # the guard, which starts in a hurry, never writes

    axes = {"Servo": calibration.servo, "Motor": calibration.motor}
    inner: dict[str, Any] = {
        name: {point: getattr(axis, point) for point in _POINTS} for name, axis in axes.items()
    }
    text = json.dumps({"Calibration": {**inner, "version": 1}}, indent=2) + "\n"
    try:
        archive.write(path, text.encode())
    except BundleError as error:
        raise CarError(str(error)) from None


def _axis(axes: Mapping[str, Any], name: str) -> Axis:
    try:
        return Axis(**check_fields(axes[name], name, _POINTS))
    except CarError as error:
        raise CarError(f"{name}: {error}") from None
