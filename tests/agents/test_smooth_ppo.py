"""PPO held to smooth steering: its pairs, its terms, and that they do what they are for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from hairpin.agents import RunError, TrainConfig, resume, train
from hairpin.agents.config import plan
from hairpin.agents.learner import make_env, new_model
from hairpin.agents.presets import PRESETS
from hairpin.agents.smooth_ppo import SmoothPPO


@pytest.fixture
def smooth(monkeypatch):
    """Makes the preset "smooth": "tiny" with weights."""

    def make(temporal: float, spatial: float) -> str:
        preset = dataclasses.replace(PRESETS["tiny"], caps=(temporal, spatial), randomization="none")
        monkeypatch.setitem(PRESETS, "smooth", preset)
        return "smooth"

    return make


def learner(config: TrainConfig) -> SmoothPPO:
    planned = plan(config)
    model = new_model(planned, make_env(planned), seed=0)
    assert isinstance(model, SmoothPPO)
    return model


def test_minibatches_are_pairs_and_take_each_step_once(smooth) -> None:
    model = learner(TrainConfig(track="oval", preset=smooth(1.0, 0.0)))
    batches = list(model._minibatches())
    for steps, cars in batches:
        assert len(steps) == len(cars) == 64
        assert (steps[32:] == steps[:32] + 1).all() and (cars[32:] == cars[:32]).all()
    taken = [pair for steps, cars in batches for pair in zip(steps.tolist(), cars.tolist(), strict=True)]
    assert len(taken) == len(set(taken)) >= 31 * 8 - 64


def test_steering_is_the_mean_of_what_the_policy_says(smooth) -> None:
    model = learner(TrainConfig(track="oval", preset=smooth(1.0, 0.0)))
    assert model.steering == (-1.0, -0.5, 0.0, 0.5, 1.0) * 2
    frames = torch.zeros((3, *model.observation_space.shape), dtype=torch.uint8)
    distribution, _ = model._look(frames)
    expected = (distribution.distribution.probs * torch.tensor(model.steering)).sum(dim=1)
    torch.testing.assert_close(model._said(distribution), expected)


def test_a_pair_across_the_end_of_an_episode_does_not_count(smooth) -> None:
    model = learner(TrainConfig(track="oval", preset=smooth(1.0, 0.0)))
    said = torch.tensor([0.0, 0.0, 1.0, 0.5])
    goes_on = np.array([True, True, False, True])
    assert float(model._temporal(said, goes_on)) == pytest.approx(0.125)


@pytest.mark.parametrize("metadata", [False, True])
def test_the_terms_make_the_steering_steadier(smooth, inputs, metadata) -> None:
    changes = []
    for weight in (1e-9, 30.0):
        given = inputs / "continuous.json" if metadata else None
        model = learner(TrainConfig(track="oval", preset=smooth(weight, weight), model_metadata=given))
        with torch.no_grad():
            model.policy.action_net.weight.mul_(100)  # a policy that swings
        model.learn(8 * 32 * 4)
        frames = torch.from_numpy(
            model.rollout_buffer.observations.reshape(-1, *model.observation_space.shape)
        )
        with torch.no_grad():
            changes.append(float(model._said(model._look(frames)[0]).std()))
    assert changes[1] < 0.8 * changes[0]


def test_a_run_goes_on_with_it(tmp_path) -> None:
    run = train(TrainConfig(track="oval", preset="tiny", smooth=2.0, steps=256, out=tmp_path / "run"))
    assert run.settings["settings"]["smooth"] == 2.0
    assert resume(run.path, steps=512).last.steps == 512
    assert plan(TrainConfig(preset="tiny", smooth=2.0)).preset.caps == (2.0, 0.0)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"smooth": -1.0}, "smooth is -1.0: give a weight from 0"),
        ({"smooth": float("nan")}, "smooth is nan: give a weight"),
        ({"smooth": 2.0, "preset": "deepracer"}, "smooth is for PPO with camera frames alone"),
        ({"smooth": 2.0, "model_metadata": "sac.json"}, "smooth is for PPO with camera frames alone"),
    ],
)
def test_it_is_refused_where_it_cannot_be(inputs, settings, text) -> None:
    if "model_metadata" in settings:
        settings = settings | {"model_metadata": inputs / settings["model_metadata"]}
    with pytest.raises(RunError, match=text):
        plan(TrainConfig(**settings))
