"""The real deepracer-utils opens our logs, and its figures are ours; on real logs ours are its."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from hairpin.agents import evaluate, resume
from hairpin.agents.logs.figures import Figures, figures_of, per_group
from hairpin.agents.logs.read import read_logs

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    utils = pytest.importorskip("deepracer.logs", reason="deepracer-utils is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")


def aggregate(log, first: str = "iteration", second: str = "episode", **settings):
    return utils.AnalysisUtils.simulation_agg(
        log.dataframe(), firstgroup=first, secondgroup=second, **settings
    )


def check_groups(ours: list[Figures], frame, group: str) -> None:
    """Every figure that both have, of every iteration or evaluation."""
    theirs = dict(iter(frame.groupby(group)))
    assert [f.group for f in ours] == [str(name) for name in theirs]
    for figures, episodes in zip(ours, theirs.values(), strict=True):
        laps = episodes[episodes["complete"] == 1]["time"]
        expected = {
            "episodes": len(episodes),
            "mean_progress": episodes["progress"].mean(),
            "best_progress": episodes["progress"].max(),
            "laps": len(laps),
            "mean_speed": episodes["dist"].sum() / episodes["time"].sum(),
            "mean_command": episodes["speed"].mean(),
        }
        if "reward" in episodes:
            expected["mean_reward"] = episodes["reward"].mean()
        if len(laps):
            expected |= {"best_lap": laps.min(), "mean_lap": laps.mean()}
        assert {name: getattr(figures, name) for name in expected} == pytest.approx(expected, abs=1e-9)
        assert len(laps) or figures.best_lap is None


@pytest.mark.parametrize(
    ("folder", "second"), [("drfc_single_worker", "episode"), ("drfc_multi_worker_sample", "unique_episode")]
)
def test_figures_of_real_trainings_are_theirs(deepracer_data: Path, folder: str, second: str) -> None:
    log = utils.DeepRacerLog(str(deepracer_data / "logs" / folder))
    log.load()
    ours = read_logs(deepracer_data / "logs" / folder)["training"]
    assert len(ours.x) == len(log.dataframe())
    check_groups(per_group(ours), aggregate(log, second=second), "iteration")


def test_figures_of_real_evaluations_are_theirs(deepracer_data: Path) -> None:
    log = utils.DeepRacerLog(str(deepracer_data / "logs" / "drfc_single_worker"))
    log.load_evaluation_trace()
    ours = read_logs(deepracer_data / "logs" / "drfc_single_worker")["evaluation"]
    check_groups(per_group(ours), aggregate(log, "stream", is_eval=True), "stream")


def test_figures_of_a_real_console_log_are_theirs(deepracer_data: Path) -> None:
    file = deepracer_data / "logs" / "console_evaluation_robomaker.log"
    frame = utils.SimulationLogsIO.load_pandas(str(file))
    episodes = utils.AnalysisUtils.simulation_agg(frame, is_eval=True)
    ours = read_logs(file)["evaluation"]
    assert ours.world == "reinvent_base"
    np.testing.assert_allclose(ours.lap_time, episodes["time"], atol=1e-9)
    assert figures_of(ours).laps == episodes["complete"].sum() == 3


def test_they_open_our_training(discrete_run) -> None:
    log = utils.DeepRacerLog(str(discrete_run.path))
    assert log.fh.type.name == "DRFC_MODEL_SINGLE_WORKERS"
    log.load()
    ours = read_logs(discrete_run.path)["training"]
    check_groups(per_group(ours), aggregate(log), "iteration")
    assert log.agent_and_network()["sensor_list"] == ["FRONT_FACING_CAMERA"]
    assert len(log.action_space()) == len(discrete_run.contract.actions.actions)
    assert log.hyperparameters()["num_episodes_between_training"] == 20
    assert log.dataframe()["unique_episode"].nunique() == ours.num_episodes


def test_they_open_our_training_metrics(discrete_run, monkeypatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    file = discrete_run.path / "metrics" / "TrainingMetrics.json"
    metrics = utils.metrics.TrainingMetrics("", fname=str(file))
    training, ours = metrics.getTraining(), read_logs(discrete_run.path)["training"]
    assert len(training) == ours.num_episodes
    np.testing.assert_allclose(training["reward"], ours.total_reward, atol=0.5)
    np.testing.assert_allclose(training["time"], ours.lap_time, atol=1e-3)
    far = np.maximum.reduceat(ours.progress, ours.bounds[:-1])
    np.testing.assert_allclose(training["completion"], np.clip(far, 0, 100), atol=1.5)
    assert training["iteration"].max() == (ours.num_episodes - 1) // 20
    assert len(metrics.getEvaluation()) % 16 == 0 and len(metrics.getEvaluation()) > 0


def test_they_open_our_evaluation(ring_run, copy_of) -> None:
    run = copy_of(ring_run)
    settings = {"physics": "single_track", "laps": 2, "log": True}
    clean = evaluate(run.path, trials=3, direction="ccw", **settings)
    reset = evaluate(run.path, trials=1, direction="cw", resets=3, **settings)
    log = utils.DeepRacerLog(str(run.path))
    log.load_evaluation_trace()
    ours = read_logs(run.path)["evaluation"]
    frame = aggregate(log, "stream", is_eval=True)
    check_groups(per_group(ours), frame, "stream")
    when = clean.log.name.removeprefix("evaluation-")
    assert re.fullmatch(r"\d{14}", when)
    laps = frame[(frame["stream"] == when) & (frame["complete"] == 1)]["time"]
    np.testing.assert_allclose(laps, clean.report.lap_times, atol=2e-4)
    assert frame[frame["stream"] == reset.log.name.removeprefix("evaluation-")]["off_track"].sum() == 4
    for evaluation in (clean, reset):
        stamp = evaluation.log.name.removeprefix("evaluation-")
        entries = json.loads((run.path / "metrics" / f"EvaluationMetrics-{stamp}.json").read_text())[
            "metrics"
        ]
        done = [entry for entry in entries if entry["completion_percentage"] == 100]
        times = [entry["elapsed_time_in_milliseconds"] / 1000 for entry in done]
        np.testing.assert_allclose(times, evaluation.report.lap_times, atol=2e-3)
        assert sum(entry["off_track_count"] for entry in entries) == evaluation.report.off_tracks
    assert entries[-1]["reset_count"] == 3 and entries[-1]["episode_status"] == "Off track"


def test_a_resumed_training_goes_on_with_its_last_file(discrete_run, copy_of) -> None:
    run = copy_of(discrete_run)
    before = read_logs(run.path)["training"]
    resume(run.path, steps=1024)
    after = read_logs(run.path)["training"]
    sizes = [figures.episodes for figures in per_group(after)]
    assert after.num_episodes > before.num_episodes and set(sizes[:-1]) == {20}
    assert after.episode[after.bounds[:-1]].tolist() == list(range(after.num_episodes))
    np.testing.assert_array_equal(after.x[: len(before.x)], before.x)
    metrics = json.loads((run.path / "metrics" / "TrainingMetrics.json").read_text())["metrics"]
    numbers = [entry["episode"] for entry in metrics if entry["phase"] == "training"]
    assert numbers == list(range(1, after.num_episodes + 1))
    log = utils.DeepRacerLog(str(run.path))
    log.load()
    check_groups(per_group(after), aggregate(log), "iteration")
