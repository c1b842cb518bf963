"""`hairpin race`: runs and bundles against each other."""

from __future__ import annotations

import json

import pytest

from hairpin.agents import export
from hairpin.agents.errors import RunError
from hairpin.agents.races import run_race


def test_runs_and_bundles_race_each_other(ring_run, tmp_path, hairpin):
    bundle = tmp_path / "ring.tar.gz"
    export(ring_run.path, bundle)
    arguments = ("--physics", "single_track", "--laps", "1", "--direction", "ccw", "--track")
    track = tmp_path / "ring.npy"
    from hairpin.tracks import save_track

    save_track(ring_run.tracks[0], track)
    code, output, _ = hairpin("race", ring_run.path, bundle, *arguments, track, "--json")
    report = json.loads(output)
    assert code == 0 and len(report["heats"]) == 2
    assert {one["name"] for one in report["standings"]} == {ring_run.path.name, "ring.tar.gz"}
    assert all(one["finished"] == 2 and one["best_lap"] > 5.0 for one in report["standings"])
    video = tmp_path / "race.mp4"
    code, output, _ = hairpin("race", ring_run.path, ring_run.path, *arguments, track, "--video", video)
    assert code == 0 and "#1" in output and "#2" in output and video.stat().st_size > 10_000


def test_mistakes_are_one_line(ring_run, hairpin):
    code, _, errors = hairpin("race", ring_run.path)
    assert code == 2 and "give 2 to 4" in errors and "Traceback" not in errors
    with pytest.raises(RunError, match="laps is 0"):
        run_race([ring_run.path, ring_run.path], laps=0)
