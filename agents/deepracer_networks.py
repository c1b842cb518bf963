"""The networks of DeepRacer, layer for layer, as stable-baselines3 feature extractors.

Source: aws-deepracer-community/deepracer-simapp, markov/sensors/utils.py and
markov/architecture/embedder_factory.py: valid padding, a ReLU after every layer, no batch normalisation
and no dropout, whatever the tables there say. The dense layers of embedder and middleware follow each other.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        embedding: Width of each dense layer between them and where sensors are joined.
        middleware: Width of each dense layer after that.
    """

    convolutions: tuple[tuple[int, int, int], ...]
    embedding: tuple[int, ...]
    middleware: tuple[int, ...]


SHALLOW: Final = "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"

LAYERS: Final = {
    SHALLOW: Layers(((32, 8, 4), (64, 4, 2), (64, 3, 1)), (), (512,)),
    "DEEP_CONVOLUTIONAL_NETWORK": Layers(((32, 5, 2), (32, 3, 1), (64, 3, 2), (64, 3, 1)), (64,), (512,)),
    "DEEP_CONVOLUTIONAL_NETWORK_DEEP": Layers(
        ((32, 8, 4), (32, 4, 2), (64, 4, 2), (64, 3, 1)), (512, 512), (256, 128)
    ),
}
"""The networks for one front camera, by their names in model_metadata.json."""

STEREO: Final = ((32, 3, 1), (64, 3, 2), (64, 3, 1), (128, 3, 2), (128, 3, 1))
"""Convolutions for two cameras, of all networks but the shallow one; no dense layers follow."""

LIDAR: Final = (256, 256)
"""Dense layers of all lidars, in all networks."""

SAC_HEAD: Final = 256  # width of the dense layer in the heads of SAC's networks


class DeepRacerCNN(BaseFeaturesExtractor):
    """One of DeepRacer's networks for a camera, up to its heads.

    Args:
        observation_space: Frames (c, h, w) uint8; 120 x 160 in the original.
        network: Its name in `LAYERS`.
    """

    def __init__(self, observation_space: spaces.Box, network: str) -> None:
        layers = layers_of(network, observation_space.shape)
        super().__init__(observation_space, layers.middleware[-1])
        stages, size = convolve(observation_space.shape, layers.convolutions)
        self.cnn = nn.Sequential(*stages)
        self.linear = nn.Sequential(*dense(size, (*layers.embedding, *layers.middleware)))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (B, features_dim) of frames (B, c, h, w) float32 in [0, 1]."""
        features: torch.Tensor = self.linear(self.cnn(observations))
        return features


def layers_of(network: str, shape: Sequence[int]) -> Layers:
    """A network's layers for what a sensor gives: frames (c, h, w), c = 2 of two cameras, or values (n,)."""
    named = LAYERS[network]
    if len(shape) == 1:
        return Layers((), LIDAR, named.middleware)
    if shape[0] == 2 and network != SHALLOW:
        return Layers(STEREO, (), named.middleware)
    return named


def convolve(
    shape: Sequence[int], convolutions: Sequence[tuple[int, int, int]]
) -> tuple[list[nn.Module], int]:
    """Convolutions over frames (c, h, w) with a ReLU after each, flattened; and how many values come out."""
    channels, height, width = shape
    stages: list[nn.Module] = []
    for filters, kernel, stride in convolutions:
        stages += [nn.Conv2d(channels, filters, kernel, stride), nn.ReLU()]
        height, width = ((size - kernel) // stride + 1 for size in (height, width))
        channels = filters
    return [*stages, nn.Flatten()], channels * height * width


def dense(size: int, widths: Sequence[int]) -> list[nn.Module]:
    """Dense layers with a ReLU after each."""
    stages: list[nn.Module] = []
    for units in widths:
        stages += [nn.Linear(size, units), nn.ReLU()]
        size = units
    return stages
