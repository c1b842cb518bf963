"""Trials: starts, reports, resets with penalties."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from driving import CONTINUOUS, TINY, pursue

from hairpin.sim import SimError, World, WorldConfig, make_config
from hairpin.sim.episode import Start
from hairpin.sim.laps import Act, run_trials, starts, step_limit
from hairpin.sim.report import LapReport, merge
from hairpin.sim.rules import Status
from hairpin.sim.trace import COLUMNS, LapRecorder
from hairpin.tracks import load_track


def config(**settings: Any) -> WorldConfig:
    return make_config(
        **{"track": "oval", "reward": None, "observation": TINY, "actions": CONTINUOUS, "start": "line"}
        | settings
    )


def follow(world: World) -> Act:
    """A policy that knows the truth of one world."""

    def act(frames: np.ndarray) -> np.ndarray:
        assert frames.shape == (world.num_cars, 24, 32, 1)
        steering = np.degrees(pursue(world)[:, 0]) / 30.0
        return np.column_stack([steering, np.full(world.num_cars, 1.0 / 3.0)])  # 1.5 m/s

    return act


def hard_left(frames: np.ndarray) -> np.ndarray:
    return np.full((len(frames), 2), [1.0, 0.5])


def test_clean_trials_both_ways_round() -> None:
    setup = config(laps=2)
    world = World(setup, 4)
    report, traces = run_trials(setup, follow(world), starts(4, "both"), world=world)
    assert (report.trials, report.completed, report.completion_rate) == (4, 4, 1.0)
    assert (report.direction, report.track, report.physics, report.laps) == (
        "both",
        "oval",
        "single_track",
        2,
    )
    assert len(report.lap_times) == 8 and report.off_tracks == report.wheels_out == 0
    assert report.best_lap == min(report.lap_times)
    length = load_track("oval").length
    assert report.mean_lap == pytest.approx(length / 1.5, rel=0.05)
    assert report.mean_speed == pytest.approx(1.5, rel=0.05)
    assert report.distance == pytest.approx(8 * length, rel=0.05)
    assert report.statuses == ("lap_complete",) * 4
    assert [trace.reverse for trace in traces] == [False, True, False, True]
    for trace in traces:
        assert len(trace.pose) == len(trace.speed) == len(trace.command) == len(trace.progress)
        assert len(trace.position) == len(trace.pose)
        assert trace.progress[-1] == 100.0
    assert sum(len(trace.pose) for trace in traces) == round(report.time * 15)


def test_the_report_is_what_the_command_line_prints() -> None:
    setup = config(max_steps=3)
    report, _ = run_trials(setup, hard_left, starts(2, "cw"))
    written = json.loads(json.dumps(report.to_dict()))
    wanted = {"track", "physics", "direction", "trials", "completed", "completion_rate", "lap_times"}
    wanted |= {"best_lap", "mean_lap", "off_tracks", "mean_speed"}
    assert wanted <= set(written)
    assert (written["direction"], written["trials"], written["completion_rate"]) == ("cw", 2, 0.0)
    assert written["best_lap"] is written["mean_lap"] is None and written["lap_times"] == []
    assert written["statuses"] == ["time_up"] * 2


def test_a_car_that_leaves_the_road_goes_on_for_two_seconds() -> None:
    setup = config(max_steps=200)
    worlds: list[World] = []
    report, _ = run_trials(setup, hard_left, [Start(0.3)], resets=2, on_step=worlds.append)
    assert report.off_tracks == 3 and report.statuses == ("off_track",)
    steps = len(worlds)
    race = worlds[0].race
    assert race.time[0] == pytest.approx(steps / 15 + 2 * 2.0)
    assert race.steps[0] == steps + 1 + 2 * 30  # it takes steps while it waits
    plain, _ = run_trials(setup, hard_left, [Start(0.3)], on_step=worlds.append)
    assert plain.off_tracks == 1 and len(worlds) - steps < steps


def test_penalties_are_what_they_are_set_to_and_the_car_is_put_into_its_lane() -> None:
    setup = config(max_steps=200)
    worlds: list[World] = []
    penalties = {Status.OFF_TRACK: 0.4}
    world = World(setup, 1)
    world.recorder = recorder = LapRecorder(1)
    run_trials(
        setup, hard_left, [Start(0.3)], resets=1, penalties=penalties, on_step=worlds.append, world=world
    )
    assert world.race.time[0] == pytest.approx(len(worlds) / 15 + 0.4)
    (rows,) = recorder.episodes()
    columns = {name: [row[i] for row in rows] for i, name in enumerate(COLUMNS[1:])}
    off = columns["episode_status"].index("off_track")
    assert columns["episode_status"][off : off + 8] == ["off_track", *["pause"] * 6, "in_progress"]
    assert columns["pause_duration"][off : off + 8] == pytest.approx(
        [0.4, 0.3333, 0.2667, 0.2, 0.1333, 0.0667, 0, 0]
    )
    assert np.diff(columns["steps"]).tolist() == [1.0] * (len(rows) - 1)
    assert np.diff(columns["tstamp"]) == pytest.approx(1 / 15, abs=2e-4)
    assert columns["done"] == [False] * (len(rows) - 1) + [True]
    place = np.array([columns["X"][off + 1], columns["Y"][off + 1]])
    _, aside = load_track("oval").to_road(place[None])
    assert aside[0] == pytest.approx(load_track("oval").width(0.0) / 4, abs=0.03)  # it left to the left


def test_a_lap_with_a_penalty_takes_two_seconds_longer() -> None:
    setup = config()
    world = World(setup, 1)
    line = follow(world)
    ways: list[float] = []

    def stray(frames: np.ndarray) -> np.ndarray:
        return hard_left(frames) if world.race.time[0] < 2.0 else line(frames)

    report, _ = run_trials(
        setup,
        stray,
        [Start(0.0)],
        resets=1,
        world=world,
        on_step=lambda w: ways.append(float(w.race.laps_done[0])),
    )
    assert (report.completed, report.off_tracks, len(report.lap_times)) == (1, 1, 1)
    assert report.lap_times[0] == pytest.approx(len(ways) / 15 + 2.0)
    # Put back where it left: the lap neither begins anew nor loses more than the car's own length.
    assert min(np.diff(ways)) > -0.3 / load_track("oval").length


def test_a_stuck_car_is_put_back_without_a_penalty() -> None:
    from hairpin.sim import Randomization

    setup = config(randomization=Randomization(speed_gain=(0.001, 0.001)))
    worlds: list[World] = []
    report, _ = run_trials(setup, hard_left, [Start(0.0)], resets=2, on_step=worlds.append)
    assert report.statuses == ("immobilized",) and report.off_tracks == 0
    assert worlds[0].race.time[0] == pytest.approx(45 / 15)


def test_one_failure_is_enough_if_told_so() -> None:
    setup = config(laps=1)
    world = World(setup, 2)
    line = follow(world)

    def act(frames: np.ndarray) -> np.ndarray:
        return np.where([[True], [False]], hard_left(frames), line(frames))

    report, traces = run_trials(setup, act, starts(2, "ccw"), most_failures=0, world=world)
    assert report.statuses == ("off_track", "in_progress") and report.completed == 0
    assert len(traces[0].pose) == len(traces[1].pose)
    report, _ = run_trials(setup, act, starts(2, "ccw"), world=world)
    assert report.statuses == ("off_track", "lap_complete") and report.completion_rate == 0.5


def test_trials_are_the_same_again_in_a_used_world_and_together() -> None:
    setup = config(randomization="mild", max_steps=20)
    world = World(setup, 3)
    first, _ = run_trials(setup, hard_left, starts(3, "ccw"), seed=5, world=world)
    again, _ = run_trials(setup, hard_left, starts(3, "ccw"), seed=5, world=world)
    fresh, _ = run_trials(setup, hard_left, starts(3, "ccw"), seed=5)
    other, _ = run_trials(setup, hard_left, starts(3, "ccw"), seed=6)
    assert first == again == fresh != other


def test_reports_add_up() -> None:
    setup = config()
    whole = World(setup, 2)
    together, _ = run_trials(setup, follow(whole), starts(2, "both"), world=whole)
    parts = []
    for start in starts(2, "both"):
        world = World(setup, 1)
        parts.append(run_trials(setup, follow(world), [start], world=world)[0])
    merged = merge(parts)
    assert [part.direction for part in parts] == ["ccw", "cw"]
    assert (merged.distance, merged.time) == pytest.approx((together.distance, together.time))
    assert merged.steering_change == pytest.approx(together.steering_change, rel=0.02)
    assert merged.steering_power == pytest.approx(together.steering_power, rel=0.05, abs=0.1)
    exact = {"distance": 0.0, "time": 0.0, "mean_speed": 0.0, "steering_change": 0.0, "steering_power": 0.0}
    assert merged.to_dict() | exact == together.to_dict() | exact
    assert merge(parts[:1]) == parts[0]


def test_mean_speed_of_nothing_is_nothing() -> None:
    report = LapReport("oval", "bullet", "ccw", 1, 1, 0, (), 0, 0, 0.0, 0.0, ("in_progress",))
    assert (report.mean_speed, report.best_lap, report.mean_lap) == (0.0, None, None)


@pytest.mark.parametrize("trials", [1, 2, 5, 8])
def test_starts_are_spread_over_the_lap(trials: int) -> None:
    one_way = starts(trials, "cw")
    assert [start.share for start in one_way] == [i / trials for i in range(trials)]
    both = starts(trials, "both")
    assert len(both) == trials == len(set(both))
    assert {start.share for start in both[::2]} >= {start.share for start in both[1::2]}
    assert all(start.direction == ("ccw", "cw")[i % 2] for i, start in enumerate(both))


def test_the_step_limit_leaves_time_for_the_slowest() -> None:
    track = load_track("oval")
    assert step_limit(track, 3, 15.0) / 15.0 >= 3 * track.length / 0.2 - 1.0


def test_what_cannot_be_driven_is_refused() -> None:
    setup = config()
    with pytest.raises(SimError, match="no start is given"):
        run_trials(setup, hard_left, [])
    with pytest.raises(SimError, match="2 starts are given for a world of 3 cars"):
        run_trials(setup, hard_left, starts(2, "ccw"), world=World(setup, 3))
    with pytest.raises(SimError, match="direction is 'left'"):
        starts(2, "left")
