"""The rehearsal: a runtime's loop drives the simulator as a car."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hairpin.edge.contract import Command, Contract, DiscreteActions, Fingerprint, ObservationSpec
from hairpin.sim import SimError
from hairpin.sim.rehearsal import SimulatedCar, rehearse
from hairpin.tracks import load_track

ACTIONS = DiscreteActions(((0.0, 1.0), (20.0, 1.0)))


def contract(track: str = "oval", digest: str = "", **observation: Any) -> Contract:
    spec = ObservationSpec(**{"width": 160, "height": 120} | observation)
    return Contract(spec, ACTIONS, track=Fingerprint(track, digest))


def driver(steering: float, speed: float, seen: list[np.ndarray] | None = None) -> Any:
    def drive(source: SimulatedCar, actuator: SimulatedCar) -> int:
        frames = 0
        while (frame := source.read()) is not None:
            assert actuator.write(Command(steering, speed)) == Command(steering, speed)
            frames += 1
            if seen is not None and frames == 1:
                seen.append(frame)
        actuator.neutral()
        return frames

    return drive


@pytest.mark.parametrize("physics", ["bullet", "single_track"])
def test_constant_commands_leave_the_road_and_the_report_says_so(physics: str) -> None:
    seen: list[np.ndarray] = []
    report = rehearse(contract(), driver(0.5, 1.5, seen), laps=1, trials=3, physics=physics)
    json.dumps(report)
    wanted = {"track": "oval", "physics": physics, "direction": "both", "trials": 3, "completed": 0}
    wanted |= {"completion_rate": 0.0, "lap_times": (), "best_lap": None, "off_tracks": 3}
    assert {key: report[key] for key in wanted} == wanted
    assert 0.5 < report["mean_speed"] < 1.6
    assert [frame.shape for frame in seen] == [(480, 640, 3)] * 3 and seen[0].dtype == np.uint8
    assert (seen[0] != seen[1]).any()


def test_a_car_that_stands_is_immobilized() -> None:
    report = rehearse(contract(), driver(0.0, 0.0), laps=1, trials=1, physics="single_track")
    assert report["statuses"] == ("immobilized",) and report["time"] == pytest.approx(1.0)


def test_a_driver_that_sees_the_truth_laps() -> None:
    from driving import pursue

    def drive(source: SimulatedCar, actuator: SimulatedCar) -> None:
        while source.read() is not None:
            steering, speed = pursue(source.world)[0].tolist()
            actuator.write(Command(steering, speed))

    tiny = contract(width=32, height=24, crop=(8, 0, 0, 0))
    report = rehearse(tiny, drive, laps=2, trials=1, physics="single_track", direction="cw")
    assert (report["completed"], report["direction"], len(report["lap_times"])) == (1, "cw", 2)
    assert report["mean_lap"] == pytest.approx(load_track("oval").length / 1.5, rel=0.05)


@pytest.mark.parametrize(
    ("observation", "shape"),
    [
        ({"width": 160, "height": 120, "crop": (40, 0, 0, 0)}, (480, 640, 3)),
        ({"width": 32, "height": 24, "channels": 3}, (480, 640, 3)),
        ({"width": 100, "height": 60}, (360, 600, 3)),
        ({"width": 1280, "height": 720}, (720, 1280, 3)),
    ],
)
def test_frames_are_whole_multiples_of_what_the_policy_sees(
    observation: dict[str, Any], shape: tuple[int, ...]
) -> None:
    seen: list[np.ndarray] = []
    rehearse(contract(**observation), driver(0.5, 2.0, seen), laps=1, trials=1, physics="single_track")
    assert seen[0].shape == shape


def test_after_the_trial_commands_move_nothing() -> None:
    cars: list[SimulatedCar] = []

    def drive(source: SimulatedCar, actuator: SimulatedCar) -> None:
        driver(0.5, 1.5)(source, actuator)
        before = source.world.pose.copy()
        actuator.write(Command(0.0, 1.0))
        np.testing.assert_array_equal(source.world.pose, before)
        cars.append(source)

    rehearse(contract(), drive, laps=1, trials=1, physics="single_track")
    assert len(cars) == 1


def test_a_command_that_is_no_number_is_refused() -> None:
    with pytest.raises(SimError, match="finite"):
        rehearse(contract(), driver(float("nan"), 1.0), laps=1, trials=1, physics="single_track")


def test_the_track_is_the_contract_s_own_or_the_one_given() -> None:
    own = rehearse(
        contract(digest=load_track("oval").digest), driver(0.5, 2.0), laps=1, trials=1, physics="single_track"
    )
    assert own["track"] == "oval"
    given = rehearse(
        contract("mine"), driver(0.5, 2.0), track="bowtie", laps=1, trials=1, physics="single_track"
    )
    assert given["track"] == "bowtie"
    for unknown in (contract("mine"), contract("oval", "0" * 64)):
        with pytest.raises(SimError, match="not a built-in track: give --track"):
            rehearse(unknown, driver(0.5, 2.0))
    with pytest.raises(SimError, match="trials is 0"):
        rehearse(contract(), driver(0.5, 2.0), trials=0)
    with pytest.raises(SimError, match="unknown physics 'bulet'"):
        rehearse(contract(), driver(0.5, 2.0), physics="bulet")
