"""The simulator on the wall's clock."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from hairpin.edge.contract import Command, Contract, DiscreteActions, Fingerprint, ObservationSpec
from hairpin.sim import SimError
from hairpin.sim.physics import CONTROL_HZ, make_physics, nominal_car
from hairpin.sim.real_time import RealTimeCar, TickedPhysics, rehearse_in_real_time

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
