"""The program `hairpin-guard`; see the package."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..calibration import CALIBRATION, Calibration, load_calibration
from ..drivers.pulses import CARS, Pulses, open_pulses
from ..errors import CarError
from .server import listen, serve
from .state import Guard, OutputLimits
from .wire import SOCKET


def main(arguments: list[str] | None = None) -> None:
    """Run the guard; bad input and missing hardware give one line and exit status 2."""
    parser = argparse.ArgumentParser(
        prog="hairpin-guard", description="Own the car's servo and motor, and stop it when nobody drives it."
    )
    default = OutputLimits()
    parser.add_argument(
        "--car", choices=CARS, default=CARS[0], help="what is built in (default: %(default)s)"
    )
    parser.add_argument("--neutral", action="store_true", help="write neutral, switch off, and leave")
    parser.add_argument("--socket", type=Path, default=Path(SOCKET), help="default: %(default)s")
    parser.add_argument("--calibration", type=Path, default=CALIBRATION, help="default: %(default)s")
    parser.add_argument("--max-throttle", type=float, default=default.throttle, help="default: %(default)s")
    parser.add_argument("--throttle-rate", type=float, default=default.throttle_rate, help="[1/s]")
    parser.add_argument("--steering-rate", type=float, default=default.steering_rate, help="[1/s]")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where sys and dev lie, for trials")
    given = parser.parse_args(arguments)
    try:
        if given.neutral:
            neutral(given.car, given.root, given.calibration)
            return
        limits = OutputLimits(given.max_throttle, given.throttle_rate, given.steering_rate)
        calibration = load_calibration(given.calibration)
        with listen(given.socket) as listener:
            output = open_pulses(given.car, given.root, calibration)
            serve(Guard(output, calibration, limits), listener)
    except CarError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def neutral(car: str, root: Path, path: Path) -> None:
    """Write neutral and switch the outputs off, once; a broken calibration does not hold this up.

    Raises:
        CarError: An output cannot be reached.
    """
    try:
        calibration = load_calibration(path)
    except CarError:
        calibration = Calibration()
    output: Pulses = open_pulses(car, root, calibration)
    failed = ""
    try:
        output.write(calibration.servo.pulse(0.0), calibration.motor.pulse(0.0))
    except OSError as error:
        failed = f"cannot write neutral: {os.strerror(error.errno or 0)}"
    try:
        output.enable(False)
    except OSError as error:
        failed = f"cannot switch the outputs off: {os.strerror(error.errno or 0)}"
    if failed:
        raise CarError(failed)


if __name__ == "__main__":
    main()
