"""The guard as a process on the kernel's files: every way to lose the driver ends in neutral and off."""

from __future__ import annotations

import os
import signal
import socket as sockets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from car_rig import NEUTRAL, GuardProcess, make_tree, outputs, wait_until

from hairpin.edge.drivers.deepracer import DeepRacerPulses
from hairpin.edge.errors import CarError
from hairpin.edge.guard.server import listen
from hairpin.edge.guard.wire import Kind, Request
from hairpin.edge.reasons import Reason

pytestmark = pytest.mark.alone

LIMIT = 0.3  # from any fault to neutral and off [s]

DRIVER = """
import sys, time
from hairpin.edge.guard.client import GuardLink
link = GuardLink(sys.argv[1])
assert link.arm().yours
print("armed", flush=True)
while True:
    link.command(0.5, 1.0, time.monotonic() + 0.25)
    time.sleep(0.02)
"""


@pytest.fixture
def driver(guard: GuardProcess) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(guard.socket)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "armed\n"
    wait_until(guard.moving)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGKILL, Reason.CLIENT_GONE), (signal.SIGSTOP, Reason.COMMAND_TIMEOUT)]
)
def test_a_driver_that_dies_or_stops(
    guard: GuardProcess, driver: subprocess.Popen[str], number: signal.Signals, reason: Reason
) -> None:
    fault = time.monotonic()
    driver.send_signal(number)
    taken = guard.time_to_neutral(fault)
    print(f"time to neutral after {number.name}: {1e3 * taken:.0f} ms")
    assert taken <= LIMIT
    status = guard.link().status()
    assert status is not None
    assert status.reason is reason


def test_anybody_may_stop_and_nobody_else_may_drive(
    guard: GuardProcess, driver: subprocess.Popen[str]
) -> None:
    other = guard.link()
    reply = other.command(0.0, 0.1, time.monotonic() + 0.2)
    assert reply is not None
    assert (reply.armed, reply.yours, reply.reason) == (True, False, Reason.TAKEN)
    fault = time.monotonic()
    other.disarm()
    assert guard.time_to_neutral(fault) <= LIMIT


def test_a_driver_that_babbles(guard: GuardProcess) -> None:
    client = sockets.socket(sockets.AF_UNIX, sockets.SOCK_SEQPACKET)
    client.connect(str(guard.socket))
    client.send(Request(Kind.ARM).pack())
    client.recv(100)
    client.send(Request(Kind.COMMAND, Reason.STOPPED, 0.5, 1.0, time.monotonic() + 0.25).pack())
    client.recv(100)
    fault = time.monotonic()
    client.send(os.urandom(60))
    assert guard.time_to_neutral(fault) <= LIMIT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_guard_is_asked_to_end(
    guard: GuardProcess, driver: subprocess.Popen[str], number: signal.Signals
) -> None:
    fault = time.monotonic()
    guard.process.send_signal(number)
    assert guard.process.wait(10) == 0
    assert guard.time_to_neutral(fault) <= LIMIT


def test_the_guard_is_killed_and_systemd_runs_the_neutral_writer(
    guard: GuardProcess, driver: subprocess.Popen[str]
) -> None:
    fault = time.monotonic()
    guard.process.kill()
    guard.process.wait()
    assert outputs(guard.root).on  # the pulses outlive the process: this is what the writer is for
    command = [sys.executable, "-m", "hairpin.edge.guard", "--neutral", "--root", str(guard.root)]
    subprocess.run(command, check=True)
    taken = time.monotonic() - fault
    print(f"time to neutral after the guard's death: {1e3 * taken:.0f} ms")
    assert outputs(guard.root) == (*NEUTRAL, False)


def test_there_is_only_one_guard(guard: GuardProcess) -> None:
    command = [
        sys.executable,
        "-m",
        "hairpin.edge.guard",
        "--socket",
        str(guard.socket),
        "--root",
        str(guard.root),
    ]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "another guard runs" in second.stderr
    assert guard.link().status() is not None


def test_what_fails_later_is_not_the_sockets_fault(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="a thing of its own"), listen(tmp_path / "guard.sock"):
        raise OSError("a thing of its own")
    too_long = r"cannot make the guard's socket .*: AF_UNIX path too long"
    with pytest.raises(CarError, match=too_long), listen(tmp_path / ("x" * 200)):
        pass


def test_the_guard_is_small() -> None:
    code = "import sys, hairpin.edge.guard.__main__; print({'numpy', 'typer'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


@pytest.mark.parametrize("line", [436, 514])
def test_the_deepracers_outputs(tmp_path: Path, line: int) -> None:
    chip = make_tree(tmp_path, line)
    pulses = DeepRacerPulses(tmp_path)
    assert outputs(tmp_path) == (*NEUTRAL, False)
    assert {(chip / f"pwm{n}/period").read_text().strip() for n in range(5)} == {"20000000"}
    assert {(chip / f"pwm{n}/enable").read_text().strip() for n in range(5)} == {"1"}
    assert (tmp_path / f"sys/class/gpio/gpio{line}/direction").read_text() == "high"
    pulses.write(1_200_000, 1_311_000)
    pulses.enable(True)
    assert outputs(tmp_path) == (1_200_000, 1_311_000, True)


def test_the_deepracers_outputs_are_exported(tmp_path: Path) -> None:
    from car_rig import make_channel, make_line

    chip = make_tree(tmp_path, exported=False)
    gpio = tmp_path / "sys/class/gpio"

    def kernel() -> None:
        for _ in range(2000):
            if (asked := (gpio / "export").read_text()) and not (gpio / f"gpio{asked}").exists():
                make_line(gpio, int(asked))
            if (asked := (chip / "export").read_text()) and not (chip / f"pwm{asked}").exists():
                make_channel(tmp_path, int(asked))
                (tmp_path / f"pwm{asked}").rename(chip / f"pwm{asked}")
            if done.wait(0.001):
                return

    done = threading.Event()
    thread = threading.Thread(target=kernel)
    thread.start()
    try:
        DeepRacerPulses(tmp_path)
    finally:
        done.set()
        thread.join()
    assert outputs(tmp_path) == (*NEUTRAL, False)
