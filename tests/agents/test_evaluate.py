"""Evaluation: what is reported about a policy that laps, and about one that does not."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from hairpin.agents import RunError, evaluate
from hairpin.agents.cli.main import app
from hairpin.agents.logs.read import read_logs
from hairpin.edge import BundleError
from hairpin.sim import SimError
from hairpin.tracks import TrackError

DOCUMENTED = {
    *("track", "physics", "direction", "trials", "completed", "completion_rate", "lap_times", "best_lap"),
    *("mean_lap", "off_tracks", "mean_speed"),
}


@pytest.mark.parametrize("physics", ["single_track", "bullet"])
def test_a_lapping_policy_is_reported(ring_run, physics) -> None:
    report = evaluate(ring_run.path, physics=physics, trials=2, laps=2, direction="ccw").report
    assert (report.track, report.physics, report.direction) == ("ring", physics, "ccw")
    assert (report.trials, report.completed, report.completion_rate) == (2, 2, 1.0)
    assert (report.off_tracks, report.wheels_out) == (0, 0)
    assert len(report.lap_times) == 4
    assert all(8.5 < lap < 10.5 for lap in report.lap_times)  # 2 pi 1.5 m at 1 m/s
    assert report.best_lap == min(report.lap_times) and report.mean_lap == pytest.approx(
        np.mean(report.lap_times)
    )
    assert report.mean_speed == pytest.approx(1.0, abs=0.1)


def test_the_other_direction_needs_the_other_steering(ring_run) -> None:
    evaluation = evaluate(ring_run.path, physics="single_track", trials=4, laps=1, direction="both")
    assert evaluation.report.direction == "both"
    assert (evaluation.report.completed, evaluation.report.off_tracks) == (2, 2)
    assert evaluation.report.statuses == ("lap_complete", "off_track") * 2
    assert [trace.reverse for trace in evaluation.traces] == [False, True] * 2


def test_resets_put_the_car_back_and_cost_time(ring_run) -> None:
    settings = {"physics": "single_track", "trials": 1, "laps": 1, "direction": "cw"}
    clean = evaluate(ring_run.path, **settings).report
    reset = evaluate(ring_run.path, resets=2, **settings).report
    assert (clean.off_tracks, reset.off_tracks) == (1, 3)
    assert reset.distance > 1.5 * clean.distance


@pytest.mark.parametrize(
    ("trained", "driven"), [("cw", "cw"), ("ccw", "ccw"), ("alternate", "both"), (None, "both")]
)
def test_it_drives_the_way_it_was_trained(ring_run, copy_of, trained, driven) -> None:
    run = copy_of(ring_run)
    settings = {**run.settings["settings"], "direction": trained}
    (run.path / "run.json").write_text(json.dumps({**run.settings, "settings": settings}))
    limits = {"physics": "single_track", "trials": 2, "laps": 1}
    assert evaluate(run.path, **limits).report.direction == driven
    assert evaluate(run.path, direction="ccw", **limits).report.direction == "ccw"


def test_penalties_lengthen_the_lap_and_the_log_shows_the_pauses(ring_run, copy_of) -> None:
    run = copy_of(ring_run)
    settings = {"physics": "single_track", "trials": 1, "laps": 1, "direction": "cw", "resets": 40}
    long, short = (
        evaluate(run.path, off_track_penalty=seconds, log=True, **settings) for seconds in (3.0, 0.0)
    )
    (slow,), (fast,) = long.report.lap_times, short.report.lap_times
    resets = long.report.off_tracks
    assert slow - fast == pytest.approx(3.0 * resets) and resets > 2
    first_file = min(run.path.glob("metrics/Eval*"))
    (entry,) = json.loads(first_file.read_text())["metrics"]
    assert (entry["reset_count"], entry["off_track_count"]) == (resets, resets)
    assert entry["elapsed_time_in_milliseconds"] == pytest.approx(1000 * slow, abs=2)
    log = read_logs(run.path)["evaluation"]
    (first, second) = log.lap_time
    assert (first, second) == pytest.approx((slow, fast), abs=0.01)
    assert (log.status == "pause").sum() == 45 * resets
    lap = log.one(0)
    assert lap.measured_speed.max() < 2.0 and lap.measured_speed[lap.status == "pause"].max() < 0.5


def test_randomization_changes_trials_and_its_seed_repeats_them(ring_run) -> None:
    settings = {"physics": "single_track", "trials": 2, "laps": 1, "direction": "ccw"}
    nominal, mild, again, other = (
        evaluate(ring_run.path, **settings, **more).traces[0].pose[-1].tolist()
        for more in (
            {},
            {"randomization": "mild"},
            {"randomization": "mild"},
            {"randomization": "mild", "seed": 5},
        )
    )
    assert mild == again
    assert nominal != mild != other


def test_another_track_and_pybullets_own_camera(sac_run, discrete_run) -> None:
    settings = {"track": "meadow", "renderer": "bullet", "physics": "single_track", "trials": 1, "laps": 1}
    evaluation = evaluate(sac_run.path, **settings)
    assert (evaluation.report.track, evaluation.world.renderer) == ("meadow", "bullet")
    with pytest.raises(SimError, match="PyBullet draws no lens distortion"):
        evaluate(discrete_run.path, **settings)


def test_a_policy_sees_what_its_contract_says(discrete_run) -> None:
    observation = evaluate(discrete_run.path, physics="single_track", trials=1, laps=1).world.observation
    assert observation == discrete_run.contract.observation


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"trials": 0}, RunError, "trials is 0: give a whole number of at least 1"),
        ({"laps": 0}, RunError, "laps is 0: give a whole number of at least 1"),
        ({"resets": -1}, RunError, "resets is -1: give a whole number of at least 0"),
        ({"trials": 1.5}, RunError, "trials is 1.5: give a whole number"),
        ({"mercy": 3}, RunError, "mercy is 3 without resets"),
        ({"seed": -1}, RunError, "seed is -1: give a whole number of at least 0"),
        ({"physics": "bulet"}, SimError, "did you mean 'bullet'"),
        ({"renderer": "opengl"}, SimError, "unknown renderer 'opengl'"),
        ({"direction": "left"}, SimError, "direction is 'left': give"),
        ({"collision_penalty": -1.0}, RunError, "collision_penalty is -1.0: give 0 to 1000 seconds"),
        ({"track": "ovall"}, TrackError, "did you mean oval"),
    ],
)
def test_bad_settings_are_refused(discrete_run, settings, error, text) -> None:
    with pytest.raises(error, match=text) as refused:
        evaluate(discrete_run.path, **settings)
    assert "\n" not in str(refused.value)


def test_what_is_no_run_is_refused(discrete_run, copy_of, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="no run at nowhere: the runs here are none"):
        evaluate("nowhere")
    with pytest.raises(RunError, match=r"no bundle at nothing.tar.gz: hairpin export RUN --out"):
        evaluate("nothing.tar.gz")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match=r"is not a run: it has no run.json"):
        evaluate(tmp_path / "folder")
    with pytest.raises(RunError, match="give the run's folder"):
        evaluate(discrete_run.path / "run.json")
    (tmp_path / "garbage.tar.gz").write_bytes(b"garbage")
    with pytest.raises(BundleError, match=r"garbage.tar.gz"):
        evaluate(tmp_path / "garbage.tar.gz")


def test_broken_runs_are_refused(discrete_run, copy_of) -> None:
    run = copy_of(discrete_run, "empty")
    (run.path / "checkpoints.json").unlink()
    with pytest.raises(RunError, match="has no checkpoint yet: train it first"):
        evaluate(run.path)
    run = copy_of(discrete_run, "corrupt")
    run.best.path.write_bytes(run.best.path.read_bytes()[:1000])
    with pytest.raises(RunError, match="no readable checkpoint"):
        evaluate(run.path)
    run.best.path.unlink()
    with pytest.raises(RunError, match="which is not there"):
        evaluate(run.path)
    for text, message in (
        ("{", "cannot be read"),
        ("[]", "holds no JSON object"),
        ("{}", "lacks 'settings'"),
        (json.dumps(dict(run.settings) | {"contract": {"format": 99}}), "contract has format 99"),
    ):
        (run.path / "run.json").write_text(text)
        with pytest.raises(RunError, match=message):
            evaluate(run.path)


def test_without_pybullet_the_other_physics_still_drives(ring_run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pybullet", None)
    with pytest.raises(SimError, match="PyBullet is not installed: pip install"):
        evaluate(ring_run.path, trials=1, laps=1)
    assert evaluate(ring_run.path, physics="single_track", trials=1, laps=1).report.completed == 1


def test_json_has_the_documented_keys_on_standard_output_alone(ring_run) -> None:
    arguments = ["evaluate", ring_run.path, "--physics", "single_track", "--trials", 1, "--laps", 1, "--json"]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert set(report) >= DOCUMENTED
    assert (report["track"], report["completed"], report["off_tracks"]) == ("ring", 1, 0)
    assert report["best_lap"] == report["lap_times"][0]


def test_the_table_says_the_same(ring_run) -> None:
    arguments = ["evaluate", ring_run.path, "--physics", "single_track", "--trials", 1, "--laps", 1]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    assert (
        "ring, single_track physics, direction ccw: 1 lap in each trial" in result.stdout
        and "1 of 1" in result.stdout
    )
