"""The rehearsal in real time: the car's runtime and guard between a simulated camera and simulated wheels."""

from __future__ import annotations

import math
import threading
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from tiny_policies import DISCRETE, SENSORS, WriteBundle

from hairpin.agents.logs.agreement import compare
from hairpin.agents.logs.recordings import read_drive
from hairpin.edge import Command, ContractError, Policy
from hairpin.edge import rehearsal as rehearsal_module
from hairpin.edge.calibration import Calibration
from hairpin.edge.contract import STEREO
from hairpin.edge.drivers.jpeg import decode, encode
from hairpin.edge.live import DEADLINE
from hairpin.edge.mcap_file import read_messages
from hairpin.edge.real_time import SimulatedPulses, run
from hairpin.edge.throttle import speed, throttle

pytestmark = pytest.mark.alone


class Seen(NamedTuple):
    frame: np.ndarray
    stamp: float
    pose: tuple[float, float, float]


class Car:
    """A camera of noise, for a while from the first command on."""

    def __init__(self, age: float, seconds: float, channels: int = 3) -> None:
        self.commands: list[Command] = []
        self.eyes: set[int] = set()
        self._channels = channels
        self._age, self._seconds, self._until = age, seconds, math.inf
        self._random = np.random.default_rng(0)

    def read(self, eye: int = 0) -> Seen | None:
        time.sleep(1 / 30)
        shape = (24, 32, self._channels)
        frame = self._random.integers(0, 256, shape, np.uint8).repeat(4, 0).repeat(4, 1)
        self.eyes.add(eye)
        return None if self.over(0.0) else Seen(frame, time.monotonic() - self._age, (0.0, 0.0, 0.0))

    def scan(self) -> np.ndarray | None:
        time.sleep(0.1)
        ranges = np.full(64, np.inf)
        ranges[32] = 0.4  # straight behind
        return None if self.over(0.0) else ranges

    def write(self, command: Command) -> None:
        if command.speed > 0:
            self._until = min(self._until, time.monotonic() + self._seconds)
        self.commands.append(command)

    def over(self, timeout: float) -> bool:
        time.sleep(timeout)
        return time.monotonic() > self._until


def rehearse(
    monkeypatch: pytest.MonkeyPatch, policy: Policy, age: float = 0.0, seconds: float = 1.0, **settings: Any
) -> tuple[Car, dict[str, Any]]:
    car = Car(age, seconds, 1 if policy.contract.observation.sensor == STEREO else 3)

    def simulator(contract: Any, drive: Any, **given: Any) -> dict[str, Any]:
        drive(car)
        return {"given": given}

    point = EntryPoint("real_time", "nowhere:rehearse", rehearsal_module.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: simulator)
    monkeypatch.setattr(rehearsal_module, "entry_points", lambda group: [point])
    return car, run(policy, **settings)


