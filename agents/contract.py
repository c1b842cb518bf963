"""The contract of a training run: what its policies will see and say on the car."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any, Final

from hairpin.edge.contract import Contract, Fingerprint, ModelMetadata
from hairpin.tracks import Track

from .config import Plan
from .provenance import versions

#: DeepRacer's default for the episodes of an iteration, which log tools build on.
EPISODES_PER_ITERATION: Final = 20
_LONGEST_NAME: Final = 100


def make_contract(plan: Plan) -> Contract:
    """The contract of a plan's policies."""
    world = plan.world
    assert world.reward is not None
    return Contract(
        observation=world.observation,
        actions=world.actions,
        control_hz=world.control_hz,
        algorithm=plan.algorithm,
        network=plan.preset.network,
        track=fingerprint(world.tracks),
        reward=Fingerprint(world.reward.name, world.reward.digest),
        versions=versions(),
    )


def fingerprint(tracks: Sequence[Track]) -> Fingerprint:
    """One name and digest of all tracks that a policy was trained on."""
    if len(tracks) == 1:
        return Fingerprint(tracks[0].name, tracks[0].digest)
    digests = hashlib.sha256("".join(track.digest for track in tracks).encode())
    return Fingerprint(name_of(tracks), digests.hexdigest())


def name_of(tracks: Sequence[Track]) -> str:
    """What tracks are called together."""
    name = "+".join(track.name for track in tracks)
    return name if len(name) <= _LONGEST_NAME else f"{tracks[0].name[:_LONGEST_NAME]}+{len(tracks) - 1}"


def make_metadata(plan: Plan) -> ModelMetadata:
    """The plan's action space, sensors and algorithm as DeepRacer's file of the same name has them."""
    given = plan.metadata or ModelMetadata(plan.world.actions)
    return dataclasses.replace(
        given,
        actions=plan.world.actions,
        sensors=plan.world.observation.sensors,
        algorithm=plan.algorithm,
    )


def make_hyperparameters(plan: Plan) -> dict[str, Any]:
    """The plan's settings in the words of DeepRacer's `hyperparameters.json`, which log tools read.

    What that file cannot say, such as steps per update or the number of cars, is in `run.json`.
    """
    settings = plan.preset.ppo if plan.algorithm == "ppo" else plan.preset.sac
    named = {
        "batch_size": settings.get("batch_size"),
        "beta_entropy": settings.get("ent_coef") if plan.algorithm == "ppo" else None,
        "discount_factor": settings.get("gamma"),
        "e_greedy_value": 0.05,
        "epsilon_steps": 10000,
        "exploration_type": "categorical",
        "loss_type": "mean squared error",
        "lr": settings.get("learning_rate"),
        "num_episodes_between_training": EPISODES_PER_ITERATION,
        "num_epochs": settings.get("n_epochs"),
        "stack_size": 1,
        "term_cond_avg_score": 100000.0,
        "term_cond_max_episodes": 100000,
    }
    return {name: value for name, value in named.items() if value is not None}
