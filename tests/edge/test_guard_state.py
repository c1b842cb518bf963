"""What the guard decides: what it lets through, and what it says to whom."""

from __future__ import annotations

import math

import pytest
from car_rig import NEUTRAL

from hairpin.edge.calibration import Axis, Calibration
from hairpin.edge.drivers.pulses import Light
from hairpin.edge.guard.state import COMMAND_TIMEOUT, Guard, OutputLimits
from hairpin.edge.guard.wire import Kind, Reply, Request, unpack_reply, unpack_request
from hairpin.edge.reasons import Reason

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
