"""Going on with a run that was stopped, killed, or broken off: nothing that was learned is lost."""

from __future__ import annotations

import io
import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from learned import leave_half, same, settings_of, weights
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hairpin.agents import RunError, TrainConfig, evaluations_of, open_run, resume, train
from hairpin.agents.config import plan
from hairpin.agents.history import best_verdict, read_episodes
from hairpin.agents.learner import clone_model, continue_model, load_model, make_env
from hairpin.rewards import RewardError
from hairpin.sim import Randomization

#: A process that trains with the preset "fast", which evaluates, and so saves, every 256 steps.
_TRAINING = """
import dataclasses, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells let what runs in the background ignore it
from hairpin.agents.presets import PRESETS
from hairpin.agents.cli.main import main
fast = PRESETS["fast"]
PRESETS["fast"] = dataclasses.replace(fast, num_envs=8, evaluate_every=256, ppo={**fast.ppo, "n_steps": 32})
main()
"""


def test_resume_goes_on_where_it_was(discrete_run, copy_of) -> None:
    run = copy_of(discrete_run)
    before, episodes = weights(run), len(read_episodes(run))
    resumed = resume(run.path, steps=768)
    assert resumed.last.steps == 768 and not same(before, weights(resumed))
    assert [verdict.steps for verdict in evaluations_of(resumed)] == [256, 512, 768]
    assert resumed.settings["settings"]["steps"] == 768
    assert len(read_episodes(resumed)) > episodes
    (folder,) = (run.path / "tensorboard").iterdir()
    events = EventAccumulator(str(folder)).Reload().Scalars("evaluation/laps_per_start")
    assert [event.step for event in events] == [256, 512, 768]


def test_resume_starts_its_episodes_from_other_places(discrete_run, copy_of) -> None:
    run = resume(copy_of(discrete_run).path, steps=768)
    starts = [
        tuple(line.split(",")[2:5])
        for file in (run.path / "training-simtrace").iterdir()
        for line in file.read_text().splitlines()
        if ",prepare," in line
    ]
    assert len(starts) > 20 and len(set(starts)) == len(starts)


def test_resume_keeps_the_scaling_of_rewards_and_a_clone_does_not(discrete_run) -> None:
    planned = plan(settings_of(discrete_run))
    saved = load_model(discrete_run.last.path, "ppo").reward_statistics
    assert saved.count > 500
    for make, count in ((continue_model, saved.count), (clone_model, 1e-4)):
        env = make_env(planned)
        model = make(planned, discrete_run.last.path, env, seed=7)
        assert env.ret_rms.count == pytest.approx(count)
        assert model.seed == 7
        env.close()


def test_resume_keeps_the_best_verdict(discrete_run, copy_of) -> None:
    run = copy_of(discrete_run)
    index = json.loads((run.path / "checkpoints.json").read_text())
    index["best"]["progress"] = 2.9
    (run.path / "checkpoints.json").write_text(json.dumps(index))
    best = best_verdict(run)
    resumed = resume(run.path, steps=768)
    assert best_verdict(resumed) == best
    assert resumed.best.path == run.best.path


def test_sac_gathers_experience_again_before_it_goes_on(sac_run) -> None:
    planned = plan(settings_of(sac_run, track="oval", actions=sac_run.contract.actions, model_metadata=None))
    env = make_env(planned)
    model = continue_model(planned, sac_run.last.path, env, seed=7)
    assert model.learning_starts == 256 + 100
    env.close()


def test_resume_of_a_finished_run_says_so(discrete_run, copy_of, hairpin) -> None:
    run = copy_of(discrete_run)
    before = (run.path / "run.json").read_text()
    code, output, errors = hairpin("train", "--resume", run.path)
    assert (code, output) == (0, f"{run.path}\n")
    assert (
        "is finished: it has trained for 512 of 512 steps; to train on, give more steps (--steps N)" in errors
    )
    assert (run.path / "run.json").read_text() == before


def test_resume_takes_no_other_settings(discrete_run, hairpin) -> None:
    code, output, errors = hairpin(
        "train", "--resume", discrete_run.path, "--seed", 3, "--from", "x", "--num-envs", 8
    )
    assert (code, output) == (2, "")
    assert errors == (
        "error: --resume goes on with the run's own settings: leave out --from, --num-envs, --seed "
        "(only --steps and --reward may change)\n"
    )


def test_resume_without_a_checkpoint_begins_again(discrete_run, copy_of) -> None:
    run = copy_of(discrete_run)
    (run.path / "checkpoints.json").unlink()
    (run.path / "evaluations.jsonl").unlink()
    assert same(weights(resume(run.path)), weights(discrete_run))


