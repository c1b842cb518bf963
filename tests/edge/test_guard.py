"""The guard: what it lets through, and that every way to lose the driver ends in neutral and off."""

from __future__ import annotations

import math
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

from hairpin.edge.calibration import Axis, Calibration
from hairpin.edge.drivers.deepracer import DeepRacerPulses
from hairpin.edge.drivers.pulses import Light
from hairpin.edge.errors import CarError
from hairpin.edge.guard.server import listen
from hairpin.edge.guard.state import COMMAND_TIMEOUT, Guard, OutputLimits
from hairpin.edge.guard.wire import Kind, Reply, Request, unpack_reply, unpack_request
from hairpin.edge.reasons import Reason

pytestmark = pytest.mark.alone

LIMIT = 0.3  # from any fault to neutral and off [s]
FAST = OutputLimits(throttle=1.0, throttle_rate=1000.0, steering_rate=1000.0)


class Output:
    """Outputs that write down what they are told; `broken` ones raise."""

    def __init__(self) -> None:
        self.log: list[tuple[int, int] | bool] = []
        self.lights: list[Light] = []
        self.broken = False

    def write(self, steering: int, throttle: int) -> None:
        self._check()
        self.log.append((steering, throttle))

    def enable(self, on: bool) -> None:
        self._check()
        self.log.append(on)

    def show(self, light: Light) -> None:
        self.lights.append(light)

    def _check(self) -> None:
        if self.broken:
            raise OSError(5, "gone")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def rig() -> tuple[Guard, Output, Clock]:
    output, clock = Output(), Clock()
    return Guard(output, limits=FAST, clock=clock), output, clock


def test_it_starts_in_neutral_and_off(rig: tuple[Guard, Output, Clock]) -> None:
    guard, output, _ = rig
    assert output.log == [NEUTRAL, False]
    assert (guard.armed, guard.reason) == (False, Reason.NOT_ARMED_YET)


def test_commands_before_arming_or_of_others_move_nothing(rig: tuple[Guard, Output, Clock]) -> None:
    guard, output, clock = rig
    guard.command("a", 0, 1, clock.now + 0.2)
    guard.arm("a")
    guard.arm("b")
    guard.command("b", 0, 1, clock.now + 0.2)
    assert [entry for entry in output.log if entry not in (NEUTRAL, False, True)] == []
    assert guard.owner == "a"


@pytest.mark.parametrize(
    ("steering", "throttle"),
    [(math.nan, 0.0), (0.0, math.nan), (1.01, 0.0), (0.0, -1.01), (math.inf, 0.0), (0.0, -math.inf)],
)
def test_an_unsound_command_disarms(
    rig: tuple[Guard, Output, Clock], steering: float, throttle: float
) -> None:
    guard, output, clock = rig
    guard.arm("a")
    guard.command("a", 0.5, 0.5, clock.now + 0.2)
    guard.command("a", steering, throttle, clock.now + 0.2)
    assert output.log[-2:] == [NEUTRAL, False]
    assert guard.reason is Reason.BAD_COMMAND


def test_a_command_holds_no_longer_than_it_says_nor_than_the_guards_own_time(
    rig: tuple[Guard, Output, Clock],
) -> None:
    guard, output, clock = rig
    for until, holds in ((0.1, 0.1), (1e9, COMMAND_TIMEOUT)):
        guard.arm("a")
        guard.command("a", 0, 1, clock.now + until)
        clock.now += holds - 0.001
        guard.check()
        assert guard.armed
        clock.now += 0.002
        guard.check()
        assert output.log[-2:] == [NEUTRAL, False]
        assert guard.reason is Reason.COMMAND_TIMEOUT


def test_a_command_that_comes_too_late_is_not_carried_out(rig: tuple[Guard, Output, Clock]) -> None:
    guard, output, clock = rig
    guard.arm("a")
    guard.command("a", 0, 0.5, clock.now + 0.2)
    clock.now += 0.3
    guard.command("a", 0, 1, clock.now + 0.2)
    assert output.log[-2:] == [NEUTRAL, False]


