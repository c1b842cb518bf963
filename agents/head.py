"""The policy alone: from camera frames to what the contract says, without the learner around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from hairpin.edge.contract import Observation
from hairpin.sim.laps import Act

from .networks import AsymmetricPolicy


class PolicyHead(nn.Module):
    """A policy from what the sensors give to probabilities (B, n), or to (B, 2) in [-1, 1].

    What is exported, and what drives in evaluations: one piece of code.

    Args:
        model: The learner whose policy it is; the weights are shared, not copied.

    Attributes:
        discrete: Whether the outputs are probabilities of actions.
        sensors: Names of the inputs; empty where the camera's frames are the only one.
    """

    def __init__(self, model: BaseAlgorithm) -> None:
        super().__init__()
        self.policy: Any = model.policy
        self.discrete = isinstance(model.action_space, spaces.Discrete)
        space = model.observation_space
        # What only a critic knows is no input.
        seen = space.spaces if isinstance(space, spaces.Dict) else {}
        self.sensors = [] if isinstance(self.policy, AsymmetricPolicy) else list(seen)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Outputs for frames (B, h, w, c) uint8 and lidar values (B, n) float32, as `sensors` orders them."""
        seen: Any = [_as_the_network_takes_it(values) for values in inputs]
        pixels = dict(zip(self.sensors, seen, strict=True)) if self.sensors else seen[0]
        if isinstance(self.policy, ActorCriticPolicy):
            features = self.policy.pi_features_extractor(pixels)
            raw = self.policy.action_net(self.policy.mlp_extractor.forward_actor(features))
            return torch.softmax(raw, dim=1) if self.discrete else torch.clamp(raw, -1.0, 1.0)
        actor = self.policy.actor
        return torch.tanh(actor.mu(actor.latent_pi(actor.features_extractor(pixels))))

    def inputs(self, observation: Observation) -> tuple[torch.Tensor, ...]:
        """The arguments of `forward` for what N cars see."""
        arrays = (
            [observation] if isinstance(observation, np.ndarray) else [observation[n] for n in self.sensors]
        )
        return tuple(torch.from_numpy(values) for values in arrays)


def _as_the_network_takes_it(values: torch.Tensor) -> torch.Tensor:
    """Frames as (B, c, h, w) in [0, 1]; lidar values as they are."""
    return values.permute(0, 3, 1, 2).to(torch.float32) / 255.0 if values.dim() == 4 else values


def act_with(model: BaseAlgorithm) -> Act:
    """The model's deterministic policy over what N cars see: indices (N,), or (N, 2) in [-1, 1]."""
    head = PolicyHead(model)

    def act(observation: Observation) -> NDArray[Any]:
        with torch.inference_mode():
            outputs = head(*head.inputs(observation))
            return (outputs.argmax(dim=1) if head.discrete else outputs).numpy()

    return act
