"""Races with objects: trained for, gone on with, evaluated, logged, and judged by the gate."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from learned import same, weights

from hairpin.agents import Run, TrainConfig, evaluate, export, resume, train
from hairpin.agents.config import plan
from hairpin.agents.gate import OBJECT_STARTS, STARTS, Gate, Verdict, enough
from hairpin.agents.run import race_of
from hairpin.sim import Bots, Obstacles, SimError
from hairpin.sim.laps import run_trials

RADIUS, WHEELBASE = 1.5, 0.163974  # of the track "ring", and of the car [m]
BOXES = Obstacles(positions=((0.3, 1), (0.6, -1), (0.9, 1)))


@pytest.fixture(scope="module")
def boxes_run(tmp_path_factory) -> Run:
    """PPO among boxes, 256 steps."""
    return train(
        TrainConfig(
            track="oval",
            reward="avoid_objects",
            preset="tiny",
            steps=256,
            race="object_avoidance",
            obstacles=BOXES,
            out=tmp_path_factory.mktemp("runs") / "boxes",
        )
    )


def test_a_run_knows_its_race_and_goes_on_with_it(boxes_run, copy_of) -> None:
    assert race_of(boxes_run) == {"race": "object_avoidance", "obstacles": BOXES}
    run = copy_of(boxes_run)
    before = weights(run)
    resumed = resume(run.path, steps=512)
    assert resumed.last.steps == 512 and not same(before, weights(resumed))
    assert race_of(resumed) == race_of(run)


def test_it_is_evaluated_on_what_it_was_trained_for(boxes_run, tmp_path) -> None:
    settings = {"physics": "single_track", "trials": 2, "laps": 1}
    own = evaluate(boxes_run.path, **settings)
    assert own.world.objects == BOXES and own.report.race == "object_avoidance"
    fewer = evaluate(boxes_run.path, obstacles=2, **settings)
    assert fewer.world.objects == Obstacles(count=2)
    bots = evaluate(boxes_run.path, race="head_to_bot", bots=Bots(count=2, speed=0.5), **settings)
    assert bots.world.objects == Bots(count=2, speed=0.5)
    alone = evaluate(boxes_run.path, race="time_trial", **settings)
    assert alone.world.objects is None and alone.report.crashes == 0
    bundle = tmp_path / "boxes.tar.gz"
    export(boxes_run.path, bundle)
    assert evaluate(bundle, **settings).world.objects is None
    assert evaluate(bundle, race="object_avoidance", **settings).world.objects == Obstacles()
    with pytest.raises(SimError, match="bots are given for the race 'object_avoidance'"):
        evaluate(boxes_run.path, bots=2, **settings)


def test_crashes_are_counted_in_report_trace_and_metrics(boxes_run, copy_of) -> None:
    run = copy_of(boxes_run, "crashing")
    wide = Obstacles(positions=((0.3, 1), (0.6, -1), (0.9, 1)), size=(0.4, 0.7, 0.25))
    evaluation = evaluate(
        run.path, obstacles=wide, physics="single_track", trials=3, laps=1, resets=6, log=True
    )
    (metrics,) = (run.path / "metrics").glob("EvaluationMetrics-*.json")
    counted = sum(entry["crash_count"] for entry in json.loads(metrics.read_text())["metrics"])
    assert evaluation.report.crashes == counted > 0
    lines = (evaluation.log / "evaluation-simtrace" / "0-iteration.csv").read_text().splitlines()
    assert lines[0].endswith(",obstacle_crash_counter")
    assert {line.count(",") for line in lines} == {lines[0].count(",")}
    assert {line.rpartition(",")[2] for line in lines[1:]} == {"0"}
    merciful = evaluate(
        run.path, obstacles=wide, physics="single_track", trials=3, laps=1, resets=6, mercy=1, log=False
    )
    assert merciful.report.lap_times and not evaluation.report.lap_times


def test_the_command_line_trains_and_evaluates_races(hairpin, tmp_path) -> None:
    out = tmp_path / "run"
    code, _, errors = hairpin(
        *("train", "--track", "oval", "--reward", "avoid_objects", "--preset", "tiny", "--steps", 256),
        *("--race", "object_avoidance", "--obstacles", 3, "--out", out),
    )
    assert code == 0, errors
    arguments = ("--trials", 2, "--laps", 1, "--physics", "single_track", "--no-log")
    code, output, _ = hairpin("evaluate", out, *arguments, "--json")
    report = json.loads(output)
    assert code == 0 and report["race"] == "object_avoidance" and "crashes" in report
    code, output, _ = hairpin("evaluate", out, *arguments, "--race", "head_to_bot", "--bots", 2)
    assert code == 0 and "crashed" in output
    assert "\N{HORIZONTAL ELLIPSIS}" not in output  # 80 columns are enough
    code, _, errors = hairpin("train", "--obstacles", 3, "--out", tmp_path / "none")
    assert code == 2 and "obstacles are given for the race 'time_trial'" in errors


def test_the_check_of_a_reward_tries_it_among_objects(hairpin, tmp_path) -> None:
    picture = tmp_path / "map.png"
    for race in ("object_avoidance", "head_to_bot"):
        code, output, _ = hairpin(
            "reward", "check", "avoid_objects", "--race", race, "--out", picture, "--json"
        )
        found = json.loads(output)["situations"]
        assert code == 0 and len(found) == 18
        assert found["run into an object"] < 0.01 < found["object ahead, in the other lane"]
        assert found["object ahead, in its lane"] < 0.1 * found["beside an object"]


@pytest.mark.parametrize(
    ("race", "forgiven"), [("time_trial", 0), ("object_avoidance", 1), ("head_to_bot", 1)]
)
def test_the_gate_forgives_one_trial_among_objects_and_none_alone(
    race, forgiven, inputs, monkeypatch
) -> None:
    gate = Gate(plan(TrainConfig(track="oval", preset="tiny", race=race)).judged)
    trials = STARTS if race == "time_trial" else OBJECT_STARTS
    drive, failures = gate._drive, [0, 0]

    def report(world, act, starts, seed, *, to_the_end=False):
        assert len(starts) == trials
        nth = int(world is gate._confirming[0])
        return dataclasses.replace(
            drive(world, act, starts, seed), completed=trials - failures[nth], lap_times=(9.0,)
        )

    monkeypatch.setattr(gate, "_drive", report)
    found = []
    for failing in ((0, 0), (forgiven, forgiven), (forgiven, forgiven + 1), (forgiven + 1, 0)):
        failures[:] = failing
        verdict = gate.judge(lambda frames: np.zeros(len(frames), int), 0)
        found.append((verdict.passed, verdict.confirmed))
    gate.close()
    assert found == [(True, True), (True, True), (True, False), (False, False)]


def test_training_among_objects_ends_when_two_evaluations_confirm() -> None:
    def found(steps: int, confirmed: bool, progress: float = 3.0, wheels_out: int = 9) -> Verdict:
        return Verdict(steps, confirmed, confirmed, progress, 9.0, wheels_out, robust=2.9, objects=True)

    by_chance = [found(1, False), found(2, True, wheels_out=0), found(3, False)]
    assert not enough(by_chance, 3)
    assert not enough([*by_chance, by_chance[1]], 3)  # the best one again, of a run that goes on
    assert enough([*by_chance, found(4, True)], 4)
    # A wheel over the line says nothing about who avoids more boxes.
    assert found(1, True, 2.99, wheels_out=90).rank > found(2, True, 2.97, wheels_out=0).rank


def test_the_gate_puts_the_boxes_in_new_places_for_each_policy(inputs) -> None:
    config = TrainConfig(track=inputs / "ring.npy", preset="tiny", race="object_avoidance", obstacles=2)
    gate = Gate(plan(config).judged)
    places = []

    def begin(world, act, starts, seed, *, to_the_end=False):
        report, _ = run_trials(world.config, act, starts, seed=seed, world=world, most_failures=0)
        places.append(np.stack([world.objects["x"], world.objects["y"]]))
        return dataclasses.replace(report, completed=OBJECT_STARTS, lap_times=(9.0,))

    gate._drive = begin
    for steps in (2048, 4096, 4096):
        gate.judge(lambda frames: np.zeros(len(frames), int), steps)
    gate.close()
    assert len(places) == 6 and len({place.tobytes() for place in places}) == 4
    np.testing.assert_array_equal(places[2], places[4])


def test_training_s_episodes_crash_and_are_logged_so(boxes_run) -> None:
    files = sorted((boxes_run.path / "training-simtrace").glob("*.csv"))
    text = "".join(file.read_text() for file in files)
    assert "crashed" in text or "off_track" in text
    assert np.all([len(line.split(",")) == 17 for line in text.splitlines()])
