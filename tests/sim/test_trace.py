"""Traces: the columns and texts of DeepRacer's simtrace files."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import CONTINUOUS, pursue, tiny_world

from hairpin.sim import RacingVecEnv, World
from hairpin.sim.trace import COLUMNS, LapRecorder, TraceRecorder, read_rows, write_trace


def recorded(num_cars: int = 1, **settings: Any) -> tuple[World, TraceRecorder]:
    world = tiny_world(num_cars, **settings)
    world.recorder = recorder = TraceRecorder(num_cars)
    world.reset(np.arange(num_cars))
    return world, recorder


def rows_of(recorder: TraceRecorder, first_episode: int = 0) -> list[dict[str, str]]:
    file = io.StringIO()
    write_trace(file, recorder.take(1000), first_episode)
    file.seek(0)
    return list(csv.DictReader(file))


def test_the_columns_are_those_of_a_real_log(deepracer_data: Path) -> None:
    log = deepracer_data / "logs" / "drfc_single_worker" / "training-simtrace" / "0-iteration.csv"
    with log.open() as file:
        assert next(csv.reader(file)) == list(COLUMNS)


def test_an_episode_row_by_row() -> None:
    world, recorder = recorded(reward=lambda params: params["steps"] / 4, max_steps=3)
    places = []
    for action in (7, 8, 6):
        world.step(np.array([action]))
        places.append((world.places[0].copy(), float(world.race.progress[0])))
    first, *driven = rows_of(recorder, first_episode=20)
    assert {row["episode"] for row in (first, *driven)} == {"20"}
    assert (first["steps"], first["episode_status"], first["reward"], first["done"]) == (
        *("1.0", "prepare", "0.0", "False"),
    )
    assert [row["steps"] for row in driven] == ["2.0", "3.0", "4.0"]
    assert [row["action"] for row in driven] == ["7", "8", "6"]
    assert [(row["steer"], row["throttle"]) for row in driven] == [
        ("0.0", "1.8"),
        ("15.0", "1.8"),
        ("-15.0", "1.8"),
    ]
    assert [row["reward"] for row in driven] == ["0.5", "0.75", "1.0"]
    assert [row["done"] for row in driven] == ["False", "False", "True"]
    assert [row["episode_status"] for row in driven] == ["in_progress", "in_progress", "time_up"]
    assert [float(row["tstamp"]) for row in driven] == pytest.approx([1 / 15, 2 / 15, 3 / 15], abs=1e-4)
    for row, (place, progress) in zip(driven, places, strict=True):
        assert (float(row["X"]), float(row["Y"])) == (place["x"], place["y"])
        assert float(row["yaw"]) == pytest.approx(np.degrees(place["yaw"]))
        assert float(row["progress"]) == progress
        assert row["all_wheels_on_track"] == str(place["wheels_on"] == 4)
        assert int(row["closest_waypoint"]) == place["nearest"]
        assert float(row["track_len"]) == world.routes.length[0]
        assert row["pause_duration"] == "0.0"


def test_a_continuous_action_stays_one_column() -> None:
    world, recorder = recorded(actions=CONTINUOUS, max_steps=1)
    world.step(np.array([[0.25, -1.0]], dtype=np.float32))
    row = rows_of(recorder)[1]
    assert (row["action"], row["steer"], row["throttle"]) == ("[0.25 -1.0]", "7.5", "0.5")


def test_episodes_come_in_the_order_in_which_they_end() -> None:
    env = RacingVecEnv(2, track="oval", max_steps=5, start="line", reward=None, autoreset_mode="SameStep")
    env.world.recorder = recorder = TraceRecorder(2)
    env.reset(seed=0)
    for k in range(12):
        if k == 3:  # the second car's episode is broken off, and leaves no trace
            env.reset(options={"reset_mask": np.array([False, True])})
        env.step(np.array([7, 2]))
    episodes = recorder.take(3)
    assert [len(rows) for rows in episodes] == [6, 6, 6]
    assert [rows[1][5] for rows in episodes] == [1.8, 1.0, 1.8]  # the throttle tells the cars apart
    assert len(recorder.finished) == 0 and recorder.take(1) == []


def test_a_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    world, recorder = recorded(2, max_steps=4)
    for _ in range(4):
        world.drive(pursue(world))
    episodes = recorder.take(2)
    path = tmp_path / "0-iteration.csv"
    with path.open("w") as file:
        write_trace(file, episodes, 0)
    assert read_rows(path) == [[tuple(map(str, row)) for row in rows] for rows in episodes]


def test_an_evaluation_s_laps_are_episodes_of_their_own() -> None:
    world = tiny_world(2, laps=2)
    world.recorder = recorder = LapRecorder(2)
    world.reset(np.arange(2))
    running = np.ones(2, dtype=bool)
    while running.any():
        step = world.drive(pursue(world), running)
        running &= ~(step.terminated | step.truncated)
    laps = recorder.episodes()
    progress, status = COLUMNS.index("progress") - 1, COLUMNS.index("episode_status") - 1
    assert len(laps) == 4
    assert [lap[-1][progress] for lap in laps] == [100.0] * 4
    assert [lap[0][status] for lap in laps] == ["prepare", "in_progress"] * 2
