"""PPO whose policy is held to smooth steering: what CAPS adds to the loss.

Source: Mysore, Mabsout, Mancuso, Saenko, Regularizing Action Policies for Smooth Control with Reinforcement
Learning, ICRA 2021: the policy's mean action should change little from one step to the next (temporal
smoothness) and under small changes of what it sees (spatial smoothness).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.utils import explained_variance, obs_as_tensor
from torch.nn import functional

from .episodes import part_of

Index = NDArray[np.intp]

SPREAD: Final = 8.0  # deviation of the noise that spatial smoothness adds to frames [gray levels]


class SmoothPPO(PPO):
    """Clipped PPO with CAPS's two terms, on the steering that the policy says on average.

    Its minibatches are made of pairs of consecutive steps, so that temporal smoothness costs no second look
    at a frame. Both terms are mean squares of the steering, in units of its largest angle.

    Args:
        policy: As of `PPO`.
        env: The cars.
        temporal: Weight of the change from step to step.
        spatial: Weight of the change under noise in the frame, which costs another look at each frame.
        steering: Of each discrete action, as a share of the largest angle; `None` for continuous actions,
            whose first number it is.
        **settings: As of `PPO`.
    """

    def __init__(
        self,
        policy: Any,
        env: Any,
        *,
        temporal: float = 0.0,
        spatial: float = 0.0,
        steering: tuple[float, ...] | None = None,
        **settings: Any,
    ) -> None:
        self.temporal = temporal
        self.spatial = spatial
        self.steering = steering
        super().__init__(policy, env, **settings)

    def train(self) -> None:
        """Learn from the newest rollout."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses = []
        for _ in range(self.n_epochs):
            losses += [self._learn_from(*pairs) for pairs in self._minibatches()]
            self._n_updates += 1
        names = ("policy_gradient_loss", "value_loss", "entropy_loss", "temporal_loss", "spatial_loss")
        for name, value in zip(names, np.mean(losses, axis=0), strict=True):
            self.logger.record(f"train/{name}", float(value))
        buffer = self.rollout_buffer
        explained = explained_variance(buffer.values.flatten(), buffer.returns.flatten())
        self.logger.record("train/explained_variance", explained)

    def _minibatches(self) -> Iterator[tuple[Index, Index]]:
        """Steps and cars (batch_size,) of each minibatch; its second half are the steps after the first.

        Over an epoch each step comes once, at even or at odd places at random.
        """
        half = self.batch_size // 2
        shift = int(np.random.randint(2))
        firsts = np.arange(shift, self.n_steps - 1, 2)
        pairs = np.random.permutation(len(firsts) * self.n_envs)
        for begin in range(0, len(pairs) - half + 1, half):
            which = pairs[begin : begin + half]
            steps, cars = firsts[which // self.n_envs], which % self.n_envs
            yield np.concatenate([steps, steps + 1]), np.tile(cars, 2)

    def _learn_from(self, steps: Index, cars: Index) -> tuple[float, ...]:
        buffer, policy = self.rollout_buffer, self.policy
        advantages, returns, before = (
            torch.from_numpy(part[steps, cars])
            for part in (buffer.advantages, buffer.returns, buffer.log_probs)
        )
        seen: Any = obs_as_tensor(part_of(buffer.observations, (steps, cars)), self.device)
        actions = torch.from_numpy(buffer.actions[steps, cars])
        if isinstance(self.action_space, spaces.Discrete):
            actions = actions.long().flatten()
        distribution, values = self._look(seen)
        ratio = torch.exp(distribution.log_prob(actions) - before)
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        clip = float(self.clip_range(self._current_progress_remaining))  # type: ignore[operator]  # a schedule
        gain = torch.min(advantages * ratio, advantages * ratio.clamp(1 - clip, 1 + clip)).mean()
        value_loss = functional.mse_loss(values.flatten(), returns)
        entropy: Any = distribution.entropy()
        said = self._said(distribution)
        temporal = self._temporal(said, ~buffer.episode_starts[steps, cars].astype(bool))
        spatial = self._spatial(said, seen) if self.spatial else torch.zeros(())
        loss = -gain - self.ent_coef * entropy.mean() + self.vf_coef * value_loss
        loss = loss + self.temporal * temporal + self.spatial * spatial
        policy.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), self.max_grad_norm)
        policy.optimizer.step()
        return tuple(one.item() for one in (-gain, value_loss, -entropy.mean(), temporal, spatial))

    def _look(self, seen: Any) -> tuple[Any, torch.Tensor]:
        """The policy's distribution and the value of what was seen."""
        policy = self.policy
        latent_pi, latent_vf = policy.mlp_extractor(policy.extract_features(seen))
        return policy._get_action_dist_from_latent(latent_pi), policy.value_net(latent_vf)

    def _said(self, distribution: Any) -> torch.Tensor:
        """The mean steering (B,) of a distribution, in units of the largest angle."""
        if self.steering is None:
            mean: torch.Tensor = distribution.distribution.mean[:, 0]
            return mean
        said: torch.Tensor = distribution.distribution.probs @ torch.tensor(self.steering)
        return said

    def _temporal(self, said: torch.Tensor, goes_on: NDArray[np.bool_]) -> torch.Tensor:
        """Mean square of the change within pairs, but for those whose second step begins an episode."""
        half = len(said) // 2
        within = torch.from_numpy(goes_on[half:])
        return ((said[half:] - said[:half]) ** 2 * within).mean()

    def _spatial(self, said: torch.Tensor, seen: Any) -> torch.Tensor:
        """Mean square of the change under noise in the frames."""
        noisy = {k: _noisy(v) for k, v in seen.items()} if isinstance(seen, dict) else _noisy(seen)
        return ((self._said(self._look(noisy)[0]) - said) ** 2).mean()


def _noisy(values: torch.Tensor) -> torch.Tensor:
    """Frames (B, c, h, w) with noise; lidar values as they are."""
    return (values + SPREAD * torch.randn(values.shape)).clamp(0.0, 255.0) if values.dim() == 4 else values
