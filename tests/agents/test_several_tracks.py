"""One training on several tracks: it has to lap on all of them, and what follows knows all of them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from hairpin.agents import RunError, TrainConfig, evaluate, evaluations_of, export, open_run, resume, train
from hairpin.agents.config import plan
from hairpin.agents.contract import fingerprint
from hairpin.agents.evaluation import open_subject
from hairpin.agents.gate import LAPS, STARTS, Gate
from hairpin.agents.logs.analysis import analyze
from hairpin.agents.pictures import draw_learning
from hairpin.tracks import load_track

NAMES = ["oval", "bowtie"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("several") / "run"
    return train(TrainConfig(track=NAMES, preset="tiny", steps=768, out=out))


def test_the_run_holds_all_tracks(run) -> None:
    tracks = [load_track(name) for name in NAMES]
    assert [track.name for track in run.tracks] == NAMES
    assert all(np.array_equal(a.waypoints, b.waypoints) for a, b in zip(run.tracks, tracks, strict=True))
    assert (run.path / "track-2.npy").is_file() and run.settings["settings"]["track"] == NAMES
    assert run.contract.track == fingerprint(tracks) and run.contract.track.name == "oval+bowtie"
    assert fingerprint(tracks).digest != fingerprint(tracks[::-1]).digest
    rows = [
        line.split(",")
        for file in (run.path / "training-simtrace").iterdir()
        for line in file.read_text().splitlines()[1:]
    ]
    assert len({round(float(row[13]), 6) for row in rows}) == 2  # lengths of the tracks: both were driven


def test_it_resumes_on_all_tracks(run, copy_of) -> None:
    resumed = resume(copy_of(run).path, steps=1024)
    assert [track.name for track in resumed.tracks] == NAMES
    assert [verdict.steps for verdict in evaluations_of(resumed)] == [256, 512, 768, 1024]


def test_each_track_is_evaluated(run, hairpin, tmp_path) -> None:
    with pytest.raises(RunError, match="several tracks: give one of oval, bowtie as track"):
        evaluate(run.path)
    report = evaluate(run.path, track="bowtie", physics="single_track", trials=1, laps=1).report
    assert report.track == "bowtie"
    settings = ["--physics", "single_track", "--trials", 1, "--laps", 1, "--plot", tmp_path / "laps.png"]
    code, output, errors = hairpin("evaluate", run.path, *settings, "--json")
    assert code == 0, errors
    assert [report["track"] for report in json.loads(output)["tracks"]] == NAMES
    assert errors.count("log: ") == 2
    assert {path.name for path in tmp_path.glob("*.png")} == {"laps-oval.png", "laps-bowtie.png"}
    assert len(list(run.path.glob("evaluation-*"))) == 2


def test_pictures_and_analysis_know_the_tracks(run, tmp_path) -> None:
    draw_learning(tmp_path / "learning.png", run, evaluations_of(run))
    analysis = analyze(run.path, out=tmp_path / "pictures")
    assert analysis.track == "oval, bowtie"
    assert {"oval", "bowtie"} <= {path.parent.name for path in analysis.pictures}


def test_it_is_exported(run, tmp_path) -> None:
    assert export(run.path, tmp_path / "a.tar.gz").agreement >= 0.99
    with pytest.raises(RunError, match=r"'oval\+bowtie', which is not a built-in track: give --track"):
        evaluate(tmp_path / "a.tar.gz")


def test_the_gate_asks_for_every_track(ring_run) -> None:
    world = plan(TrainConfig(track="oval", direction="ccw")).world
    world = dataclasses.replace(world, tracks=(ring_run.track, load_track("oval")))
    world = dataclasses.replace(world, observation=ring_run.contract.observation)
    world = dataclasses.replace(world, actions=ring_run.contract.actions)
    gate = Gate(world)
    verdict = gate.judge(open_subject(ring_run.path).act, 0)
    assert not verdict.passed and len(gate.trials) == 2 * STARTS
    assert LAPS / 2 <= verdict.progress < LAPS  # all of one track, and a part of the other
    assert [trial.completion for trial in gate.trials[:STARTS]] == [100.0] * STARTS
    gate.close()


def test_the_command_line_takes_several(hairpin, tmp_path) -> None:
    settings = ["--preset", "tiny", "--steps", 256, "--start", "round_robin", "--direction", "alternate"]
    code, _, errors = hairpin(
        "train", "--track", "oval", "--track", "meadow", *settings, "--out", tmp_path / "run"
    )
    assert code == 0, errors
    run = open_run(tmp_path / "run")
    assert [track.name for track in run.tracks] == ["oval", "meadow"]
    assert plan(TrainConfig(start="line")).world.start == "line"
