"""A gamepad as the kernel gives it: events in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from car_rig import NEUTRAL, GuardProcess, outputs, wait_until
from console_rig import ConsoleProcess, Visitor, page

from hairpin.edge.drivers.gamepad import _EVENT, Gamepad, gamepad_named
from hairpin.edge.errors import CarError

BUTTON, AXIS, INITIAL = 1, 2, 0x80
STICK, LEFT_TRIGGER, RIGHT_TRIGGER, B, LB, RB = 0, 2, 5, 1, 4, 5  # numbers of an Xbox pad


class Pad:
    """The other end of the pipe."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._pipe = -1

    def plug_in(self) -> None:
        self._pipe = os.open(self.path, os.O_WRONLY)
        for trigger in (LEFT_TRIGGER, RIGHT_TRIGGER):
            self.send(AXIS | INITIAL, trigger, -32767)

    def send(self, kind: int, number: int, value: int) -> None:
        os.write(self._pipe, _EVENT.pack(0, value, kind, number))

    def unplug(self) -> None:
        os.close(self._pipe)


@pytest.fixture
def pad(tmp_path: Path) -> Pad:
    return Pad(tmp_path / "js0")


def test_sticks_triggers_and_buttons(pad: Pad) -> None:
    gamepad = Gamepad(pad.path)
    pad.plug_in()
    pad.send(AXIS, STICK, -32767)
    pad.send(AXIS, RIGHT_TRIGGER, 32767)
    pad.send(BUTTON, RB, 1)
    wait_until(lambda: gamepad.held)
    assert (gamepad.steering, gamepad.push, gamepad.stop) == (1.0, 1.0, False)
    pad.send(AXIS, STICK, 1000)  # nobody's thumb is that quiet
    pad.send(AXIS, LEFT_TRIGGER, 32767)
    pad.send(BUTTON, B, 1)
    wait_until(lambda: gamepad.stop)
    assert (gamepad.steering, gamepad.push) == (0.0, 0.0)
    pad.send(BUTTON, 200, 1)
    os.write(pad._pipe, b"\0" * 5)
    pad.unplug()
    wait_until(lambda: not gamepad.held)
    gamepad.close()


def test_a_trigger_that_was_never_let_go_of_counts_for_nothing(pad: Pad) -> None:
    gamepad = Gamepad(pad.path)
    pad._pipe = os.open(pad.path, os.O_WRONLY)
    pad.send(AXIS | INITIAL, RIGHT_TRIGGER, 0)
    pad.send(BUTTON, RB, 1)
    wait_until(lambda: gamepad.held)
    assert gamepad.push == 0.0
    gamepad.close()
    pad.unplug()


def test_after_a_stop_and_after_plugging_in_the_key_must_be_let_go_of(pad: Pad) -> None:
    gamepad = Gamepad(pad.path)
    pad.plug_in()
    pad.send(BUTTON, RB, 1)
    wait_until(lambda: gamepad.held)
    pad.send(BUTTON, B, 1)
    wait_until(lambda: gamepad.stop)
    pad.send(BUTTON, B, 0)
    wait_until(lambda: not gamepad.stop)
    assert not gamepad.held, "it would drive again when the stop button is let go of"
    pad.send(BUTTON, RB, 0)
    pad.send(BUTTON, RB, 1)
    wait_until(lambda: gamepad.held)
    pad.unplug()
    wait_until(lambda: not gamepad.held)
    pad.plug_in()
    pad.send(BUTTON | INITIAL, LB, 0)
    pad.send(BUTTON | INITIAL, RB, 1)  # a radio that is back, and the key is still held
    pad.send(AXIS, STICK, 32767)
    wait_until(lambda: gamepad.steering == -1.0)
    assert not gamepad.held
    pad.send(BUTTON, RB, 0)
    pad.send(BUTTON, RB, 1)
    wait_until(lambda: gamepad.held)
    gamepad.close()
    pad.unplug()


def test_one_is_found_or_missed_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(CarError, match=r"no gamepad under .*: plug one in"):
        gamepad_named("auto", tmp_path)


def hold_and_let_go(pad: Pad, guard: GuardProcess) -> None:
    """Hold the key and drive, three times; each ends another way."""
    pad.send(AXIS, RIGHT_TRIGGER, 32767)
    for end in ((BUTTON, RB, 0), (BUTTON, B, 1)):
        pad.send(BUTTON, RB, 1)
        wait_until(guard.moving)
        pad.send(*end)
        wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))
    pad.send(BUTTON, B, 0)
    time.sleep(0.3)
    assert outputs(guard.root) == (*NEUTRAL, False), "the key is still held, but somebody stopped the car"
    pad.send(BUTTON, RB, 0)
    pad.send(BUTTON, RB, 1)
    wait_until(guard.moving)
    pad.unplug()
    wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))


@pytest.mark.alone
def test_the_command_drives_by_hand(guard: GuardProcess, film: Path, pad: Pad) -> None:
    code = "from hairpin.edge.cli import main; main()"
    command = [sys.executable, "-c", code, "drive", "--gamepad", pad.path, "--scale", "1", "--camera", film]
    command += ["--socket", guard.socket, "--root", guard.root]
    process = subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        pad.plug_in()
        while "nobody has armed it" not in (line := process.stderr.readline()):
            assert line
        hold_and_let_go(pad, guard)
    finally:
        process.kill()
        process.wait()


@pytest.mark.alone
def test_the_console_gives_it_the_free_wheel(
    guard: GuardProcess, film: Path, pad: Pad, tmp_path: Path
) -> None:
    console = ConsoleProcess(guard, tmp_path, film, "--gamepad", pad.path)
    try:
        with page(Visitor(console).choose()) as watcher:
            pad.plug_in()
            wait_until(lambda: not watcher.state["obstacle"])
            hold_and_let_go(pad, guard)
            wait_until(lambda: watcher.state["wheel"]["holder"] == "gamepad on the car")
            watcher.take()
            pad.plug_in()
            pad.send(BUTTON, RB, 1)
            wait_until(lambda: watcher.state["wheel"]["asker"] == "gamepad on the car")
            assert not guard.moving()
    finally:
        console.end()


def test_drive_needs_a_policy_or_a_gamepad() -> None:
    code = "from hairpin.edge.cli import main; main()"
    run = subprocess.run([sys.executable, "-c", code, "drive"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (2, "error: give a BUNDLE, or --gamepad auto to drive by hand\n")
