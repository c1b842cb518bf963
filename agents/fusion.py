"""Networks that look through several sensors, as stable-baselines3 feature extractors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from .deepracer_networks import LAYERS, convolve, dense, layers_of

#: Convolutions of the small network: its first one cuts the frame into 8x8 patches.
PATCHES: Final = ((16, 8, 8, 0), (32, 3, 2, 1), (32, 3, 2, 1))  # filters, kernel size, stride, padding
_LIDAR: Final = (64, 64)  # dense layers of the small network's lidar


class FusedFeatures(BaseFeaturesExtractor):
    """Each sensor has layers of its own; what they give is joined by sorted names, and dense layers follow.

    Args:
        observation_space: Frames (c, h, w) uint8 and lidar values (n,) by the sensors' names.
        network: One of DeepRacer's, by its name in `LAYERS`; else the small one.
        features_dim: Width of the small network's last layer.
    """

    def __init__(self, observation_space: spaces.Dict, network: str, features_dim: int = 128) -> None:
        original = network in LAYERS
        shapes = {name: observation_space[name].shape or () for name in sorted(observation_space.spaces)}
        camera = next(shape for shape in shapes.values() if len(shape) == 3)
        joint = layers_of(network, camera).middleware if original else (features_dim,)
        super().__init__(observation_space, joint[-1])
        sensors = {
            name: _deepracer(shape, network) if original else _small(shape) for name, shape in shapes.items()
        }
        self.sensors = nn.ModuleDict({name: layers for name, (layers, _) in sensors.items()})
        self.linear = nn.Sequential(*dense(sum(size for _, size in sensors.values()), joint))

    def forward(self, observations: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Features (B, features_dim) of frames (B, c, h, w) in [0, 1] and lidar values (B, n), float32."""
        seen = [layers(observations[name]) for name, layers in self.sensors.items()]
        features: torch.Tensor = self.linear(torch.cat(seen, dim=1))
        return features


def patches(channels: int) -> list[nn.Module]:
    """The small network's convolutions, flattened."""
    stages: list[nn.Module] = []
    for filters, kernel, stride, padding in PATCHES:
        stages += [nn.Conv2d(channels, filters, kernel, stride, padding), nn.ReLU()]
        channels = filters
    return [*stages, nn.Flatten()]


def _deepracer(shape: Sequence[int], network: str) -> tuple[nn.Sequential, int]:
    """One sensor's layers and how many values they give."""
    layers = layers_of(network, shape)
    stages: list[Any]
    stages, size = convolve(shape, layers.convolutions) if len(shape) == 3 else ([], shape[0])
    return nn.Sequential(*stages, *dense(size, layers.embedding)), (size, *layers.embedding)[-1]


def _small(shape: Sequence[int]) -> tuple[nn.Sequential, int]:
    if len(shape) == 1:
        return nn.Sequential(*dense(shape[0], _LIDAR)), _LIDAR[-1]
    layers = nn.Sequential(*patches(shape[0]))
    with torch.no_grad():
        return layers, layers(torch.zeros(1, *shape)).shape[1]
