"""The three networks of DeepRacer, layer for layer, as stable-baselines3 feature extractors.

Source: aws-deepracer-community/deepracer-simapp, markov/sensors/utils.py and
markov/architecture/embedder_factory.py: valid padding, a ReLU after every layer, no batch normalisation
and no dropout, whatever the tables there say. The dense layers of embedder and middleware follow each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn


@dataclass(frozen=True)
class Layers:
    """What a network is made of.

    Attributes:
        convolutions: Filters, kernel size and stride of each convolution.
        dense: Width of each dense layer: those of the embedder, then those of the middleware.
    """

    convolutions: tuple[tuple[int, int, int], ...]
    dense: tuple[int, ...]


LAYERS: Final = {
    "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW": Layers(((32, 8, 4), (64, 4, 2), (64, 3, 1)), (512,)),
    "DEEP_CONVOLUTIONAL_NETWORK": Layers(((32, 5, 2), (32, 3, 1), (64, 3, 2), (64, 3, 1)), (64, 512)),
    "DEEP_CONVOLUTIONAL_NETWORK_DEEP": Layers(
        ((32, 8, 4), (32, 4, 2), (64, 4, 2), (64, 3, 1)), (512, 512, 256, 128)
    ),
}
"""The networks for one front camera, by their names in model_metadata.json."""

SAC_HEAD: Final = 256  # width of the dense layer in the heads of SAC's networks


class DeepRacerCNN(BaseFeaturesExtractor):
    """One of DeepRacer's networks up to its heads.

    Args:
        observation_space: Frames (c, h, w) uint8; 120 x 160 in the original.
        network: Its name in `LAYERS`.
    """

    def __init__(self, observation_space: spaces.Box, network: str) -> None:
        layers = LAYERS[network]
        super().__init__(observation_space, layers.dense[-1])
        channels, height, width = observation_space.shape
        stages: list[nn.Module] = []
        for filters, kernel, stride in layers.convolutions:
            stages += [nn.Conv2d(channels, filters, kernel, stride), nn.ReLU()]
            height, width = ((size - kernel) // stride + 1 for size in (height, width))
            channels = filters
        self.cnn = nn.Sequential(*stages, nn.Flatten())
        size = channels * height * width
        stages = []
        for units in layers.dense:
            stages += [nn.Linear(size, units), nn.ReLU()]
            size = units
        self.linear = nn.Sequential(*stages)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (B, features_dim) of frames (B, c, h, w) float32 in [0, 1]."""
        features: torch.Tensor = self.linear(self.cnn(observations))
        return features
