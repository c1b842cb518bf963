"""Logs of every era and layout are read; what is broken is one line; analysis and replay do what they say."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hairpin.agents import RunError, evaluate
from hairpin.agents.cli.main import app
from hairpin.agents.logs.analysis import analyze
from hairpin.agents.logs.read import read_logs
from hairpin.agents.logs.replay import base_poses, open_log, params_of, pay, pick, road_of
from hairpin.rewards import PARAMS
from hairpin.sim.routes import make_routes
from hairpin.sim.trace import COLUMNS
from hairpin.tracks import load_track

#: The centre-line example of DeepRacer's documentation, which the sample training used.
CENTRE_LINE = """
def reward_function(params):
    width, distance = params['track_width'], params['distance_from_center']
    for marker, reward in ((0.1, 1.0), (0.25, 0.5), (0.5, 0.1)):
        if distance <= marker * width:
            return reward
    return 1e-3
"""


def line(episode: int, step: int, columns: int = 17, status: str = "in_progress", action: str = "3") -> str:
    values = [
        episode,
        step,
        1.0 + step,
        2.0,
        0.5,
        10.0,
        1.5,
        action,
        0.25,
        False,
        True,
        2.0 * step,
        4,
        17.71,
        step / 15,
    ]
    return ",".join(map(str, [*values, status, 0.0, 0, 123.4][:columns]))


def simulation(columns: int = 17, prefix: str = "") -> str:
    rows = [line(e, s, columns, "prepare" if s == 1 else "in_progress") for e in range(40) for s in (1, 2, 3)]
    lines = [
        "noise",
        "Using the following hyper-parameters",
        "{",
        '  "num_episodes_between_training": 10',
        "}",
        " * /WORLD_NAME: oval",
        *(f"SIM_TRACE_LOG:{row}" for row in rows),
    ]
    return "".join(f"{prefix}{text}\n" for text in lines)


def table(columns: int = 17) -> str:
    return "\n".join([",".join(COLUMNS[:columns]), *(line(0, s, columns) for s in (1, 2, 3))]) + "\n"


@pytest.mark.parametrize("columns", [15, 16, 17, 18, 19])
@pytest.mark.parametrize("prefix", ["", "[rl_coach-1] [worker] "])
def test_simulation_logs_of_every_era(tmp_path, columns, prefix) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "some-robomaker.log").write_text(simulation(columns, prefix))
    log = read_logs(tmp_path)["training"]
    assert (log.num_episodes, len(log.x), log.world) == (40, 120, "oval")
    assert log.group[::30].tolist() == ["0", "1", "2", "3"]
    assert log.status[:2].tolist() == ["prepare", "in_progress"]
    assert log.total_reward[0] == 0.75 and log.lap_time[0] == pytest.approx(2 / 15)


@pytest.mark.parametrize(
    ("folder", "kind", "group"),
    [
        ("training-simtrace", "training", "0"),
        ("1/training-simtrace", "training", "0"),
        ("sim-trace/training/training-simtrace", "training", "0"),
        ("sim-trace/training/2026-03-01T10:00:00Z/training-simtrace", "training", "0"),
        ("evaluation-20260301100000/evaluation-simtrace", "evaluation", "20260301100000"),
        (
            "sim-trace/evaluation/2026-03-01T10:00:00Z/evaluation-simtrace",
            "evaluation",
            "2026-03-01T10:00:00Z",
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_layout(tmp_path, folder, kind, group, packed) -> None:
    place = tmp_path / "model" / folder
    place.mkdir(parents=True)
    (place / "0-iteration.csv").write_text(table())
    (tmp_path / "model" / "sagemaker.log").write_text("not a simulation")
    source = tmp_path / "model"
    if packed:
        source = tmp_path / "model.tar.gz"
        with tarfile.open(source, "w:gz") as tar:
            tar.add(tmp_path / "model", "wrapped")
    logs = read_logs(source)
    assert list(logs) == [kind]
    assert logs[kind].group.tolist() == [group] * 3
    assert logs[kind].worker[0] == (1 if folder.startswith("1/") else 0)


def test_continuous_actions_and_a_line_cut_short(tmp_path) -> None:
    text = "\n".join([",".join(COLUMNS), line(0, 1), line(0, 2, action="[12.5 1.1]"), "0,3,1.0"])
    (tmp_path / "log.csv").write_text(text)
    log = read_logs(tmp_path / "log.csv")["training"]
    assert log.action.tolist() == [-1, -1] and len(log.x) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no column 'episode'"),
        ("a,b\n1,2\n", r"has no column 'episode' in its first line"),
        (table().replace("0.25", "abc", 1), r"0-iteration.csv line 2: reward is 'abc', not a number"),
        (table().replace("0.25", "nan", 1), r"line 2: reward is 'nan', not a number"),
        (table() + "0,4\n", r"line 5 has 2 values instead of 17: remove the line"),
        (",".join(COLUMNS) + "\n", r"its logs hold no step yet"),
    ],
)
def test_a_broken_log_is_one_line(tmp_path, text, message) -> None:
    (tmp_path / "training-simtrace").mkdir()
    (tmp_path / "training-simtrace" / "0-iteration.csv").write_text(text)
    with pytest.raises(RunError, match=message) as refused:
        read_logs(tmp_path)
    assert "\n" not in str(refused.value)


def test_what_is_no_log_is_one_line(tmp_path) -> None:
    (tmp_path / "junk.tar.gz").write_bytes(b"junk")
    (tmp_path / "empty.log").write_text("nothing\n")
    for name, message in (
        ("nowhere", "no log at"),
        (".", "has no logs: what is looked for"),
        ("junk.tar.gz", "cannot be unpacked"),
        ("empty.log", "has no SIM_TRACE_LOG: lines"),
    ):
        with pytest.raises(RunError, match=message) as refused:
            read_logs(tmp_path / name)
        assert "\n" not in str(refused.value)


def test_analysis_draws_everything_and_says_what(ring_run, copy_of, tmp_path) -> None:
    run = copy_of(ring_run)
    evaluate(run.path, physics="single_track", trials=2, laps=1, log=True)
    result = CliRunner().invoke(app, ["analyze", str(run.path), "--compare", str(ring_run.path), "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["track"] == "ring"
    assert said["evaluation"]["all"]["laps"] == 1 and said["evaluation"]["all"]["off_tracks"] == 1
    assert said["training"]["all"]["episodes"] == sum(g["episodes"] for g in said["training"]["groups"])
    names = {Path(name).name for name in said["pictures"]}
    assert names >= {
        *("training_iterations.png", "training_lines.png", "training_laps.png", "training_actions.png"),
        *("training_off_track.png", "evaluation_lines.png", "evaluation_laps.png", "compare.png"),
    }
    assert all(Path(name).read_bytes().startswith(b"\x89PNG") for name in said["pictures"])
    assert {Path(name).parent for name in said["pictures"]} == {run.path / "analysis"}
    text = CliRunner().invoke(app, ["analyze", str(run.path), "--out", str(tmp_path / "out")])
    assert text.exit_code == 0 and all(word in text.stdout for word in ("iteration", "evaluation"))


def test_an_unknown_track_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.csv").write_text(table())
    result = CliRunner().invoke(app, ["analyze", "one.csv"])
    assert result.exit_code == 0 and "give --track" in result.stderr
    with pytest.raises(
        RunError, match=r"no built-in track is the 17.71 m long one of this log: give --track"
    ):
        road_of(open_log("one.csv"), None)


def test_another_track_than_the_log_s_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.csv").write_text(table())
    for arguments in (["analyze", "one.csv"], ["replay", "one.csv", "--reward", "center_line"]):
        result = CliRunner().invoke(app, [*arguments, "--track", "oval"])
        assert isinstance(result.exception, RunError)
        assert "one.csv was driven on a track of 17.71 m, and oval has" in str(result.exception)


def test_a_track_that_the_log_names_and_we_have_not_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "".join(f"SIM_TRACE_LOG:{row}\n" for row in table().splitlines()[1:])
    (tmp_path / "a-simulation.log").write_text(" * /WORLD_NAME: reinvent_base\n" + lines)
    result = CliRunner().invoke(app, ["analyze", "a-simulation.log"])
    assert result.exit_code == 0 and "on reinvent_base" in result.stdout
    assert "reinvent_base is no built-in track, so it is not drawn: give --track" in result.stderr


def test_no_figure_of_a_table_is_cut_off(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "evaluation-20220709200711-of-my-best-model"
    place = tmp_path / "logs" / name / "evaluation-simtrace"
    place.mkdir(parents=True)
    (place / "0-iteration.csv").write_text(table())
    result = CliRunner().invoke(app, ["analyze", "logs"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert "\N{HORIZONTAL ELLIPSIS}" not in result.stdout and "lap s" in result.stdout


def test_a_replay_pays_what_training_paid(discrete_run, inputs) -> None:
    log = open_log(discrete_run.path)
    rewards = pay(log, road_of(log, None), inputs / "mine.py")
    assert log.reward.any()
    np.testing.assert_allclose(rewards.paid, log.reward, atol=1e-9)


@pytest.mark.parametrize("folder", ["drfc_single_worker", "drfc_multi_worker_sample"])
def test_a_replay_pays_what_the_original_paid(deepracer_data, tmp_path, folder) -> None:
    file = tmp_path / "centre.py"
    file.write_text(CENTRE_LINE)
    log = open_log(deepracer_data / "logs" / folder, "training")
    rewards = pay(log, load_track(deepracer_data / "tracks" / "reinvent_base.npy"), file)
    np.testing.assert_array_equal(rewards.paid, log.reward)


def test_params_are_those_of_the_log(deepracer_data) -> None:
    track = load_track(deepracer_data / "tracks" / "reinvent_base.npy")
    log = open_log(deepracer_data / "logs" / "drfc_single_worker", "evaluation")
    one = log.one(pick(log, None))
    seen = params_of(one, make_routes([track]))
    assert all(params.keys() == PARAMS.keys() for params in seen)
    for name, logged in (
        *(("x", one.x), ("y", one.y), ("heading", one.yaw), ("speed", one.speed), ("steps", one.steps)),
        *(("steering_angle", one.steering), ("progress", one.progress), ("track_length", one.track_length)),
    ):
        np.testing.assert_allclose([params[name] for params in seen], logged, atol=1e-9)
    assert all(
        w in params["closest_waypoints"] for params, w in zip(seen, one.waypoint.tolist(), strict=True)
    )


def test_a_lap_against_the_rows_is_replayed_so(discrete_run) -> None:
    log = open_log(discrete_run.path)
    routes = make_routes([road_of(log, None)])
    moved = [k for k in range(log.num_episodes) if log.one(k).progress.max() > 3.0]
    reverse = {params_of(log.one(k), routes)[-1]["is_reversed"] for k in moved}
    assert reverse == {True, False}
    for k in moved:
        one = log.one(k)
        near = [p["closest_waypoints"] for p in params_of(one, routes)]
        assert all(w in pair for pair, w in zip(near, one.waypoint.tolist(), strict=True))


def test_the_video_follows_the_log(ring_run, copy_of, tmp_path) -> None:
    import imageio_ffmpeg

    run = copy_of(ring_run)
    evaluate(run.path, physics="single_track", trials=1, laps=1, direction="ccw", log=True)
    film, plot = tmp_path / "lap.mp4", tmp_path / "rewards.png"
    arguments = ["--kind", "evaluation", "--video", film, "--reward", "center_line", "--plot", plot, "--json"]
    result = CliRunner().invoke(app, ["replay", str(run.path), *map(str, arguments)])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["track"], said["progress"]) == ("ring", 100.0)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(film))
    assert seconds == pytest.approx(said["time"], abs=0.2) and frames == pytest.approx(
        15 * said["time"], abs=2
    )
    assert said["logged"] == [0.0] and said["paid"][0] > 100
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_recording_is_where_the_log_says(deepracer_data) -> None:
    from hairpin.agents.logs.replay import evenly

    log = open_log(deepracer_data / "logs" / "drfc_single_worker", "training")
    one = log.one(log.best)
    poses, commands = evenly(one)
    assert len(poses) == len(commands) == round(15 * (one.time[-1] - one.time[0])) + 1
    ends = base_poses(one)[[0, -1], :2]
    np.testing.assert_allclose(poses[[0, -1], :2], ends, atol=0.05)
    assert np.hypot(*np.diff(poses[:, :2], axis=0).T).max() < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to do"),
        (["--reward", "center_line", "--episode", "9999"], "has no episode 9999: give one of 0 to"),
        (["--reward", "center_line", "--kind", "races"], "unknown kind 'races'"),
        (
            ["--reward", "center_line", "--kind", "evaluation"],
            "has no log of evaluation: it has",
        ),
        (["--reward", "center_line", "--plot", "x.jpg"], "give a name that ends in .png"),
        (["--video", "x.mp4", "--plot", "x.png"], "give --reward"),
    ],
)
def test_bad_replays_are_refused(continuous_run, arguments, message) -> None:
    result = CliRunner().invoke(app, ["replay", str(continuous_run.path), *arguments])
    assert isinstance(result.exception, RunError) and message in str(result.exception)


def test_a_real_console_archive(deepracer_data, tmp_path) -> None:
    place = tmp_path / "model" / "logs" / "evaluation"
    place.mkdir(parents=True)
    shutil.copyfile(
        deepracer_data / "logs" / "console_evaluation_robomaker.log",
        place / "evaluation-20220612083508-abc-robomaker.log",
    )
    analysis = analyze(
        tmp_path / "model", track=deepracer_data / "tracks" / "reinvent_base.npy", out=tmp_path / "out"
    )
    assert analysis.totals["evaluation"].laps == 3
    assert (tmp_path / "out" / "evaluation_laps.png").exists()
