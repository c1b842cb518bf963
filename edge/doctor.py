"""What hardware the car has, what is missing, and how to mend it."""

from __future__ import annotations

import importlib.util
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .calibration import Calibration, load_calibration
from .drivers.battery import FULL, find_battery_bus, open_battery
from .drivers.camera import find_camera, find_right_camera
from .drivers.deepracer import find_chip, find_enable_line
from .errors import CarError
from .guard.client import GuardLink


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        ok: Whether it will do.
        found: What was found.
        mend: What to do if it will not do.
        needed: Whether the car cannot drive without it.
    """

    name: str
    ok: bool
    found: str
    mend: str = ""
    needed: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON."""
        return asdict(self)


def examine(root: Path, socket: Path, calibration: Path) -> list[Finding]:
    """Look at everything; nothing is written to, and nothing moves."""
    return [
        Finding("computer", True, f"{platform.machine()}, Python {platform.python_version()}"),
        _look("outputs", lambda: _outputs(root)),
        _look("guard", lambda: _guard(socket)),
        _look("calibration", lambda: _calibration(calibration)),
        _look("camera", lambda: _camera(root)),
        _look("right camera", lambda: _right_camera(root), needed=False),
        _look("lidar", lambda: _lidar(root), needed=False),
        _look("battery", lambda: _battery(root), needed=False),
        _library("simplejpeg", "decodes the camera's frames"),
        _library("videodev2", "reads the camera"),
        _library("smbus2", "reads the battery, and drives PCA9685 boards", needed=False),
        _library("starlette", "serves the console", needed=False),
        _library("serial", "reads the lidar", needed=False),
        _library("mcap", "records drives", needed=False),
        _joystick(root),
        _stock_software(root),
    ]


def findings_as_text(findings: list[Finding]) -> str:
    """The findings for people."""
    lines = []
    for finding in findings:
        mark = "ok" if finding.ok else "MISSING" if finding.needed else "none"
        lines.append(f"{mark:8} {finding.name:12} {finding.found}")
        if not finding.ok and finding.mend:
            lines.append(f"{'':8} {'':12} -> {finding.mend}")
    bad = [finding.name for finding in findings if finding.needed and not finding.ok]
    lines.append(f"\nthe car cannot drive yet: {', '.join(bad)}" if bad else "\nthe car can drive")
    return "\n".join(lines)


def _look(name: str, look: Callable[[], str], needed: bool = True) -> Finding:
    try:
        return Finding(name, True, look(), needed=needed)
    except CarError as error:
        found, _, mend = str(error).partition(": ")
        return Finding(name, False, found, mend, needed)
    except OSError as error:
        return Finding(name, False, str(error), "look at its cable and at permissions", needed)


def _outputs(root: Path) -> str:
    boards = [path.name for path in (root / "dev/i2c-1", root / "dev/i2c-0") if path.exists()]
    try:
        chip, line = find_chip(root), find_enable_line(root)
        return f"DeepRacer: {chip.name}, enable line GPIO {line}"
    except CarError:
        if not boards:
            raise
        return f"no DeepRacer's; {boards[0]} may have a PCA9685 (hairpin-guard --car pca9685)"


def _guard(socket: Path) -> str:
    link = GuardLink(socket)
    try:
        status = link.status()
    finally:
        link.close()
    if status is None:
        raise CarError("the guard does not answer: systemctl restart hairpin-guard")
    return "armed" if status.armed else f"not armed, {status.reason.text}"


def _calibration(path: Path) -> str:
    if load_calibration(path) == Calibration():
        return "a DeepRacer's defaults; calibrate with the wheels off the ground"
    return "the car's own"


def _camera(root: Path) -> str:
    path = find_camera(root)
    if not os.access(path, os.R_OK | os.W_OK):
        raise CarError(
            f"{path} may not be read: add this user to the group video: sudo usermod -aG video $USER"
        )
    return str(path)


def _right_camera(root: Path) -> str:
    try:
        return str(find_right_camera(find_camera(root), root))
    except CarError:
        raise CarError("no second camera: plug it in; only some policies need one") from None


def _lidar(root: Path) -> str:
    path = root / "dev/hairpin-lidar"
    if not path.exists():
        raise CarError("no lidar: plug it in, copy the udev rules; only some policies need one")
    return str(path)


def _battery(root: Path) -> str:
    if find_battery_bus(root) is None:
        raise CarError("no gauge: only a DeepRacer has one; watch the battery yourself")
    battery = open_battery(root)
    return f"level {battery.level() if battery else 0} of {FULL}"


def _library(module: str, purpose: str, needed: bool = True) -> Finding:
    found = importlib.util.find_spec(module) is not None
    text = f"{module} {purpose}"
    return Finding("library", found, text, "pip install 'hairpin[car]'", needed)


def _joystick(root: Path) -> Finding:
    found = sorted(path.name for path in (root / "dev/input").glob("js*"))
    return Finding(
        "gamepad", bool(found), ", ".join(found) or "no gamepad", "plug one in, or pair it", needed=False
    )


def _stock_software(root: Path) -> Finding:
    """DeepRacer's own servo node writes to the same outputs, and stops for nobody."""
    running = []
    for process in (root / "proc").glob("[0-9]*/comm"):
        try:
            name = process.read_text().strip()
        except OSError:
            continue
        if name.startswith("servo_node"):
            running.append(process.parent.name)
    if not running:
        return Finding("alone", True, "no other program drives")
    found = f"DeepRacer's servo_node runs (process {', '.join(running)})"
    return Finding("alone", False, found, "sudo systemctl disable --now deepracer-core")
