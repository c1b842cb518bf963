"""The drive in real time: each fault, put in while the car drives, ends in neutral within the limit."""

from __future__ import annotations

import ast
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from car_rig import GuardProcess, jpegs, outputs, wait_until
from live_rig import Car
from tiny_policies import SENSORS, WriteBundle

from hairpin.edge import Policy
from hairpin.edge.hand import Hand
from hairpin.edge.mcap_file import read_messages
from hairpin.edge.reasons import Reason
from hairpin.edge.recording import Recorder

pytestmark = pytest.mark.alone

LIMIT = 0.3  # from any fault to neutral and off [s]
EDGE = Path(__file__).parents[2] / "edge"


@pytest.fixture
def car(guard: GuardProcess, write: WriteBundle) -> Iterator[Car]:
    car = Car(guard, Policy.load(write()))
    yield car
    car.end()


def break_camera(how: str) -> Callable[[Car], None]:
    return lambda car: setattr(car.camera, "fault", how)


def break_policy(outputs: Callable[[], Any]) -> Callable[[Car], None]:
    return lambda car: setattr(car.policy, "predict", lambda observations: outputs())


def slow() -> Any:
    time.sleep(0.15)
    return np.eye(1, 5, dtype=np.float32)


def hung() -> Any:
    time.sleep(2.0)
    return np.eye(1, 5, dtype=np.float32)


def raising() -> Any:
    raise RuntimeError("the engine broke")


