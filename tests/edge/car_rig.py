"""A car of files: the kernel's layout of a DeepRacer in a folder, and a guard that writes to it.

Run as a program, this is the guard with one addition: it notes each write, with its monotonic time, in a log.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from hairpin.edge.calibration import Calibration
from hairpin.edge.drivers.deepracer import DeepRacerPulses
from hairpin.edge.errors import CarError
from hairpin.edge.guard.client import GuardLink
from hairpin.edge.guard.server import listen, serve
from hairpin.edge.guard.state import Guard, OutputLimits

NEUTRAL = Calibration().servo.mid, Calibration().motor.mid


def make_tree(root: Path, enable_line: int = 514, exported: bool = True) -> Path:
    """The files of a DeepRacer under `root`; its PWM chip's folder."""
    device = root / "sys/devices/pci0000:00/0000:00:17.0/i2c-0/pwm/pwmchip1"
    device.mkdir(parents=True)
    other = root / "sys/devices/pci0000:00/0000:00:1f.0/pwm/pwmchip0"
    other.mkdir(parents=True)
    classes = root / "sys/class/pwm"
    classes.mkdir(parents=True)
    for chip in (device, other):
        (classes / chip.name).symlink_to(chip)
    gpio = root / "sys/class/gpio"
    base = 512 if enable_line >= 512 else 434
    (gpio / f"gpiochip{base}").mkdir(parents=True)
    (gpio / f"gpiochip{base}" / "base").write_text(f"{base}\n")
    (gpio / f"gpiochip{base}" / "ngpio").write_text("78\n")
    (gpio / "export").write_text("")
    (device / "export").write_text("")
    if exported:
        for number in range(5):
            make_channel(device, number)
        make_line(gpio, enable_line)
    return device


def make_channel(chip: Path, number: int) -> None:
    channel = chip / f"pwm{number}"
    channel.mkdir()
    for name, value in (("period", "0"), ("duty_cycle", "0"), ("enable", "0"), ("polarity", "normal")):
        (channel / name).write_text(value + "\n")


def make_line(gpio: Path, number: int) -> None:
    (gpio / f"gpio{number}").mkdir()
    (gpio / f"gpio{number}" / "direction").write_text("in\n")
    (gpio / f"gpio{number}" / "value").write_text("0\n")


class Outputs(NamedTuple):
    """What the files say."""

    steering: int
    throttle: int
    on: bool


def outputs(root: Path) -> Outputs:
    chip = root / "sys/devices/pci0000:00/0000:00:17.0/i2c-0/pwm/pwmchip1"
    value = next((root / "sys/class/gpio").glob("gpio[0-9]*/value"))
    return Outputs(
        int((chip / "pwm1/duty_cycle").read_text()),
        int((chip / "pwm0/duty_cycle").read_text()),
        value.read_text().strip() == "0",
    )


class Write(NamedTuple):
    """One entry of the log."""

    time: float
    steering: int
    throttle: int
    on: bool


class GuardProcess:
    """The guard in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.root, self.socket, self.log = folder / "root", folder / "guard.sock", folder / "writes"
        make_tree(self.root)
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(self.root), str(self.socket), str(self.log)]
        )
        wait_until(self._listens)

    def _listens(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError("the guard ended")
        try:
            GuardLink(self.socket).close()
        except CarError:
            return False
        return True

    def link(self) -> GuardLink:
        return GuardLink(self.socket)

    def writes(self) -> list[Write]:
        rows = [line.split() for line in self.log.read_text().splitlines()]
        return [Write(float(t), int(s), int(m), on == "True") for t, s, m, on in rows]

    def time_to_neutral(self, fault: float) -> float:
        """From the fault to neutral and off [s]; nothing may move after that."""
        wait_until(lambda: not self.writes()[-1].on)
        writes = self.writes()
        off = max(i for i, write in enumerate(writes) if not write.on and (i == 0 or writes[i - 1].on))
        assert writes[off][1:] == (*NEUTRAL, False), "off, but not in neutral before"
        time.sleep(0.3)
        after = self.writes()[off:]
        assert all(write[1:] == (*NEUTRAL, False) for write in after), "it moved after the fault"
        assert outputs(self.root) == (*NEUTRAL, False)
        return writes[off].time - fault

    def moving(self) -> bool:
        return bool(
            self.log.exists()
            and self.writes()
            and self.writes()[-1][1:] != (*NEUTRAL, False)
            and self.writes()[-1].throttle != NEUTRAL[1]
        )

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def wait_until(condition, limit: float = 20.0) -> None:
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.005)


def jpegs(count: int = 5) -> list[bytes]:
    """Frames of noise, 128x96 pixels gray."""
    import numpy as np
    import simplejpeg

    small = np.random.default_rng(0).integers(0, 256, (count, 24, 32, 1), np.uint8)
    return [
        simplejpeg.encode_jpeg(frame.repeat(4, 0).repeat(4, 1).copy(), colorspace="GRAY") for frame in small
    ]


def write_film(folder: Path) -> Path:
    """A file of `jpegs`, which a camera can be."""
    path = folder / "film.mjpeg"
    path.write_bytes(b"".join(jpegs()))
    return path


class NotedPulses(DeepRacerPulses):
    """A DeepRacer's outputs that note what was written to them, after it was."""

    def __init__(self, root: Path, log: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._last, self._is_on = NEUTRAL, False
        super().__init__(root)

    def write(self, steering: int, throttle: int) -> None:
        super().write(steering, throttle)
        self._last = steering, throttle
        self._note()

    def enable(self, on: bool) -> None:
        super().enable(on)
        self._is_on = on
        self._note()

    def _note(self) -> None:
        note = f"{time.monotonic():.6f} {self._last[0]} {self._last[1]} {self._is_on}\n"
        os.write(self._log, note.encode())


if __name__ == "__main__":
    root, socket, log = (Path(argument) for argument in sys.argv[1:])
    with listen(socket) as listener:
        limits = OutputLimits(throttle=1.0, throttle_rate=1000.0)
        serve(Guard(NotedPulses(root, log), limits=limits), listener)
