"""Small trainings that the tests of this package share."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from hairpin.agents import Run, TrainConfig, open_run, train
from hairpin.agents.cli.main import main
from hairpin.agents.gate import Verdict
from hairpin.agents.learner import load_model, save_model
from hairpin.agents.presets import PRESETS
from hairpin.agents.run import save_checkpoint
from hairpin.edge.cli import main as car
from hairpin.tracks import Track, save_track

REWARD = (
    "def reward_function(params):\n"
    "    return 1.0 - abs(params['distance_from_center']) / params['track_width']\n"
)
CONTINUOUS = {
    "action_space": {"speed": {"high": 2, "low": 1}, "steering_angle": {"high": 30, "low": -30}},
    "sensor": ["FRONT_FACING_CAMERA"],
    "neural_network": "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
    "training_algorithm": "clipped_ppo",
    "action_space_type": "continuous",
    "version": "5",
}
RADIUS = 1.5  # [m]
WHEELBASE = 0.163974  # [m]


@pytest.fixture(scope="session", autouse=True)
def tiny_preset():
    """The preset "tiny": `fast` with so little of everything that a training takes a second."""
    fast = PRESETS["fast"]
    PRESETS["tiny"] = dataclasses.replace(
        fast,
        num_envs=8,
        evaluate_every=256,
        max_steps=60,
        ppo={**fast.ppo, "n_steps": 32, "batch_size": 64, "n_epochs": 2},
        sac={**fast.sac, "buffer_size": 2000, "batch_size": 64, "learning_starts": 100, "gradient_steps": 1},
    )
    yield
    del PRESETS["tiny"]


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """A folder with a reward, model metadata and a circular track."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "mine.py").write_text(REWARD)
    (folder / "continuous.json").write_text(json.dumps(CONTINUOUS))
    sac = CONTINUOUS | {"training_algorithm": "sac"}
    (folder / "sac.json").write_text(json.dumps(sac))
    angle = np.linspace(0, 2 * np.pi, 61)[:, None]
    ring = np.hstack(
        [r * np.hstack([np.cos(angle), np.sin(angle)]) for r in (RADIUS, RADIUS - 0.5, RADIUS + 0.5)]
    )
    ring[-1] = ring[0]
    save_track(Track("ring", ring), folder / "ring.npy")
    return folder


@pytest.fixture(scope="session")
def discrete_run(inputs, tmp_path_factory) -> Run:
    """PPO with discrete actions, 512 steps."""
    out = tmp_path_factory.mktemp("runs") / "discrete"
    return train(
        TrainConfig(track="oval", reward=inputs / "mine.py", preset="tiny", steps=512, seed=1, out=out)
    )


@pytest.fixture(scope="session")
def continuous_run(inputs, tmp_path_factory) -> Run:
    """PPO with the continuous actions of a metadata file, on a track from a file, 256 steps."""
    return train(
        TrainConfig(
            track=inputs / "ring.npy",
            reward=inputs / "mine.py",
            model_metadata=inputs / "continuous.json",
            preset="tiny",
            steps=256,
            out=tmp_path_factory.mktemp("runs") / "continuous",
        )
    )


@pytest.fixture(scope="session")
def sac_run(inputs, tmp_path_factory) -> Run:
    """SAC, with the original simulator's camera, 256 steps."""
    return train(
        TrainConfig(
            track="oval",
            reward=inputs / "mine.py",
            model_metadata=inputs / "sac.json",
            camera="deepracer",
            preset="tiny",
            steps=256,
            out=tmp_path_factory.mktemp("runs") / "sac",
        )
    )


@pytest.fixture(scope="session")
def ring_run(continuous_run, tmp_path_factory) -> Run:
    """A run whose policy steers a constant angle, and so laps on the circular track counter-clockwise."""
    path = tmp_path_factory.mktemp("runs") / "ring"
    shutil.copytree(continuous_run.path, path)
    run = open_run(path)
    model = load_model(run.last.path, "ppo")
    steering = np.degrees(np.arctan(WHEELBASE / RADIUS))
    with torch.no_grad():
        model.policy.action_net.weight.zero_()
        model.policy.action_net.bias.copy_(torch.tensor([steering / 30.0, -1.0]))
    verdict = Verdict(steps=300, passed=True, confirmed=True, progress=3.0, mean_lap=9.5)
    save_checkpoint(run, 300, lambda file: save_model(model, file), best=verdict.to_dict())
    return open_run(path)


@pytest.fixture
def copy_of(tmp_path):
    """Makes a copy of a run that a test may break, without the evaluations that other tests logged in it."""

    def copy(run: Run, name: str = "copy") -> Run:
        ignore = shutil.ignore_patterns("evaluation-*", "EvaluationMetrics-*")
        shutil.copytree(run.path, tmp_path / name, ignore=ignore)
        return open_run(tmp_path / name)

    return copy


def command(name, main, monkeypatch, capfd):
    """Runs a command in this process; gives exit status, standard output and standard error."""

    def run(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", [name, *map(str, arguments)])
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        output, errors = capfd.readouterr()
        return (code if isinstance(code, int) else 0), output, errors

    return run


@pytest.fixture
def hairpin(monkeypatch, capfd):
    """Runs `hairpin`; gives exit status, standard output and standard error."""
    return command("hairpin", main, monkeypatch, capfd)


@pytest.fixture
def hairpin_car(monkeypatch, capfd):
    """Runs `hairpin-car`; gives exit status, standard output and standard error."""
    return command("hairpin-car", car, monkeypatch, capfd)