FAULTS: dict[str, tuple[Callable[[Car], Any], set[Reason]]] = {
    "camera lost": (break_camera("lost"), {Reason.CAMERA_LOST}),
    "camera hangs": (break_camera("hangs"), {Reason.CAMERA_LOST}),
    "camera repeats bytes": (break_camera("same bytes"), {Reason.CAMERA_FROZEN}),
    "camera repeats its stamp": (break_camera("same stamp"), {Reason.CAMERA_FROZEN}),
    "JPEG truncated": (break_camera("truncated"), {Reason.BAD_FRAME}),
    "inference slow": (break_policy(slow), {Reason.INFERENCE_LATE, Reason.COMMAND_TIMEOUT}),
    "inference hangs": (break_policy(hung), {Reason.INFERENCE_LATE, Reason.COMMAND_TIMEOUT}),
    "inference raises": (break_policy(raising), {Reason.INFERENCE_FAILED}),
    "action is NaN": (break_policy(lambda: np.full((1, 5), np.nan, np.float32)), {Reason.BAD_ACTION}),
    "action out of range": (
        break_policy(lambda: np.full((1, 5), 7.0, np.float32)),
        {Reason.BAD_ACTION},
    ),
    "lease lost": (lambda car: car.let_go(), {Reason.LEASE_LOST}),
    "battery low": (lambda car: setattr(car.battery, "charge", 1), {Reason.BATTERY_LOW}),
    "stop": (lambda car: car.drive.disarm(), {Reason.STOPPED}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_in_neutral(car: Car, name: str) -> None:
    _check(car, name, *FAULTS[name])


def break_right_camera(how: str) -> Callable[[Car], None]:
    return lambda car: setattr(car.right, "fault", how)


RIGHT = {Reason.RIGHT_CAMERA_LOST}
FAULTS_BESIDE: dict[str, tuple[Callable[[Car], Any], set[Reason]]] = {
    "right camera lost": (break_right_camera("lost"), RIGHT),
    "right camera hangs": (break_right_camera("hangs"), RIGHT),
    "right camera frozen": (break_right_camera("same bytes"), RIGHT),
    "right JPEG truncated": (break_right_camera("truncated"), {Reason.BAD_FRAME}),
    "left camera lost": (break_camera("lost"), {Reason.CAMERA_LOST}),
    "lidar silent": (lambda car: setattr(car, "turning", False), {Reason.LIDAR_LOST}),
}


@pytest.mark.parametrize("name", FAULTS_BESIDE)
def test_a_fault_beside_the_camera_ends_in_neutral(
    guard: GuardProcess, write: WriteBundle, name: str
) -> None:
    car = Car(guard, Policy.load(write(SENSORS)))
    try:
        _check(car, name, *FAULTS_BESIDE[name])
    finally:
        car.end()


@pytest.mark.parametrize("name", ["camera lost", "camera repeats bytes", "JPEG truncated", "lease lost"])
def test_a_hand_is_stopped_by_the_same_faults(guard: GuardProcess, name: str) -> None:
    hand = Hand()
    hand.move(0.0, 1.0)
    car = Car(guard, hand)
    try:
        _check(car, f"{name}, by hand", *FAULTS[name])
    finally:
        car.end()


@pytest.mark.parametrize("how", ["silent", "hangs", "breaks"])
def test_a_battery_that_is_not_heard_of_stops_the_car(car: Car, how: str) -> None:
    car.go()
    assert car.drive.status().battery == 9
    fault = time.monotonic()
    car.battery.fault = how
    taken = car.guard.time_to_neutral(fault)
    print(f"time to neutral, battery's gauge {how}: {1e3 * taken:.0f} ms")
    assert taken <= 1.0 + LIMIT  # a gauge may miss some readings
    assert car.drive.status().reason is Reason.BATTERY_UNKNOWN
    assert car.drive.status().battery is None
    assert car.drive.arm() is Reason.BATTERY_UNKNOWN


def _check(car: Car, name: str, fault: Callable[[Car], Any], reasons: set[Reason]) -> None:
    """Time a fault, and look at its name."""
    car.go()
    began = time.monotonic()
    fault(car)
    taken = car.guard.time_to_neutral(began)
    print(f"time to neutral, {name}: {1e3 * taken:.0f} ms")
    assert taken <= LIMIT
    wait_until(lambda: not car.drive.status().armed)
    assert car.drive.status().reason in reasons


def test_it_refuses_to_arm_and_says_why(car: Car) -> None:
    car.camera.fault = "truncated"
    time.sleep(0.4)  # what was seen before that counts for a while
    assert car.drive.arm() is Reason.BAD_FRAME
    car.let_go()
    wait_until(lambda: not car.lease.valid())
    assert car.drive.arm() is Reason.LEASE_LOST
    assert not car.guard.moving()


def test_one_broken_frame_is_no_fault_and_stopping_needs_a_new_arming(car: Car) -> None:
    car.go()
    car.camera.fault = "truncated"
    wait_until(lambda: car.drive.status().counts.get("broken", 0) >= 1)
    car.camera.fault = ""
    time.sleep(0.3)
    assert car.drive.status().armed
    car.drive.disarm()
    time.sleep(0.3)
    assert not car.guard.moving()
    car.go()


def test_a_restarted_guard_is_found_again(car: Car) -> None:
    car.go()
    car.guard.process.kill()
    car.guard.process.wait()
    wait_until(lambda: car.drive.status().reason is Reason.NO_GUARD)
    car.guard.process = subprocess.Popen(car.guard.process.args)
    car.go()


def test_nobody_arms_a_drive_that_was_ended(car: Car) -> None:
    car.go()
    car.drive.stop()
    assert car.drive.arm() is Reason.SHUTDOWN  # though all that it needs is there
    assert not outputs(car.guard.root).on


def drives_on_until_the_key_is_let_go_of(car: Car) -> None:
    before = car.drive.latency.percentiles()["total"].count
    time.sleep(0.5)
    assert car.drive.status().armed and car.guard.moving()
    assert car.drive.latency.percentiles()["total"].count > before + 10
    fault = time.monotonic()
    car.let_go()
    assert car.guard.time_to_neutral(fault) <= LIMIT


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process may grow beyond 100 kB; other processes' may."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_neither_stops_the_car_nor_keeps_it_going(
    guard: GuardProcess, write: WriteBundle, tmp_path: Path, full_disk: None
) -> None:
    recorder = Recorder(tmp_path / "drive.mcap", {})
    car = Car(guard, Policy.load(write()), recorder)
    try:
        car.go()
        wait_until(lambda: bool(recorder.failed))
        assert "drive.mcap: File too large" in recorder.failed
        drives_on_until_the_key_is_let_go_of(car)
    finally:
        car.end()
        recorder.close()
    assert [m for m in read_messages(tmp_path / "drive.mcap") if m.topic == "camera"]


def test_a_drive_is_recorded_with_the_reasons_why_it_stopped(
    guard: GuardProcess, write: WriteBundle, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "drive.mcap", {})
    car = Car(guard, Policy.load(write()), recorder)
    car.go()
    car.camera.fault = "truncated"
    wait_until(lambda: not car.drive.status().armed)
    car.end()
    recorder.close()
    messages = list(read_messages(tmp_path / "drive.mcap"))
    decisions = [m for m in messages if m.topic == "decision"]
    frames = {m.stamp: m.value for m in messages if m.topic == "camera"}
    assert all(m.stamp in frames for m in decisions)
    assert {m.value for m in messages if m.topic == "camera"} & set(jpegs())
    sent = [m.value for m in decisions if m.value.get("sent")]
    assert sent and all(value["speed"] == 1.0 for value in sent)
    assert set(sent[0]["ms"]) == {"wait", "decode", "infer"} | ({"total"} & set(sent[0]["ms"]))
    assert {m.value["fault"] for m in decisions if "fault" in m.value} == {Reason.BAD_FRAME.text}
    health = [m.value for m in messages if m.topic == "health"]
    assert [v["armed"] for v in health].count(True) >= 1
    assert Reason.BAD_FRAME.text in [v["reason"] for v in health]
    assert health[-1]["battery"] == 9


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT])
def test_the_command_dies_stops_or_is_asked_to_end(
    guard: GuardProcess, write: WriteBundle, film: Path, tmp_path: Path, number: signal.Signals
) -> None:
    code = "from hairpin.edge.cli import main; main()"
    command = [sys.executable, "-c", code, "drive", str(write()), "--scale", "1", "--camera", str(film)]
    command += ["--socket", str(guard.socket), "--root", str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    holding = True

    def hold() -> None:
        while holding and process.poll() is None:
            process.stdin.write(b" ")
            process.stdin.flush()
            time.sleep(0.03)

    thread = threading.Thread(target=hold)
    try:
        assert process.stderr is not None
        assert b"hold the space bar" in process.stderr.readline()
        # The first press comes before the first frame: it must be let go of, as a person would.
        time.sleep(1.0)
        thread.start()
        wait_until(guard.moving)
        fault = time.monotonic()
        process.send_signal(number)
        taken = guard.time_to_neutral(fault)
        print(f"time to neutral, {number.name} of the runtime: {1e3 * taken:.0f} ms")
        assert taken <= LIMIT
        if number in (signal.SIGTERM, signal.SIGINT):
            assert process.wait(10) == 0
    finally:
        holding = False
        process.kill()
        process.wait()
        thread.join()


@pytest.mark.parametrize("jump", [-86_400.0, 3e8])
def test_a_clock_that_jumps_changes_nothing(
    guard: GuardProcess, write: WriteBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    recorder = Recorder(tmp_path / "drive.mcap", {})
    car = Car(guard, Policy.load(write()), recorder)
    try:
        car.go()
        now, now_ns = time.time, time.time_ns
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        monkeypatch.setattr(time, "time_ns", lambda: now_ns() + round(1e9 * jump))
        drives_on_until_the_key_is_let_go_of(car)
    finally:
        car.end()
        recorder.close()
    stamps = [m.stamp for m in read_messages(tmp_path / "drive.mcap") if m.topic == "camera"]
    assert stamps == sorted(stamps) and stamps[-1] - stamps[0] < 30.0


@pytest.mark.parametrize(
    "name",
    [
        "live",
        "drive_thread",
        "battery_watch",
        "mailbox",
        "beside",
        "sensor_thread",
        "drivers/v4l2",
        "drivers/rplidar",
        "lease",
        "hand",
        "drivers/camera",
        "drivers/gamepad",
        *(f"console/{part}" for part in ("cockpit", "calibrating", "pad", "talk", "wheel")),
        *(f"guard/{part}" for part in ("state", "server", "client", "wire")),
    ],
)
def test_nothing_that_drives_knows_the_wall_clock(name: str) -> None:
    tree = ast.parse((EDGE / f"{name}.py").read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time"
    }
    assert used <= {"monotonic", "sleep"}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert "datetime" not in imported
