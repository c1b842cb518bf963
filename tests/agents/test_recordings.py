"""Recordings of the car, replayed: policies compared, rewards paid, the simulator's prediction checked."""

from __future__ import annotations

import contextlib
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hairpin.agents import export
from hairpin.edge import Policy
from hairpin.edge.drivers.camera import Image
from hairpin.edge.drivers.jpeg import encode
from hairpin.edge.recording import Recorder
from hairpin.edge.report import about
from hairpin.edge.throttle import steering, throttle
from hairpin.sim.episode import Start
from hairpin.sim.rehearsal import SimulatedCar, rehearsal_config
from hairpin.sim.world import World

STEPS = 60
HZ = 15.0


def record(bundle: Path, track: Path, out: Path, poses: bool = True, late: float = 0.0) -> Path:
    """A drive in simulated time, recorded as `LiveDrive` records one."""
    policy = Policy.load(bundle)
    recorder = Recorder(out, about(policy))
    config = rehearsal_config(policy.contract, str(track), 9, 1, "single_track", "ccw")
    with contextlib.closing(World(config, 1)) as world:
        car = SimulatedCar(world, Start(0.0, "ccw"), np.random.default_rng(0))
        recorder.trial(0)
        began = time.monotonic()
        recorder.health({"armed": True, "reason": "armed", "battery": None})
        for i in range(STEPS):
            stamp = began + i / HZ
            frame = car.read()
            assert frame is not None
            if poses:
                x, y, yaw = world.pose[0].tolist()
                recorder.pose(stamp, (x, y, yaw))
            recorder.frame(Image(encode(frame, i), stamp))
            if i == 10:
                recorder.decision(stamp, {"fault": "the policy failed"})
            command = policy(frame)
            car.write(command)
            if i != 10:
                sent = [steering(command.steering), throttle(command.speed, policy.top_speed, 1.0)]
                ms = {"wait": 1.0, "decode": 2.0, "infer": 3.0, "total": 1e3 * late}
                values = {"steering": command.steering, "speed": command.speed, "sent": sent, "ms": ms}
                recorder.decision(stamp, values)
        recorder.health({"armed": False, "reason": "no frames from the camera", "battery": None})
    recorder.close()
    assert not recorder.failed
    return out


@pytest.fixture(scope="module")
def bundles(ring_run, continuous_run, tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    for run, name in ((ring_run, "ring.tar.gz"), (continuous_run, "other.tar.gz")):
        export(run, folder / name)
    return folder / "ring.tar.gz", folder / "other.tar.gz"


@pytest.fixture(scope="module")
def ring(inputs) -> Path:
    return inputs / "ring.npy"


@pytest.fixture(scope="module")
def recording(bundles, ring, tmp_path_factory) -> Path:
    return record(bundles[0], ring, tmp_path_factory.mktemp("recordings") / "drive.mcap")


def facts(hairpin: Any, *arguments: Any) -> dict[str, Any]:
    code, output, errors = hairpin("replay", *arguments, "--json")
    assert code == 0, errors
    return json.loads(output)


def test_how_it_went(hairpin, recording) -> None:
    found = facts(hairpin, recording)
    assert (found["frames"], found["decided"]) == (STEPS, STEPS - 1)
    assert found["faults"] == {"the policy failed": 1}
    assert [reason for _, reason in found["stops"]] == ["no frames from the camera"]
    assert found["fps"] == pytest.approx(HZ)
    assert found["longest_gap_ms"] == pytest.approx(2e3 / HZ, abs=0.2)
    assert found["latency_ms"]["infer"]["p50"] == pytest.approx(3.0, rel=0.02)
    assert found["policy"] is None


def test_the_same_policy_agrees_with_itself_and_another_one_does_not(hairpin, recording, bundles) -> None:
    same = facts(hairpin, recording, "--bundle", bundles[0])["policy"]
    assert (same["agreement"], same["frames"], same["worst"]) == (1.0, STEPS - 1, [])
    other = facts(hairpin, recording, "--bundle", bundles[1])["policy"]
    assert other["agreement"] < 0.5
    assert other["steering"] > 0.5 or other["speed"] > 0.1
    times = [row["time"] for row in other["worst"]]
    assert len(times) >= 3 and min(abs(a - b) for a in times for b in times if a != b) > 1.0


def test_the_simulator_predicts_its_own_drive(hairpin, recording) -> None:
    found = facts(hairpin, recording)["prediction"]
    assert found["median"] < 0.01 and found["p90"] < 0.02
    assert found["travelled"] > 0.8


def test_the_prediction_sees_a_car_that_does_something_else(hairpin, bundles, ring, tmp_path) -> None:
    # Commands that are said to have come half a second later than they did.
    late = record(bundles[0], ring, tmp_path / "late.mcap", late=0.5)
    assert facts(hairpin, late)["prediction"]["worst"] > 0.2


def test_rewards_are_paid_where_poses_are_known(hairpin, recording, ring, inputs) -> None:
    found = facts(hairpin, recording, "--reward", inputs / "mine.py", "--track", ring)
    assert found["track"] == "ring"
    assert found["progress"] == pytest.approx(100 * 1.0 * STEPS / HZ / (2 * math.pi * 1.5), rel=0.15)
    assert found["paid"][0] == pytest.approx(STEPS, rel=0.1)  # on the centre line all the way


def test_a_real_car_knows_no_poses(hairpin, bundles, ring, tmp_path) -> None:
    path = record(bundles[0], ring, tmp_path / "real.mcap", poses=False)
    found = facts(hairpin, path, "--bundle", bundles[0])
    assert found["prediction"] is None and found["policy"]["agreement"] == 1.0
    code, _, errors = hairpin("replay", path, "--reward", "center_line")
    assert code == 2 and "a real car does not know where it is" in errors
    code, output, _ = hairpin("replay", path)
    assert code == 0 and "no poses were recorded" in output


def test_for_people(hairpin, recording, bundles) -> None:
    code, output, _ = hairpin("replay", recording, "--bundle", bundles[1])
    assert code == 0
    for shown in ("59 of 60 frames", "the policy failed", "does the same on", "recorded", "off after 1 s"):
        assert shown in output


def test_what_cannot_be_replayed(hairpin, recording, bundles, tmp_path) -> None:
    (tmp_path / "x.mcap").write_bytes(b"nothing")
    for arguments, message in (
        ((tmp_path / "x.mcap",), "is no recording"),
        ((tmp_path / "none.mcap",), "cannot read"),
        ((tmp_path, "--bundle", bundles[0]), "no .mcap file"),
        ((recording, "--reward", "center_line"), "no built-in track: give --track"),
    ):
        code, _, errors = hairpin("replay", *arguments)
        assert code == 2 and message in errors
