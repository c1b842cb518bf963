"""Settings of a training: what they resolve to, and what is refused before anything runs."""

from __future__ import annotations

import dataclasses
import json

import pytest

from hairpin.agents import RunError, TrainConfig
from hairpin.agents.config import plan, to_json
from hairpin.agents.contract import make_contract, make_metadata
from hairpin.edge import ContractError
from hairpin.edge.contract import ContinuousActions, Contract, DiscreteActions
from hairpin.sim import CAMERAS, DEFAULT_ACTIONS, Randomization, SimError
from hairpin.tracks import TrackError, load_track


def test_the_defaults_resolve() -> None:
    planned = plan(TrainConfig())
    assert (planned.algorithm, planned.world.actions) == ("ppo", DEFAULT_ACTIONS)
    assert planned.world.tracks[0].name == "reinvent_2018"
    assert planned.world.physics == "single_track"


@pytest.mark.parametrize("camera", sorted(CAMERAS))
def test_the_frame_is_cropped_to_the_ground(camera) -> None:
    world = plan(TrainConfig(camera=camera)).world
    top, bottom, left, right = world.observation.crop
    assert (bottom, left, right) == (0, 0, 0)
    rays = dataclasses.replace(CAMERAS[camera], width=80, height=60).rays()
    sky = (rays[:, :, 2] >= 0).all(axis=1)
    assert sky[: top + 2].all() and not sky[top + 2 :].any()
    assert world.camera.crop == world.observation.crop


def test_metadata_gives_actions_and_algorithm(inputs) -> None:
    planned = plan(TrainConfig(model_metadata=inputs / "sac.json"))
    assert planned.algorithm == "sac"
    assert planned.world.actions == ContinuousActions((-30.0, 1.0), (30.0, 2.0))
    assert plan(TrainConfig(model_metadata=inputs / "sac.json", algorithm="ppo")).algorithm == "ppo"


def test_the_real_metadata_file(deepracer_data) -> None:
    actions = plan(
        TrainConfig(model_metadata=deepracer_data / "configs" / "model_metadata.json")
    ).world.actions
    assert actions == DiscreteActions(tuple((angle, 0.6) for angle in (-30.0, -15.0, 0.0, 15.0, 30.0)))


def test_the_contract_is_what_was_planned(inputs) -> None:
    planned = plan(
        TrainConfig(track="oval", reward=inputs / "mine.py", model_metadata=inputs / "continuous.json")
    )
    contract = make_contract(planned)
    assert contract == Contract.from_json(contract.to_json())
    assert (contract.observation, contract.actions) == (planned.world.observation, planned.world.actions)
    assert contract.track.digest == load_track("oval").digest
    assert contract.reward.digest == planned.world.reward.digest
    metadata = json.loads(make_metadata(planned).to_json())
    assert metadata["sensor"] == ["FRONT_FACING_CAMERA"] and metadata["action_space_type"] == "continuous"


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"preset": "fats"}, RunError, "unknown preset 'fats': did you mean 'fast'"),
        ({"algorithm": "dqn"}, RunError, "unknown algorithm 'dqn': choose one of ppo, sac"),
        ({"algorithm": "sac"}, RunError, "SAC drives with a continuous action space"),
        ({"steps": 0}, RunError, "steps is 0: give a whole number of at least 1"),
        ({"num_envs": -1}, RunError, "num_envs is -1: give a whole number of at least 1"),
        ({"steps": 2.5}, RunError, "steps is 2.5: give a whole number"),
        ({"num_envs": "8"}, RunError, "num_envs is '8': give a whole number"),
        ({"seed": None}, RunError, "seed is None: give a whole number"),
        ({"smooth": "much"}, RunError, "smooth is 'much': give a weight from 0 to 1000"),
        ({"actions": [(0, 1)]}, SimError, r"actions are \[\(0, 1\)\]: give DiscreteActions"),
        ({"seed": -1}, RunError, "seed is -1: give a whole number of at least 0"),
        ({"camera": "wied"}, SimError, "did you mean 'wide'"),
        ({"physics": "mujoco"}, SimError, "unknown physics 'mujoco'"),
        ({"direction": "up"}, SimError, "unknown direction 'up'"),
        ({"randomization": "wild"}, SimError, "did you mean 'mild'"),
        ({"track": 3}, TrackError, "a track is a name, a file or a Track, not int"),
        ({"model_metadata": "nowhere.json"}, ContractError, "nowhere.json"),
    ],
)
def test_what_is_refused(settings, error, text) -> None:
    with pytest.raises(error, match=text) as refused:
        plan(TrainConfig(**settings))
    assert "\n" not in str(refused.value)


def test_actions_from_two_places(inputs) -> None:
    with pytest.raises(RunError, match="both actions and model_metadata are given"):
        plan(TrainConfig(actions=DEFAULT_ACTIONS, model_metadata=inputs / "sac.json"))


def test_settings_are_written_whatever_they_are(inputs) -> None:
    def mine(params):
        return 1.0

    planned = plan(
        TrainConfig(
            track=load_track("oval"),
            reward=mine,
            actions=ContinuousActions((-20.0, 0.5), (20.0, 1.5)),
            randomization=Randomization(friction=(0.5, 1.0)),
            out=inputs / "run",
        )
    )
    settings = json.loads(json.dumps(to_json(planned)))
    assert settings["track"] == "oval" and settings["reward"].endswith("mine")
    assert settings["randomization"]["friction"] == [0.5, 1.0]
    assert (settings["out"], settings["algorithm"]) == (str(inputs / "run"), "ppo")
