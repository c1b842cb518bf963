"""The preset "deepracer": exploration, losses, SAC, and a training that is killed, all at tiny sizes."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch.nn import functional

from hairpin.agents import TrainConfig, open_run, resume, train
from hairpin.agents.config import plan
from hairpin.agents.episodes import Episode, join
from hairpin.agents.hyperparameters import Hyperparameters
from hairpin.agents.learner import load_model, make_env, new_model
from hairpin.agents.presets import PRESETS
from hairpin.edge.contract import ContinuousActions, DiscreteActions, ModelMetadata

DEEP = "DEEP_CONVOLUTIONAL_NETWORK_DEEP"
DISCRETE = ModelMetadata(DiscreteActions(((-30, 1), (0, 1), (30, 1), (0, 2))), network=DEEP)
CONTINUOUS = ModelMetadata(ContinuousActions((-30, 1), (30, 2)), network=DEEP, algorithm="sac")
TINY = {"batch_size": 16, "num_epochs": 1, "num_episodes_between_training": 1}


@pytest.fixture
def files(tmp_path):
    """Metadata and hyperparameters as files; gives what they are called in TrainConfig."""

    def write(metadata=DISCRETE, **values):
        (tmp_path / "model_metadata.json").write_text(metadata.to_json())
        (tmp_path / "hyperparameters.json").write_text(json.dumps({**TINY, **values}))
        return {
            "model_metadata": tmp_path / "model_metadata.json",
            "hyperparameters": tmp_path / "hyperparameters.json",
        }

    return write


def learner(**values):
    planned = plan(
        TrainConfig(
            preset="deepracer",
            actions=DISCRETE.actions,
            num_envs=1,
            hyperparameters=Hyperparameters(**{**TINY, **values}),
        )
    )
    planned = dataclasses.replace(planned, preset=dataclasses.replace(planned.preset, network=DEEP))
    env = make_env(planned)
    model = new_model(planned, env, seed=0)
    env.close()
    return model


def test_e_greedy_goes_from_anything_to_the_best() -> None:
    model = learner(exploration_type="e-greedy", e_greedy_value=0.1, epsilon_steps=1000)
    frames = torch.randint(0, 255, (20, 1, 120, 160), dtype=torch.uint8)
    with torch.no_grad():
        model.policy.action_net.weight.mul_(1000)  # so that the best one is clear
        best = model.policy.get_distribution(frames).mode()
        actions, _, _ = model.policy(frames)
        for steps, share in ((0, 1.0), (500, 0.55), (1000, 0.1), (5000, 0.1)):
            model.num_timesteps = steps
            drawn = torch.stack([model._explore(actions, frames) for _ in range(25)])
            other = (drawn != best).float().mean()
            assert float(other) == pytest.approx(share * 3 / 4, abs=0.07)  # one in four is the best by luck
            if steps == 0:
                assert torch.bincount(drawn.flatten(), minlength=4).min() > 0.15 * drawn.numel()
        model.epsilon = 0.0
        assert torch.equal(model._explore(actions, frames), best)


@pytest.mark.parametrize("kind", ["huber", "mean squared error"])
def test_the_value_network_learns_by_the_loss_asked_for(kind) -> None:
    model = learner(loss_type=kind)
    frames = np.random.default_rng(0).integers(0, 255, (16, 1, 120, 160), dtype=np.uint8)
    episode = Episode()
    for i, frame in enumerate(frames):
        episode.add(frame, i % 4, 10.0 if i % 2 else 0.01, 0.0, float(np.log(0.25)))
    rollout = join([episode], 0.5, 0.95)
    with torch.no_grad():
        values = model.policy.predict_values(torch.from_numpy(rollout.observations)).flatten()
    returns = torch.from_numpy(rollout.returns)
    loss = functional.huber_loss if kind == "huber" else functional.mse_loss
    found = model._learn_from(rollout, np.arange(16))
    assert found[1] == pytest.approx(float(loss(values, returns)), rel=1e-4)
    huber = torch.where(
        (values - returns).abs() < 1, (values - returns) ** 2 / 2, (values - returns).abs() - 0.5
    )
    assert (found[1] == pytest.approx(float(huber.mean()), rel=1e-4)) == (kind == "huber")
    for _ in range(30):
        later = model._learn_from(rollout, np.arange(16))
    assert later[1] < 0.7 * found[1]


def test_sac_learns_resumes_and_keeps_its_temperature(tmp_path, files, monkeypatch) -> None:
    preset = PRESETS["deepracer"]
    small = {**preset.sac, "buffer_size": 200, "learning_starts": 20, "gradient_steps": 1}
    monkeypatch.setitem(PRESETS, "deepracer", dataclasses.replace(preset, sac=small, evaluate_every=40))
    settings = files(CONTINUOUS, sac_alpha=0.3)
    run = train(
        TrainConfig(track="oval", preset="deepracer", steps=60, num_envs=2, out=tmp_path / "run", **settings)
    )
    assert run.contract.algorithm == "sac" and run.last.steps == 60
    resumed = resume(run.path, steps=90)
    assert resumed.last.steps == 90
    model = load_model(resumed.last.path, "sac")
    assert float(model.ent_coef_tensor) == pytest.approx(0.3)
    assert model._n_updates > 0 and all(torch.isfinite(w).all() for w in model.policy.parameters())


_TRAINING = """
import dataclasses
from hairpin.agents.presets import PRESETS
from hairpin.agents.cli.main import main
preset = PRESETS["deepracer"]
PRESETS["deepracer"] = dataclasses.replace(preset, evaluate_every=20, num_envs=2, max_steps=40)
main()
"""


def test_a_killed_training_goes_on(tmp_path, files) -> None:
    settings = files(exploration_type="e-greedy", loss_type="huber")
    out = tmp_path / "run"
    options = [
        *("--preset", "deepracer", "--model-metadata", str(settings["model_metadata"])),
        *("--hyperparameters", str(settings["hyperparameters"]), "--track", "oval", "--out", str(out)),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", _TRAINING, "train", *options, "--steps", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 120
    lines = out / "evaluations.jsonl"
    while not lines.exists() or len(lines.read_text().splitlines()) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.05)
    process.kill()
    process.communicate()
    run = open_run(out)
    saved = run.last.steps
    assert saved >= json.loads(lines.read_text().splitlines()[-1])["steps"]
    again = subprocess.run(
        [sys.executable, "-c", _TRAINING, "train", "--resume", str(out), "--steps", str(saved + 40)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert again.returncode == 0, again.stderr
    resumed = open_run(out)
    assert resumed.last.steps >= saved + 40
    assert json.loads((out / "ip/hyperparameters.json").read_text())["exploration_type"] == "e-greedy"
    assert not list(out.rglob(".0*"))
