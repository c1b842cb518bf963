"""The simulator on the wall's clock."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest

from hairpin.edge.contract import (
    Command,
    Contract,
    DiscreteActions,
    Fingerprint,
    LidarSpec,
    ObservationSpec,
)
from hairpin.sim import SimError
from hairpin.sim.physics import CONTROL_HZ, make_physics, nominal_car
from hairpin.sim.real_time import TURN_HZ, RealTimeCar, TickedPhysics, rehearse_in_real_time
from hairpin.sim.rehearsal import rehearsal_config, rehearse
from hairpin.sim.world import World

pytestmark = pytest.mark.alone

CONTRACT = Contract(
    ObservationSpec(width=160, height=120),
    DiscreteActions(((0.0, 1.0), (20.0, 1.0))),
    track=Fingerprint("oval"),
)
SETTINGS: dict[str, Any] = {"laps": 1, "trials": 1, "physics": "single_track", "direction": "ccw"}


def test_ticks_are_the_same_physics() -> None:
    plain = make_physics("single_track", 1, CONTROL_HZ)
    ticked = TickedPhysics(make_physics("single_track", 1, CONTROL_HZ * 8), 8)
    command = np.array([[0.3, 1.5]])
    ticked.command = lambda: command
    for physics in (plain, ticked):
        physics.reset(np.array([0]), np.zeros((1, 3)), nominal_car(1))
        for _ in range(20):
            physics.step(command)
    np.testing.assert_allclose(ticked.pose, plain.pose, atol=1e-9)


def test_it_stands_until_told_then_drives_on_whatever_the_driver_does() -> None:
    poses: list[tuple[float, float, float]] = []

    def drive(car: RealTimeCar) -> None:
        for _ in range(3):
            seen = car.read()
            assert seen is not None and seen.frame.shape == (480, 640, 3)
            poses.append(seen.pose)
        car.write(Command(0.0, 2.0))  # and never again: straight on, off the road
        assert car.over(10.0)
        assert car.read() is None

    report = rehearse_in_real_time(CONTRACT, drive, **SETTINGS)
    assert poses[0] == poses[1] == poses[2]
    assert report["statuses"] == ("off_track",)
    assert report["time"] > 0.5


def test_a_driver_that_gives_up_ends_the_trial() -> None:
    report = rehearse_in_real_time(CONTRACT, lambda car: car.read(), **SETTINGS)
    assert report["completed"] == 0 and report["statuses"] == ("in_progress",)


def test_latency_delays_frames_and_drops_lose_them() -> None:
    ages: list[float] = []
    gaps: list[float] = []

    def drive(car: RealTimeCar) -> None:
        stamps = []
        for _ in range(20):
            seen = car.read()
            assert seen is not None
            ages.append(time.monotonic() - seen.stamp)
            stamps.append(seen.stamp)
        gaps.extend(np.diff(stamps).tolist())

    rehearse_in_real_time(CONTRACT, drive, **SETTINGS, fps=60, latency=0.08, drop=0.5)
    assert min(ages) >= 0.08
    assert np.mean(gaps) > 1.4 / 60  # every other frame is lost


def test_two_cameras_are_a_stereo_base_apart_and_the_lidar_turns() -> None:
    spec = ObservationSpec("STEREO_CAMERAS", width=160, height=120, channels=2, lidar=LidarSpec("LIDAR"))
    turns: list[float] = []

    def drive(car: RealTimeCar) -> None:
        left, right = car.read(), car.read(1)
        assert left is not None and right is not None
        assert left.frame.shape == right.frame.shape == (480, 640, 1)
        assert (left.frame != right.frame).mean() > 0.01
        expected = world_frames(left.pose)
        assert np.abs(np.concatenate([left.frame, right.frame], -1).astype(int) - expected).mean() < 1.5
        for _ in range(6):
            ranges = car.scan()
            assert ranges is not None and ranges.shape == (64,) and np.isinf(ranges).all()  # no objects
            turns.append(time.monotonic())
        car.write(Command(0.0, 2.0))
        assert car.over(10.0)
        assert car.read(1) is None and car.scan() is None

    def world_frames(pose: tuple[float, float, float]) -> np.ndarray:
        config = rehearsal_config(contract, None, 1, 1, "single_track", "ccw")
        with contextlib.closing(World(config, 1)) as world:
            return world.frames(pose=np.array([pose]))[0].astype(int)

    contract = dataclasses.replace(CONTRACT, observation=spec)
    report = rehearse_in_real_time(contract, drive, **SETTINGS)
    assert report["statuses"] == ("off_track",)
    assert np.median(np.diff(turns[1:])) == pytest.approx(1 / TURN_HZ, rel=0.25)


def test_the_car_finds_both_simulators() -> None:
    """What is installed says where they are; who changed that must install again: pip install -e ."""
    found = {point.name: point.load() for point in entry_points(group="hairpin.rehearsal")}
    assert found == {"simulator": rehearse, "real_time": rehearse_in_real_time}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"fps": 0.0}, "frames per second is 0: give 1 to 120"),
        ({"latency": -1.0}, "latency is -1"),
        ({"drop": 1.0}, "share of lost frames is 1"),
        ({"trials": 0}, "trials is 0"),
    ],
)
def test_settings_that_cannot_be(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(SimError, match=message):
        rehearse_in_real_time(CONTRACT, lambda car: None, **SETTINGS | setting)
