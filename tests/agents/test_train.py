"""Training: it ends when it should, repeats itself, and nothing that was learned is lost."""

from __future__ import annotations

import dataclasses
import importlib
import io
from pathlib import Path

import pytest
import torch
from learned import same, settings_of, weights
from rich.console import Console
from stable_baselines3 import PPO

import hairpin.agents
from hairpin.agents import RunError, TrainConfig, evaluations_of, open_run, resume, train
from hairpin.agents.config import plan
from hairpin.agents.evaluation import open_subject
from hairpin.agents.gate import Gate, Verdict, enough
from hairpin.agents.learner import load_model
from hairpin.agents.training import seed_of
from hairpin.rewards import RewardError


def test_the_functions_are_no_modules_whatever_was_imported_before() -> None:
    for file in Path(hairpin.agents.__file__).parent.glob("*.py"):
        importlib.import_module(f"hairpin.agents.{file.stem}")
    for name in hairpin.agents.__all__:
        assert callable(getattr(hairpin.agents, name)), name


def test_training_goes_on_for_the_steps_asked_for(discrete_run) -> None:
    assert discrete_run.last.steps == 512
    assert [verdict.steps for verdict in evaluations_of(discrete_run)] == [256, 512]


def test_steps_are_rounded_up_to_whole_rounds(tmp_path) -> None:
    run = train(TrainConfig(track="oval", preset="tiny", steps=10, out=tmp_path / "run"))
    assert run.last.steps == 256


def test_a_seed_repeats_whatever_the_number_of_threads(tmp_path) -> None:
    before, runs = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            runs.append(
                train(TrainConfig(track="oval", preset="fast", steps=2048, out=tmp_path / str(threads)))
            )
    finally:
        torch.set_num_threads(before)
    assert same(*map(weights, runs))


def test_training_ends_when_the_policy_laps(tmp_path, monkeypatch) -> None:
    def judge(gate, act, steps) -> Verdict:
        laps = steps >= 512
        return Verdict(steps, laps, laps, 3.0 if laps else 1.0, 9.0 if laps else None)

    monkeypatch.setattr(Gate, "judge", judge)
    run = train(TrainConfig(track="oval", preset="tiny", out=tmp_path / "run"))
    assert run.best.steps == 512
    assert [verdict.confirmed for verdict in evaluations_of(run)] == [False, True]
    log = io.StringIO()
    again = resume(run.path, console=Console(file=log))
    assert again.last.steps == 512
    assert "is finished: after 512 steps its policy does all laps, confirmed" in log.getvalue()


def test_training_goes_on_for_a_while_until_no_wheel_is_out(tmp_path, monkeypatch) -> None:
    def verdict(steps, wheels_out, laps=True) -> Verdict:
        return Verdict(steps, laps, laps, 3.0, 9.0, wheels_out)

    early = [verdict(1000, 0, laps=False), verdict(2000, 7)]
    assert not enough(early, 2000 + 16_383) and enough(early, 2000 + 16_384)
    late = [verdict(30_000, 7), verdict(40_000, 3)]
    assert not enough(late, 59_999) and enough(late, 60_000)
    growing = [verdict(1000 * (i + 1), out) for i, out in enumerate((5, 9, 5, 6))]  # it does not care
    assert enough(growing, 4000) and not enough(growing[:3], 4000)
    assert not enough([*growing[:3], verdict(4000, 4)], 4000)
    assert enough([*early, verdict(3000, 0)], 3000) and not enough(early[:1], 10**6)
    assert max([*early, verdict(3000, 2)], key=lambda v: v.rank).steps == 3000

    monkeypatch.setattr("hairpin.agents.gate._LEAST_EXTRA", 512)
    monkeypatch.setattr(
        Gate, "judge", lambda gate, act, steps: verdict(steps, max(1, 600 - steps), steps >= 512)
    )
    run = train(TrainConfig(track="oval", preset="tiny", out=tmp_path / "run"))
    assert run.last.steps == 1024 and run.best.steps == 768
    assert [v.steps for v in evaluations_of(run)] == [256, 512, 768, 1024]
    assert resume(run.path).last.steps == 1024


