"""The policy alone: from camera frames to what the contract says, without the learner around it."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from hairpin.sim.laps import Act


class PolicyHead(nn.Module):
    """A policy from frames (B, h, w, c) uint8 to probabilities (B, n), or to (B, 2) in [-1, 1].

    What is exported, and what drives in evaluations: one piece of code.

    Args:
        model: The learner whose policy it is; the weights are shared, not copied.

    Attributes:
        discrete: Whether the outputs are probabilities of actions.
    """

    def __init__(self, model: BaseAlgorithm) -> None:
        super().__init__()
        self.policy: Any = model.policy
        self.discrete = isinstance(model.action_space, spaces.Discrete)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Outputs for frames."""
        pixels = frames.permute(0, 3, 1, 2).to(torch.float32) / 255.0
        if isinstance(self.policy, ActorCriticPolicy):
            features = self.policy.pi_features_extractor(pixels)
            raw = self.policy.action_net(self.policy.mlp_extractor.forward_actor(features))
            return torch.softmax(raw, dim=1) if self.discrete else torch.clamp(raw, -1.0, 1.0)
        actor = self.policy.actor
        return torch.tanh(actor.mu(actor.latent_pi(actor.features_extractor(pixels))))


def act_with(model: BaseAlgorithm) -> Act:
    """The model's deterministic policy over frames (N, h, w, c): indices (N,), or (N, 2) in [-1, 1]."""
    head = PolicyHead(model)

    def act(frames: NDArray[Any]) -> NDArray[Any]:
        with torch.inference_mode():
            outputs = head(torch.from_numpy(frames))
            return (outputs.argmax(dim=1) if head.discrete else outputs).numpy()

    return act
