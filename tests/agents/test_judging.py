"""Evaluations beside the training: of the policy as it was, given up at once when asked to."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
import torch
from learned import same, weights

from hairpin.agents import TrainConfig, evaluations_of, train
from hairpin.agents.config import plan
from hairpin.agents.gate import Gate, Verdict
from hairpin.agents.judging import Judge
from hairpin.agents.learner import load_model
from hairpin.agents.presets import PRESETS
from hairpin.sim.randomize import MILD


class Watched:
    """A gate that tells what it is asked to judge, and waits until it may answer."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.said = np.zeros(0)

    def judge(self, act, steps):
        self.go.wait(10)
        self.said = act(np.full((1, *self.shape), 7, np.uint8))
        return steps

    def abandon(self) -> None:
        self.go.set()


@pytest.mark.parametrize("run", ["discrete_run", "continuous_run", "sac_run"])
def test_what_is_learned_meanwhile_does_not_count(run, request, tmp_path) -> None:
    run = request.getfixturevalue(run)
    model = load_model(run.last.path, run.contract.algorithm)
    gate = Watched()
    gate.shape = run.contract.observation.shape
    judge = Judge(gate)
    model.num_timesteps = 77
    judge.begin(model)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.zero_()
    assert judge.busy and judge.take(wait=False) is None
    gate.go.set()
    judged = judge.take(wait=True)
    assert judged.verdict == 77 and not judge.busy and judge.take(wait=True) is None
    (tmp_path / "copy.zip").write_bytes(judged.checkpoint)
    copy = load_model(tmp_path / "copy.zip", run.contract.algorithm)
    assert same(copy.policy.state_dict(), weights(run))
    from hairpin.agents.head import act_with

    np.testing.assert_array_equal(gate.said, act_with(copy)(np.full((1, *gate.shape), 7, np.uint8)))
    judge.close()


def test_an_evaluation_is_given_up_at_once(ring_run) -> None:
    planned = plan(
        TrainConfig(track=ring_run.track, model_metadata=ring_run.path / "model/model_metadata.json")
    )
    judge = Judge(Gate(planned.judged))
    judge.begin(load_model(ring_run.best.path, "ppo"))
    judge.close()
    with pytest.raises(InterruptedError):
        judge.take(wait=True)


def test_its_errors_are_the_training_s(inputs, tmp_path, monkeypatch) -> None:
    def broken(self, act, steps):
        raise ValueError("the gate is broken")

    monkeypatch.setattr(Gate, "judge", broken)
    with pytest.raises(ValueError, match="the gate is broken"):
        train(TrainConfig(track="oval", preset="tiny", steps=512, out=tmp_path / "run"))


def test_the_same_seed_gives_the_same_run(inputs, tmp_path) -> None:
    settings = {"track": "oval", "preset": "tiny", "steps": 768, "seed": 3}
    first, second = (train(TrainConfig(out=tmp_path / name, **settings)) for name in "ab")
    assert evaluations_of(first) == evaluations_of(second)
    assert same(weights(first), weights(second)) and first.last.steps == second.last.steps


def test_who_trains_for_another_car_is_judged_in_that_one() -> None:
    for name, judged in (("deepracer", (0.62, 0.76)), ("mild", None)):
        gate = Gate(plan(TrainConfig(track="oval", randomization=name)).judged)
        for world in gate._nominal:
            assert world.config.randomization.steering_gain == judged
        for world in gate._confirming:
            assert world.config.randomization.steering_gain == (judged or MILD.steering_gain)


@pytest.mark.parametrize(
    ("steps", "later"), [(None, [2304, 2816, 3328, 3840, 4096]), (2816, [2304, 2560, 2816])]
)
def test_evaluations_thin_out_where_they_may_end_the_training(steps, later, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Gate, "judge", lambda self, act, at: Verdict(at, False, False, 0.0, None))
    monkeypatch.setitem(PRESETS, "tiny", dataclasses.replace(PRESETS["tiny"], steps=4096))
    run = train(TrainConfig(track="oval", preset="tiny", steps=steps, out=tmp_path / "run"))
    assert [verdict.steps for verdict in evaluations_of(run)] == [*range(256, 2049, 256), *later]
