"""Whole episodes as a learner's experience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Observation = NDArray[np.uint8] | dict[str, NDArray[Any]]
"""A frame (c, h, w), or what each sensor gives by its name."""


@dataclass
class Episode:
    """The steps of one car since its last start.

    Attributes:
        observations: What it saw before each step.
        actions: What was chosen.
        rewards: What that brought.
        values: What the value network had foretold.
        log_probs: Of the actions, under the policy that chose them.
        value_after: What is expected after the last step: 0, unless the episode was cut off by a time limit.
    """

    observations: list[Observation] = field(default_factory=list)
    actions: list[Any] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    value_after: float = 0.0

    def __len__(self) -> int:
        return len(self.rewards)

    def add(
        self, observation: Observation, action: Any, reward: float, value: float, log_prob: float
    ) -> None:
        """Enter one step."""
        self.observations.append(observation)
        self.actions.append(action)
        self.rewards.append(reward)
        self.values.append(value)
        self.log_probs.append(log_prob)

    def advantages(self, gamma: float, gae_lambda: float) -> Floats:
        """Generalised advantage estimates (T,), by Schulman et al., 2016, equation 16."""
        result = np.zeros(len(self), np.float32)
        estimate, following = 0.0, self.value_after
        for t in reversed(range(len(self))):
            error = self.rewards[t] + gamma * following - self.values[t]
            estimate = error + gamma * gae_lambda * estimate
            result[t], following = estimate, self.values[t]
        return result


@dataclass(frozen=True, eq=False)
class Rollout:
    """The steps of several episodes, one after the other.

    Attributes:
        observations: (T, c, h, w) uint8, or (T, ...) of each sensor.
        actions: (T,) int64 or (T, 2) float32.
        rewards, values, log_probs: (T,) as in `Episode`.
        returns: (T,) what the value network should have foretold.
        advantages: (T,) of mean 0 and deviation 1 over all steps.
    """

    observations: Observation
    actions: NDArray[Any]
    rewards: Floats
    values: Floats
    log_probs: Floats
    returns: Floats
    advantages: Floats


def join(episodes: Sequence[Episode], gamma: float, gae_lambda: float) -> Rollout:
    """One rollout of several episodes; advantages are standardised over all of it, as in rl_coach."""
    raw = np.concatenate([episode.advantages(gamma, gae_lambda) for episode in episodes])
    rewards, values, log_probs = (
        np.array([value for episode in episodes for value in getattr(episode, name)], np.float32)
        for name in ("rewards", "values", "log_probs")
    )
    return Rollout(
        observations=_stack([seen for episode in episodes for seen in episode.observations]),
        actions=np.array([action for episode in episodes for action in episode.actions]),
        rewards=rewards,
        values=values,
        log_probs=log_probs,
        returns=raw + values,
        advantages=(raw - raw.mean()) / (raw.std() + np.float32(1e-8)),
    )


def part_of(observations: Observation, which: Any) -> Observation:
    """Some of a batch of observations."""
    if isinstance(observations, dict):
        return {name: values[which] for name, values in observations.items()}
    part: NDArray[np.uint8] = observations[which]
    return part


def _stack(observations: Sequence[Any]) -> Observation:
    if isinstance(observations[0], dict):
        return {name: np.stack([seen[name] for seen in observations]) for name in observations[0]}
    return np.stack(observations)