def test_the_runtime_and_the_guard_move_the_simulated_wheels(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    car, result = rehearse(monkeypatch, Policy.load(write()), laps=1, drop=0.1)
    wanted = {row for row in DISCRETE.actions.commands[:, 0].round(3).tolist()}
    full = [c for c in car.commands if c.speed == pytest.approx(1.0, abs=1e-3)]
    assert len(full) > 10, "the motor never came to the policy's speed"
    assert {round(c.steering, 3) for c in full} & wanted
    assert car.commands[-1] == Command(0.0, 0.0)
    assert result["stops"] == {}
    assert result["frames"]["decided"] > 20
    assert result["given"] == {"fps": 30, "latency": 0.0, "drop": 0.1, "laps": 1}
    assert set(result["latency_ms"]) == {"wait", "decode", "infer", "total"}
    assert not [t for t in threading.enumerate() if t.name in ("guard", "person", "drive")]


def test_two_cameras_and_a_lidar_come_through_their_drivers(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    policy = Policy.load(write(SENSORS))
    car, result = rehearse(monkeypatch, policy, record=tmp_path / "drive.mcap")
    assert result["stops"] == {}
    assert result["frames"]["decided"] > 20
    assert car.eyes == {0, 1}
    assert [c for c in car.commands if c.speed == pytest.approx(1.0, abs=1e-3)]
    seen = list(read_messages(tmp_path / "drive.mcap"))
    stamps = {
        topic: {m.stamp for m in seen if m.topic == topic} for topic in ("camera", "camera_right", "lidar")
    }
    decided = {m.stamp for m in seen if m.topic == "decision" and "steering" in m.value}
    assert decided <= stamps["camera"] & stamps["camera_right"] & stamps["lidar"]
    turn = next(m.value["ranges"] for m in seen if m.topic == "lidar")
    assert turn[32] == pytest.approx(0.4, abs=1e-3) and set(turn[:32] + turn[33:]) == {None}
    left, right = (next(m.value for m in seen if m.topic == t) for t in ("camera", "camera_right"))
    assert left != right and decode(right, SENSORS.observation).shape == (24, 32, 1)
    agreement = compare(read_drive(tmp_path / "drive.mcap"), write(SENSORS))
    assert (agreement.frames, agreement.agreement) == (len(decided), 1.0)


def test_a_rehearsal_that_cannot_begin_leaves_the_last_recording_alone(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "drive.mcap"
    old.write_bytes(b"the drive before")
    monkeypatch.setattr(rehearsal_module, "entry_points", lambda group: [])
    with pytest.raises(ContractError, match="needs the simulator"):
        run(Policy.load(write()), record=old)
    time.sleep(0.1)
    assert old.read_bytes() == b"the drive before"


def test_a_lidar_that_falls_silent_stops_the_trial(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scan(car: Car) -> np.ndarray:
        silent = sum(command.speed > 0.0 for command in car.commands) > 10
        time.sleep(3.0 if silent else 0.1)
        return np.full(64, np.inf)

    monkeypatch.setattr(Car, "scan", scan)
    monkeypatch.setattr("hairpin.edge.real_time._ARMING", 10.0)
    car, result = rehearse(monkeypatch, Policy.load(write(SENSORS)), seconds=60.0)
    assert result["stops"] == {"no turns from the lidar, which the policy needs; look at its cable": 1}
    assert car.commands[-1] == Command(0.0, 0.0)


def test_frames_that_come_too_late_never_arm_it(write: WriteBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hairpin.edge.real_time._ARMING", 0.3)
    car, result = rehearse(monkeypatch, Policy.load(write()), age=DEADLINE + 0.02)
    assert result["stops"] == {"the policy takes too long for this camera": 1}
    assert all(command.speed == 0.0 for command in car.commands)


def test_a_policy_that_breaks_stops_the_trial_with_its_reason(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = Policy.load(write())
    real, calls = policy.predict, iter(range(1000))
    monkeypatch.setattr(policy, "predict", lambda o: real(o) if next(calls) < 15 else np.full((1, 5), np.nan))
    car, result = rehearse(monkeypatch, policy, seconds=60.0)
    assert list(result["stops"]) == ["the policy gave an action that is not a number, or out of range"]
    assert car.commands[-1] == Command(0.0, 0.0)


def test_pulses_that_are_off_move_nothing() -> None:
    car = Car(0.0, 1.0)
    pulses = SimulatedPulses(car, 2.0)
    axes = Calibration()
    full = axes.servo.pulse(1.0), axes.motor.pulse(1.0)
    pulses.write(*full)
    assert car.commands == []
    pulses.enable(True)
    pulses.write(*full)
    assert car.commands[-1] == (pytest.approx(math.radians(30), rel=1e-3), pytest.approx(2.0, rel=1e-3))
    pulses.enable(False)
    assert car.commands[-1] == Command(0.0, 0.0)


@pytest.mark.parametrize("wanted", [0.0, 0.5, 1.0, 1.6, 2.0])
def test_the_simulated_motor_undoes_the_throttle_map(wanted: float) -> None:
    assert speed(throttle(wanted, 2.0, 1.0), 2.0) == pytest.approx(wanted, abs=1e-9)
    assert speed(throttle(1.9, 2.0, 1.0), 2.0) == 2.0, "the map gives both full throttle"
    axis = Calibration().motor
    assert axis.value(axis.pulse(0.25)) == pytest.approx(0.25, abs=1e-4)


def test_simulated_frames_survive_the_jpeg_and_never_repeat() -> None:
    ramp = np.broadcast_to(np.linspace(20, 220, 640, dtype=np.uint8)[None, :, None], (480, 640, 3))
    frame = np.ascontiguousarray(ramp)
    first, second = encode(frame, 1), encode(frame, 2)
    assert first != second
    spec = DISCRETE.observation
    shown = decode(first, spec)
    assert np.abs(shown.astype(int) - decode(second, spec)).max() == 0
    wide = frame[::4, :: 640 // shown.shape[1], :1].astype(int)
    assert np.abs(shown.astype(int)[:1] - wide[:1]).mean() < 4
