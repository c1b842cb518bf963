"""The commands of `hairpin-car` that need a car: drive, doctor, calibrate, serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .calibration import CALIBRATION, Axis, Calibration, load_calibration, write_calibration
from .console.command import serve
from .drive_command import drive
from .errors import CarError, ContractError
from .guard.wire import SOCKET
from .options import CalibrationPath, Root, Socket


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(drive)
    app.command()(doctor)
    app.command()(calibrate)
    app.command()(serve)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    socket: Socket = Path(SOCKET),
    calibration: CalibrationPath = CALIBRATION,
    root: Root = Path("/"),
) -> None:
    """Say what hardware there is, what is missing, and what mends it.

    Exit status 1 if the car cannot drive. Nothing is written to, and nothing moves.

    Example: hairpin-car doctor
    """
    from .doctor import examine, findings_as_text

    findings = examine(root, socket, calibration)
    fine = all(finding.ok or not finding.needed for finding in findings)
    if as_json:
        print(json.dumps({"ok": fine, "findings": [finding.to_dict() for finding in findings]}))
    else:
        print(findings_as_text(findings))
    if not fine:
        raise SystemExit(1)


def calibrate(
    servo: Annotated[
        str,
        typer.Option(help="Pulses of right, straight and left and the polarity: 1200000,1450000,1700000,1"),
    ] = "",
    motor: Annotated[
        str,
        typer.Option(help="Pulses, the shortest, standing, the longest, and -1: 1311000,1446000,1603500,-1"),
    ] = "",
    calibration: CalibrationPath = CALIBRATION,
) -> None:
    """Show the calibration, or change it.

    The guard reads it when it starts. The console's "Calibrate" changes it with live effect.

    Example: hairpin-car calibrate --servo 1200000,1460000,1700000,1
    """
    now = load_calibration(calibration)
    if servo or motor:
        now = Calibration(_axis(servo, "servo") or now.servo, _axis(motor, "motor") or now.motor)
        write_calibration(calibration, now)
        print(f"written to {calibration}; for it to count: systemctl restart hairpin-guard")
    for name, axis in (("servo", now.servo), ("motor", now.motor)):
        print(f"{name}  min {axis.min}  mid {axis.mid}  max {axis.max} ns  polarity {axis.polarity:+d}")


def _axis(text: str, name: str) -> Axis | None:
    if not text:
        return None
    try:
        low, mid, high, polarity = (int(part) for part in text.split(","))
    except ValueError:
        raise CarError(
            f"{name} is {text!r}: give min,mid,max in nanoseconds and a polarity of 1 or -1"
        ) from None
    try:
        return Axis(low, mid, high, polarity)
    except (CarError, ContractError) as error:
        raise CarError(f"{name}: {error}") from None
