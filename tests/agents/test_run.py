"""Run folders: what is in them, and that a kill leaves nothing half."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from learned import leave_half

from hairpin.agents import RunError, TrainConfig, evaluations_of, open_run
from hairpin.agents.config import plan
from hairpin.agents.contract import make_contract, make_metadata
from hairpin.agents.files import remove_unfinished, write_atomically, write_json
from hairpin.agents.history import add_evaluation, best_verdict, read_episodes
from hairpin.agents.run import create_run, save_checkpoint
from hairpin.edge.contract import read_model_metadata
from hairpin.sim.trace import COLUMNS
from hairpin.tracks import load_track

ROOT = Path(__file__).parents[2]


def new_run(out, **settings):
    planned = plan(TrainConfig(track="oval", out=out, **settings))
    return create_run(planned, make_contract(planned), make_metadata(planned))


def test_the_layout_is_complete(discrete_run, inputs) -> None:
    path = discrete_run.path
    settings = json.loads((path / "run.json").read_text())
    assert settings["settings"]["seed"] == 1 and settings["settings"]["steps"] == 512
    assert settings["versions"]["stable_baselines3"] and settings["versions"]["hairpin"]
    assert settings["reward"]["ref"] == f"{inputs / 'mine.py'}:reward_function"
    assert settings["reward"]["digest"] == settings["contract"]["reward"]["digest"]
    assert (path / "reward_function.py").read_text() == (inputs / "mine.py").read_text()
    assert np.array_equal(np.load(path / "track.npy"), load_track("oval").waypoints)
    assert discrete_run.track.name == "oval" and discrete_run.track.digest == load_track("oval").digest
    metadata = read_model_metadata(path / "model" / "model_metadata.json")
    assert metadata.actions == discrete_run.contract.actions
    assert sorted(p.name for p in path.iterdir() if not p.name.startswith("evaluation-")) == [
        *("checkpoints", "checkpoints.json", "evaluations.jsonl", "ip", "metrics", "model"),
        *("reward_function.py", "run.json", "tensorboard", "track.npy", "training-simtrace"),
    ]


def test_the_commit_is_the_sources_own(discrete_run) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if head.returncode:
        pytest.skip("not a git checkout")
    assert (discrete_run.settings["git_commit"] or "").removesuffix("-dirty") == head.stdout.strip()


def test_traces_hold_every_finished_episode(discrete_run) -> None:
    folder = discrete_run.path / "training-simtrace"
    files = sorted(folder.iterdir(), key=lambda p: int(p.name.partition("-")[0]))
    assert [p.name for p in files] == [f"{i}-iteration.csv" for i in range(len(files))]
    numbers = []
    for file in files:
        header, *rows = (line.split(",") for line in file.read_text().splitlines())
        assert tuple(header) == COLUMNS
        assert {row[header.index("done")] for row in rows} == {"True", "False"}
        numbers += [int(row[0]) for row in rows]
    assert sorted(set(numbers)) == list(range(max(numbers) + 1))
    episodes = read_episodes(discrete_run)
    assert episodes[:, 0].tolist() == sorted(set(numbers))
    assert 0.0 < episodes[:, 2].max() < 100.0


def test_tensorboard_reads_the_learning_curves(discrete_run) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder,) = (discrete_run.path / "tensorboard").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    assert {"rollout/ep_rew_mean", "train/loss", "evaluation/laps_per_start"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("evaluation/laps_per_start")] == [256, 512]


def test_best_and_last_are_kept_and_nothing_else(tmp_path) -> None:
    run = new_run(tmp_path / "run")
    with pytest.raises(RunError, match="has no checkpoint yet"):
        _ = run.last
    for steps, best in ((10, {"progress": 1.0}), (20, None), (30, {"progress": 2.0}), (40, None), (50, None)):
        save_checkpoint(run, steps, lambda file, text=str(steps): file.write_text(text), best=best)
    assert (run.last.steps, run.last.path.read_text()) == (50, "50")
    assert (run.best.steps, run.best.path.read_text()) == (30, "30")
    assert run.best.found == {"progress": 2.0}
    assert sorted(p.name for p in (run.path / "checkpoints").iterdir()) == ["000000030.zip", "000000050.zip"]


def test_a_write_that_fails_leaves_the_former_checkpoint_in_force(tmp_path) -> None:
    run = new_run(tmp_path / "run")
    save_checkpoint(run, 10, lambda file: file.write_text("good"), best={})

    def broken(file: Path) -> None:
        file.write_text("half")
        raise OSError("disk full")

    for steps in (10, 20):
        with pytest.raises(OSError, match="disk full"):
            save_checkpoint(run, steps, broken, best={})
    assert (run.last.steps, run.last.path.read_text()) == (10, "good")
    assert [p.name for p in (run.path / "checkpoints").iterdir()] == ["000000010.zip"]


def test_what_a_kill_left_unfinished_is_removed(tmp_path) -> None:
    run = new_run(tmp_path / "run")
    (run.path / "checkpoints" / ".000000010-4711.zip").write_text("half")
    save_checkpoint(run, 20, lambda file: file.write_text("good"), best=None)
    assert [p.name for p in (run.path / "checkpoints").iterdir()] == ["000000020.zip"]


def test_only_what_kills_left_is_removed(tmp_path) -> None:
    names = ("run.json", ".hidden", ".notes-2024.txt", "a-17.csv", "logs/3-iteration.csv")
    kept = [tmp_path / name for name in names]
    (tmp_path / "logs").mkdir()
    for file in kept:
        file.write_text("")
    left = [leave_half(tmp_path / "run.json"), leave_half(tmp_path / "logs" / "1-iteration.csv")]
    assert all(file.is_file() for file in left)
    remove_unfinished(tmp_path)
    assert sorted(file for file in tmp_path.rglob("*") if file.is_file()) == sorted(kept)


def test_files_are_readable_by_others_as_the_umask_says(tmp_path) -> None:
    (tmp_path / "plain").touch()
    write_json(tmp_path / "a.json", {})
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_write_is_synced_before_it_replaces(tmp_path, monkeypatch) -> None:
    order = []
    monkeypatch.setattr("os.fsync", lambda _: order.append("sync"))
    monkeypatch.setattr(Path, "replace", lambda *_: order.append("replace"))
    write_atomically(tmp_path / "a", lambda file: file.write_text("a"))
    assert order == ["sync", "replace"]


def test_a_folder_in_use_is_refused(tmp_path) -> None:
    run = new_run(tmp_path / "run")
    with pytest.raises(RunError, match=r"exists and is not empty: give another --out, or --resume"):
        new_run(run.path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(RunError, match=r"exists and is not empty: give another --out$"):
        new_run(tmp_path / "other")
    with pytest.raises(RunError, match="file exists and is not empty"):
        new_run(tmp_path / "other" / "file")
    with pytest.raises(RunError, match="cannot be made"):
        new_run(tmp_path / "other" / "file" / "run")


def test_runs_are_numbered_by_track(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs/oval-wide-007").mkdir(parents=True)
    Path("runs/oval-x").mkdir()
    assert [str(new_run(None).path) for _ in range(2)] == ["runs/oval-001", "runs/oval-002"]
    with pytest.raises(RunError, match="the runs here are runs/oval-001, runs/oval-002"):
        open_run("runs/oval-003")


def test_a_broken_index_is_refused(discrete_run, copy_of) -> None:
    run = copy_of(discrete_run)
    for text in (
        "{",
        "3",
        '{"last": 5}',
        '{"last": {"steps": 5}}',
        '{"last": {"name": "a.zip", "steps": "x"}}',
    ):
        (run.path / "checkpoints.json").write_text(text)
        with pytest.raises(RunError, match=r"checkpoints.json"):
            _ = run.last


def test_evaluations_are_listed_in_order(discrete_run, copy_of) -> None:
    run = copy_of(discrete_run)
    verdicts = evaluations_of(run)
    assert [verdict.steps for verdict in verdicts] == [256, 512]
    assert best_verdict(run) == max(verdicts, key=lambda verdict: verdict.rank)
    add_evaluation(run, verdicts[0])
    assert evaluations_of(run) == [*verdicts, verdicts[0]]
    (run.path / "evaluations.jsonl").write_text('{"steps": 1')
    with pytest.raises(RunError, match=r"evaluations.jsonl cannot be read"):
        evaluations_of(run)