def test_the_gate_passes_what_laps_and_confirms_only_what_also_laps_with_other_cars(ring_run) -> None:
    act = open_subject(ring_run.path).act
    for direction, passed in (("ccw", True), ("both", False)):
        gate = Gate(plan(settings_of(ring_run, track=ring_run.track, direction=direction)).world)
        verdict = gate.judge(act, 300)
        gate.close()
        assert (verdict.passed, verdict.confirmed) == (passed, False)  # it steers blindly
        assert (verdict.progress == 3.0) == passed


def test_the_same_seed_gives_the_same_weights(discrete_run, inputs, tmp_path) -> None:
    again, other = (
        train(settings_of(discrete_run, seed=seed, reward=inputs / "mine.py", out=tmp_path / str(seed)))
        for seed in (1, 2)
    )
    assert same(weights(discrete_run), weights(again))
    assert not same(weights(discrete_run), weights(other))
    assert evaluations_of(discrete_run) == evaluations_of(again)


@pytest.mark.parametrize("fixture", ["continuous_run", "sac_run"])
def test_other_action_spaces_and_algorithms_learn(fixture, request) -> None:
    run = request.getfixturevalue(fixture)
    first, last = (load_model(checkpoint.path, run.contract.algorithm) for checkpoint in (run.best, run.last))
    assert last.num_timesteps == run.last.steps == 256
    assert last._n_updates > 0 and first.policy.action_space.shape == (2,)


def test_a_clone_starts_from_its_parents_weights(discrete_run, tmp_path) -> None:
    (tmp_path / "mine.py").write_text("def reward_function(params):\n    raise ValueError\n")
    config = settings_of(
        discrete_run, reward=tmp_path / "mine.py", clone=discrete_run.path, out=tmp_path / "clone"
    )
    with pytest.raises(RewardError):
        train(config)
    clone = open_run(tmp_path / "clone")
    assert clone.last.steps <= 8
    assert same(weights(clone), weights(discrete_run, "best"))

    config = dataclasses.replace(config, reward="center_line", steps=256, out=tmp_path / "second", seed=9)
    second = train(config)
    assert second.last.steps == 256 and [v.steps for v in evaluations_of(second)] == [256]
    assert not same(weights(second), weights(discrete_run, "best"))
    assert PPO.load(second.last.path).seed == seed_of(9, 0)


def test_a_clone_needs_its_parents_contract(discrete_run, continuous_run, tmp_path) -> None:
    for changes, what in (
        ({"camera": "deepracer"}, "frame"),
        ({"actions": continuous_run.contract.actions}, "action space"),
    ):
        config = settings_of(discrete_run, clone=discrete_run.path, out=tmp_path / "clone", **changes)
        with pytest.raises(RunError, match=f"cannot clone .* it has another {what}"):
            train(config)
    with pytest.raises(RunError, match="no run at"):
        train(settings_of(discrete_run, clone=tmp_path / "nowhere", out=tmp_path / "clone"))
    assert not (tmp_path / "clone").exists()


def shown(console: Console, tmp_path: Path) -> str:
    train(TrainConfig(track="oval", preset="tiny", steps=512, out=tmp_path / "run"), console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_log_file_gets_a_line_per_evaluation(tmp_path) -> None:
    lines = shown(Console(file=io.StringIO()), tmp_path).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("training: 2") and lines[1].startswith("training: 512 of 512 steps, ")
    assert all("steps/s, laps 0; " in line and "evaluated: 0." in line for line in lines)
    assert all(line.isascii() for line in lines)


def test_a_terminal_gets_a_bar(tmp_path) -> None:
    text = shown(Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80), tmp_path)
    last = text.split("\r")[-1]
    assert "512 steps" in last and "/s laps 0" in last and "evaluated 0." in last
    assert "…" not in last and text.count("\n") == 1