def test_growth_is_slewed_and_letting_go_is_not() -> None:
    output, clock = Output(), Clock()
    guard = Guard(output, limits=OutputLimits(0.5, throttle_rate=1.0, steering_rate=2.0), clock=clock)
    guard.arm("a")
    seen = []
    for wanted in (1, 1, 1, 1, 1, 1, 0.2, -1, -1):
        clock.now += 0.1
        guard.command("a", 1, wanted, clock.now + 0.2)
        seen.append((round(guard.steering, 6), round(guard.throttle, 6)))
    assert [throttle for _, throttle in seen] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.2, 0.0, -0.1]
    assert [steering for steering, _ in seen][:6] == [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]


def test_outputs_that_fail_are_tried_until_they_are_safe(rig: tuple[Guard, Output, Clock]) -> None:
    guard, output, clock = rig
    guard.arm("a")
    guard.command("a", 0, 1, clock.now + 0.2)
    output.broken = True
    guard.command("a", 0, 1, clock.now + 0.2)
    assert (guard.armed, guard.reason) == (False, Reason.OUTPUT_FAILED)
    guard.arm("a")
    assert not guard.armed
    assert guard.wait() < 0.05
    output.broken = False
    guard.check()
    assert output.log[-2:] == [NEUTRAL, False]


LEFT = Calibration(Axis(1_200_000, 1_500_000, 1_800_000, -1), Calibration().motor)


def test_a_driver_tries_a_calibration_until_the_car_is_disarmed(rig: tuple[Guard, Output, Clock]) -> None:
    guard, output, clock = rig
    guard.arm("a")
    guard.calibrate("b", LEFT)  # not the driver
    guard.command("a", 0, 0, clock.now + 0.2)
    assert output.log[-1] == NEUTRAL
    guard.calibrate("a", LEFT)
    clock.now += 0.1
    guard.command("a", -1, 0, clock.now + 0.2)
    assert output.log[-1] == (1_800_000, NEUTRAL[1])
    guard.disarm(Reason.STOPPED)
    assert output.log[-2:] == [NEUTRAL, False]


def test_a_calibration_while_not_armed_stays(rig: tuple[Guard, Output, Clock]) -> None:
    guard, output, _ = rig
    guard.calibrate("b", LEFT)
    assert output.log[-2:] == [(1_500_000, NEUTRAL[1]), False]
    assert output.neutral == (1_500_000, NEUTRAL[1])
    guard.arm("a")
    guard.disarm(Reason.STOPPED)
    assert output.log[-2:] == [(1_500_000, NEUTRAL[1]), False]


def test_the_lights_tell_a_fault_from_a_wish(rig: tuple[Guard, Output, Clock]) -> None:
    guard, output, clock = rig
    guard.show()
    guard.arm("a")
    guard.show()
    guard.disarm(Reason.STOPPED)
    guard.show()
    guard.arm("a")
    clock.now += 1.0
    guard.check()
    guard.show()
    assert output.lights == [Light.READY, Light.ARMED, Light.READY, Light.FAULT]


def test_messages_survive_the_wire_and_nonsense_does_not() -> None:
    request = Request(Kind.COMMAND, Reason.STOPPED, 0.5, -0.25, 12.5)
    assert unpack_request(request.pack()) == request
    calibrate = Request(Kind.CALIBRATE, calibration=LEFT)
    assert unpack_request(calibrate.pack()) == calibrate
    disorder = bytearray(calibrate.pack())
    disorder[8:12] = b"\xff" * 4  # min of the servo
    assert unpack_request(bytes(disorder)) is None
    disguised = bytearray(calibrate.pack())
    disguised[4] = Kind.ARM
    assert unpack_request(bytes(disguised)) is None
    reply = Reply(True, False, Reason.TAKEN, 0.5, -0.25, 1.0, 2.0, 7)
    assert unpack_reply(reply.pack()) == reply
    for packet in (b"", b"x", request.pack()[:-1], b"\0" * len(request.pack()), request.pack() + b"x"):
        assert unpack_request(packet) is None


# The real process on files in the kernel's layout, and its own log of writes.


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


def test_pulses_are_those_of_the_cars_own_software() -> None:
    axes = Calibration()
    assert [axes.servo.pulse(value) for value in (-1, -0.5, 0, 0.5, 1, 7)] == [
        *(1_200_000, 1_325_000, 1_450_000, 1_575_000, 1_700_000, 1_700_000),
    ]
    assert [axes.motor.pulse(value) for value in (-1, 0, 0.5, 1)] == [
        1_603_500,
        1_446_000,
        1_378_500,
        1_311_000,
    ]
