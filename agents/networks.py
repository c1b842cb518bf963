"""Networks that look at camera frames, as stable-baselines3 feature extractors."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from .deepracer_networks import LAYERS, DeepRacerCNN
from .fusion import FusedFeatures, patches
from .presets import Preset


class PatchCNN(BaseFeaturesExtractor):
    """A small network whose first layer cuts the frame into 8x8 patches.

    A stride of 8 in the first layer spares most of the arithmetic of the classic networks (stride 4 or 2),
    which is what training time goes into; two 3x3 layers of stride 2 and a dense layer follow.

    Args:
        observation_space: Frames (c, h, w) uint8, h and w at least 24.
        features_dim: Width of the last layer.
    """

    def __init__(self, observation_space: spaces.Box, features_dim: int = 128) -> None:
        super().__init__(observation_space, features_dim)
        channels, height, width = observation_space.shape
        self.cnn = nn.Sequential(*patches(channels))
        with torch.no_grad():
            width_flat = self.cnn(torch.zeros(1, channels, height, width)).shape[1]
        self.linear = nn.Sequential(nn.Linear(width_flat, features_dim), nn.ReLU())

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (B, features_dim) of frames (B, c, h, w) float32 in [0, 1]."""
        features: torch.Tensor = self.linear(self.cnn(observations))
        return features


class AsymmetricPolicy(MultiInputActorCriticPolicy):
    """An actor that sees frames, and a critic that knows the car's state instead.

    A critic serves in training alone, so it may know what no camera shows: it need not learn to see, and
    what it says of a frame is not blurred by all the speeds at which that frame can be met.
    Source: Pinto et al., Asymmetric Actor Critic for Image-Based Robot Learning, 2017.
    """

    def _build(self, lr_schedule: Any) -> None:
        seen: Any = self.observation_space
        self.vf_features_extractor = StateMLP(seen["state"], self.features_dim)
        super()._build(lr_schedule)


class FrameCNN(PatchCNN):
    """A `PatchCNN` over the frames of observations that hold more."""

    def __init__(self, observation_space: Any, **settings: Any) -> None:
        super().__init__(observation_space["frame"], **settings)

    def forward(self, observations: Any) -> torch.Tensor:
        """As for `PatchCNN`; of a dict the frames alone are looked at."""
        return super().forward(observations["frame"] if isinstance(observations, dict) else observations)


class StateMLP(BaseFeaturesExtractor):
    """Two dense layers over the state in observations that hold more."""

    def __init__(self, observation_space: spaces.Box, features_dim: int) -> None:
        super().__init__(observation_space, features_dim)
        self.mlp = nn.Sequential(
            nn.Linear(observation_space.shape[0], 256), nn.ELU(), nn.Linear(256, features_dim), nn.ELU()
        )

    def forward(self, observations: Any) -> torch.Tensor:
        """Features (B, features_dim)."""
        features: torch.Tensor = self.mlp(observations["state"])
        return features


def features_of(preset: Preset, observation_space: spaces.Space[Any]) -> dict[str, Any]:
    """The arguments of stable-baselines3's policies that choose a preset's network for some sensors."""
    if preset.privileged:
        return {
            "features_extractor_class": FrameCNN,
            "features_extractor_kwargs": {"features_dim": preset.features},
            "share_features_extractor": False,
        }
    if isinstance(observation_space, spaces.Dict):
        return {
            "features_extractor_class": FusedFeatures,
            "features_extractor_kwargs": {"network": preset.network, "features_dim": preset.features},
        }
    if preset.network in LAYERS:
        return {
            "features_extractor_class": DeepRacerCNN,
            "features_extractor_kwargs": {"network": preset.network},
        }
    return {
        "features_extractor_class": PatchCNN,
        "features_extractor_kwargs": {"features_dim": preset.features},
    }