def wait_for(condition, process, seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends, "it does not get on"
        time.sleep(0.02)


def start_training(out: Path) -> subprocess.Popen:
    command = [
        sys.executable,
        "-c",
        _TRAINING,
        "train",
        "--track",
        "oval",
        "--num-envs",
        "8",
        "--steps",
        "10000000",  # it must not end by itself, however late the signal comes
        "--out",
        str(out),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def evaluated(out: Path) -> int:
    file = out / "evaluations.jsonl"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path) -> None:
    out = tmp_path / "run"
    process = start_training(out)
    wait_for(lambda: evaluated(out) >= 2, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert errors.endswith(f"stopped and saved; go on with: hairpin train --resume {out}\n")
    assert "Traceback" not in errors
    run = open_run(out)
    saved = run.last.steps
    assert saved >= evaluations_of(run)[-1].steps
    assert resume(out, steps=saved + 256).last.steps == saved + 256


def test_a_kill_loses_at_most_one_interval(tmp_path) -> None:
    out = tmp_path / "run"
    process = start_training(out)
    wait_for(lambda: evaluated(out) >= 3, process)
    process.kill()
    process.communicate()
    run = open_run(out)
    traced = sum(
        len(file.read_text().splitlines()) for file in (out / "training-simtrace").glob("*-iteration.csv")
    )
    saved = run.last.steps
    leave_half(out / "training-simtrace" / "9-iteration.csv")
    assert saved >= evaluations_of(run)[-1].steps >= 768
    assert traced < saved + 512  # one interval, and the round that was under way
    steps = [verdict.steps for verdict in evaluations_of(resume(out, steps=saved + 256))]
    assert steps == sorted(set(steps)) and steps[-1] == saved + 256
    assert not [file for file in out.rglob(".*")]


BREAKS = """
calls = 0

def reward_function(params):
    global calls
    calls += 1
    return 1.0 / (38 - calls)  # each car has globals of its own
"""


def test_a_reward_that_fails_is_one_line_and_what_was_learned_is_saved(tmp_path, hairpin) -> None:
    file, out = tmp_path / "mine.py", tmp_path / "run"
    file.write_text(BREAKS)
    code, output, errors = hairpin(
        "train", "--track", "oval", "--preset", "tiny", "--steps", 512, "--reward", file, "--out", out
    )
    assert (code, output) == (2, "")
    error, note = errors.splitlines()[-2:]
    assert error.startswith(f"error: {file}:7: ZeroDivisionError") and "Traceback" not in errors
    assert note.endswith(f" steps is saved; mend that, then go on with: hairpin train --resume {out}")
    run = open_run(out)
    saved = run.last.steps
    assert 296 <= saved <= 304

    file.write_text("def reward_function(params)\n    return 1.0\n")
    with pytest.raises(RewardError, match="expected ':'"):  # mended wrongly: not the old one instead
        resume(out)

    file.write_text("def reward_function(params):\n    return 1.0\n")
    code, output, errors = hairpin("train", "--resume", out, "--steps", saved + 256)
    assert code == 0, errors
    assert f"the reward is not the one that the run began with: going on with {file} as it is now" in errors
    mended = open_run(out)
    assert mended.last.steps == saved + 256
    assert (out / "reward_function.py").read_text() == file.read_text()
    assert mended.contract.reward.digest == mended.settings["reward"]["digest"] != run.contract.reward.digest
    assert mended.settings["earlier_rewards"] == [run.settings["reward"]]


def test_a_reward_that_is_gone_is_replaced_by_the_runs_copy(inputs, tmp_path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def other(params):\n    return 1.0\n")
    run = train(
        TrainConfig(track="oval", preset="tiny", reward=f"{file}:other", steps=256, out=tmp_path / "run")
    )
    file.unlink()
    log = io.StringIO()
    resumed = resume(run.path, steps=512, console=Console(file=log, width=500))
    assert f"{file} is gone: going on with the run's copy" in log.getvalue()
    assert resumed.last.steps == 512 and resumed.settings["reward"] == run.settings["reward"]


def test_a_reward_from_python_is_given_again(tmp_path) -> None:
    def mine(params):
        return math.cos(params["heading"])

    run = train(TrainConfig(track="oval", preset="tiny", reward=mine, steps=256, out=tmp_path / "run"))
    with pytest.raises(RunError, match=r"was given from Python: give it again \(reward=, --reward\)"):
        resume(run.path, steps=512)
    assert resume(run.path, steps=512, reward=mine).last.steps == 512


def test_broken_weights_are_not_saved(discrete_run, copy_of, monkeypatch) -> None:
    run = copy_of(discrete_run)

    def explode(model) -> None:
        with torch.no_grad():
            next(model.policy.parameters()).fill_(float("nan"))
        raise ValueError("nan")

    monkeypatch.setattr("stable_baselines3.PPO.train", explode)
    with pytest.raises(ValueError, match="nan"):
        resume(run.path, steps=768)
    assert same(weights(open_run(run.path)), weights(discrete_run))


def test_a_run_with_ranges_of_its_own_resumes(tmp_path) -> None:
    ranges = Randomization(friction=(0.5, 1.0), styles=2)
    config = TrainConfig(track="oval", preset="tiny", steps=256, randomization=ranges, out=tmp_path / "run")
    run = train(config)
    assert resume(run.path, steps=512).last.steps == 512
