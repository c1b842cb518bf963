"""PPO as DeepRacer's original does it: from whole episodes, with the losses and settings of its trainer.

Source: aws-deepracer-community/deepracer-simapp, markov/sagemaker_graph_manager.py, and rl_coach's PPO
agent, which it uses. What differs is said in `docs/deepracer_preset.md`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.utils import explained_variance, obs_as_tensor
from stable_baselines3.common.vec_env import VecEnv
from torch.nn import functional

from .episodes import Episode, Observation, Rollout, join, part_of
from .errors import RunError

MOST_STEPS: Final = 10_000  # of one iteration, as in the original


class EpisodicPPO(PPO):
    """Clipped PPO that learns whenever a number of episodes has ended, from all of their steps.

    The cars go on driving: an episode that has not ended yet counts in a later iteration, with the
    probabilities of the policy that drove it.

    Args:
        policy: As of `PPO`.
        env: The cars.
        episodes: Episodes of an iteration.
        value_loss: "mse" or "huber" (with delta 1).
        exploration: "categorical" draws from the policy; "e-greedy" takes the most probable action, or any
            with a probability that falls linearly from 1 to `epsilon` over `epsilon_steps`.
        epsilon: See above.
        epsilon_steps: Environment steps.
        iterations: Iterations after which training ends.
        batch_size: Steps of a minibatch; steps that do not fill one are left out of that epoch.
        **settings: As of `PPO`.
    """

    def __init__(
        self,
        policy: Any,
        env: Any,
        *,
        episodes: int = 20,
        value_loss: str = "mse",
        exploration: str = "categorical",
        epsilon: float = 0.05,
        epsilon_steps: int = 10_000,
        iterations: int = 100_000,
        batch_size: int = 64,
        **settings: Any,
    ) -> None:
        self.episodes = episodes
        self.value_loss = value_loss
        self.exploration = exploration
        self.epsilon = epsilon
        self.epsilon_steps = epsilon_steps
        self.iterations = iterations
        self.iterations_done = 0
        self._running: list[Episode] = []
        self._ended: list[Episode] = []
        self._rollout: Rollout | None = None
        # PPO's own buffer stays unused: the smallest one that it takes.
        super().__init__(policy, env, n_steps=2, batch_size=2, **settings)
        self.batch_size = batch_size

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_running", "_ended", "_rollout"]

    def _setup_learn(self, *arguments: Any, **settings: Any) -> Any:
        prepared = super()._setup_learn(*arguments, **settings)
        self._running, self._ended = [Episode() for _ in range(self.n_envs)], []
        return prepared

    def collect_rollouts(self, env: VecEnv, callback: Any, rollout_buffer: Any, n_rollout_steps: int) -> bool:
        """Drive until enough episodes have ended.

        Returns:
            Whether to go on: not if a callback or the number of iterations ends the training.
        """
        if self.iterations_done >= self.iterations:
            return False
        self.policy.set_training_mode(False)
        callback.on_rollout_start()
        while len(self._ended) < self.episodes and sum(len(e) for e in self._ended) < MOST_STEPS:
            if not self._drive(env, callback):
                return False
        self._rollout = join(self._ended[: self.episodes], self.gamma, self.gae_lambda)
        self._ended = self._ended[self.episodes :]
        callback.on_rollout_end()
        return True

    def _drive(self, env: VecEnv, callback: Any) -> bool:
        """One step of all cars."""
        observations: Any = self._last_obs
        with torch.no_grad():
            tensor: Any = obs_as_tensor(observations, self.device)
            actions, values, log_probs = self.policy(tensor)
            if self.exploration == "e-greedy":
                actions = self._explore(actions, tensor)
                _, log_probs, _ = self.policy.evaluate_actions(tensor, actions)
        taken: NDArray[Any] = actions.cpu().numpy()
        discrete = isinstance(self.action_space, spaces.Discrete)
        new_obs, rewards, dones, infos = env.step(taken if discrete else np.clip(taken, -1.0, 1.0))
        self.num_timesteps += env.num_envs
        callback.update_locals({**locals(), "self": self})
        if not callback.on_step():
            return False
        self._update_info_buffer(infos, dones)
        for i, episode in enumerate(self._running):
            episode.add(
                part_of(observations, i), taken[i], float(rewards[i]), float(values[i]), float(log_probs[i])
            )
            if dones[i]:
                if infos[i].get("TimeLimit.truncated", False):
                    episode.value_after = self._value_of(infos[i]["terminal_observation"])
                self._ended.append(episode)
                self._running[i] = Episode()
        self._last_obs, self._last_episode_starts = new_obs, dones  # type: ignore[assignment]
        return True

    def _explore(self, actions: torch.Tensor, observations: Any) -> torch.Tensor:
        """The most probable actions, some of them replaced by any."""
        share = max(0.0, 1.0 - self.num_timesteps / self.epsilon_steps)
        epsilon = self.epsilon + (1.0 - self.epsilon) * share
        distribution: Any = self.policy.get_distribution(observations)
        anything = torch.randint(self.action_space.n, actions.shape)  # type: ignore[attr-defined]
        return torch.where(torch.rand(actions.shape) < epsilon, anything, distribution.mode())

    def _value_of(self, observation: Observation) -> float:
        with torch.no_grad():
            return float(self.policy.predict_values(self.policy.obs_to_tensor(observation)[0])[0])

    def train(self) -> None:
        """Learn from the newest rollout.

        Raises:
            RunError: The loss is no number any more.
        """
        rollout = self._rollout
        assert rollout is not None
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        size = len(rollout.rewards)
        batch = min(self.batch_size, 2 ** int(np.log2(size)))
        losses: list[tuple[float, ...]] = []
        for _ in range(self.n_epochs):
            order = np.random.permutation(size)
            for start in range(0, size - batch + 1, batch):
                losses.append(self._learn_from(rollout, order[start : start + batch]))
            self._n_updates += 1
        self.iterations_done += 1
        names = ("policy_gradient_loss", "value_loss", "entropy_loss", "clip_fraction")
        for name, value in zip(names, np.mean(losses, axis=0), strict=True):
            self.logger.record(f"train/{name}", float(value))
        self.logger.record("train/explained_variance", explained_variance(rollout.values, rollout.returns))
        self.logger.record("train/steps", size)
        self._rollout = None

    def _learn_from(self, rollout: Rollout, which: NDArray[np.intp]) -> tuple[float, ...]:
        advantages, returns, before = (
            torch.from_numpy(part[which]) for part in (rollout.advantages, rollout.returns, rollout.log_probs)
        )
        observations: Any = obs_as_tensor(part_of(rollout.observations, which), self.device)
        values, log_probs, entropy = self.policy.evaluate_actions(
            observations, torch.from_numpy(rollout.actions[which])
        )
        assert entropy is not None
        clip = float(self.clip_range(1.0))  # type: ignore[operator]  # a schedule once set up
        ratio = torch.exp(log_probs - before)
        gain = torch.min(advantages * ratio, advantages * ratio.clamp(1 - clip, 1 + clip)).mean()
        loss_of = functional.huber_loss if self.value_loss == "huber" else functional.mse_loss
        value_loss = loss_of(values.flatten(), returns)
        loss = -gain - self.ent_coef * entropy.mean() + self.vf_coef * value_loss
        if not bool(torch.isfinite(loss)):
            raise RunError("the loss is no number any more: lower lr, or keep rewards between -1e3 and 1e3")
        self.policy.optimizer.zero_grad()
        loss.backward()
        self.policy.optimizer.step()
        clipped = (torch.abs(ratio - 1) > clip).float().mean()
        return -gain.item(), value_loss.item(), -entropy.mean().item(), clipped.item()
