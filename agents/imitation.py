"""Learning to drive by watching: a policy that sees frames copies a driver that knows the racing line.

Source: Ross, Gordon and Bagnell, A Reduction of Imitation Learning and Structured Prediction to No-Regret
Online Learning, 2011 (DAgger): the policy drives, the driver says what it would have done. And Chen et al.,
Learning by Cheating, 2019: the driver knows what no camera shows.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from torch.nn import functional

from hairpin.edge.contract import ActionSpace, DiscreteActions
from hairpin.sim.line_driver import LineDriver
from hairpin.sim.sb3 import SB3VecEnv

_ROUND: Final = 64  # steps of every car between two rounds of learning
_BATCH: Final = 256
_BATCHES: Final = 150
_KEPT: Final = 60_000  # frames
_LEARNING_RATE: Final = 1e-3
_OWN: Final = 0.7  # share of the driver's own actions in the first round, less in each one after
_NOISE: Final = 0.1  # of the actions that are driven

WARM_UP: Final = 40_960
"""Environment steps after imitation in which the critic alone learns."""


def actions_for(space: ActionSpace, commands: NDArray[np.float64]) -> NDArray[Any]:
    """The actions that come nearest to commands.

    Args:
        space: The action space.
        commands: (N, 2) steering [rad] and speed [m/s].

    Returns:
        (N,) int64 indices, or (N, 2) float32 in [-1, 1].
    """
    named = np.column_stack((np.degrees(commands[:, 0]), commands[:, 1]))
    if isinstance(space, DiscreteActions):
        gap = (named[:, None] - space.named[None]) / np.array([10.0, 1.0])
        return (gap**2).sum(axis=2).argmin(axis=1)
    low, high = np.array(space.low), np.array(space.high)
    return np.clip(2.0 * (named - low) / (high - low) - 1.0, -1.0, 1.0).astype(np.float32)


class CriticFirst(BaseCallback):
    """Lets the critic alone learn for a while: an ignorant one would spoil what the actor has copied.

    Args:
        until: Environment steps.
    """

    def __init__(self, until: int) -> None:
        super().__init__()
        self._until = until

    def _on_rollout_start(self) -> None:
        learns = self.num_timesteps >= self._until
        for weights in _actor(self.model.policy):
            weights.requires_grad_(learns)

    def _on_step(self) -> bool:
        return True


def _actor(policy: Any) -> list[torch.nn.Parameter]:
    spread = [policy.log_std] if hasattr(policy, "log_std") else []
    return [*policy.pi_features_extractor.parameters(), *policy.action_net.parameters(), *spread]


def imitate(model: BaseAlgorithm, cars: SB3VecEnv, steps: int, seed: int) -> None:
    """Teach a PPO policy to drive as the racing line's driver does.

    Args:
        model: Its policy learns; the critic does not.
        cars: What it drives.
        steps: Environment steps that this takes.
        seed: Of who drives when.
    """
    world, rng = cars.env.world, np.random.default_rng(seed)
    space = world.config.actions
    driver = LineDriver(world)
    policy: Any = model.policy
    optimizer = torch.optim.Adam(_actor(policy), lr=_LEARNING_RATE)
    frames: list[NDArray[np.uint8]] = []
    wanted: list[NDArray[Any]] = []
    seen = _frames(cars.reset())
    for done in range(0, steps, _ROUND * cars.num_envs):
        own = _OWN * max(0.0, 1.0 - 2.0 * done / steps)
        for _ in range(_ROUND):
            target = actions_for(space, driver.commands())
            frames.append(seen.copy())
            wanted.append(target)
            action = _act(policy, seen, isinstance(space, DiscreteActions))
            lead = rng.random(len(action)) < own
            action[lead] = target[lead]
            if action.ndim == 2:
                action = np.clip(action + rng.normal(0.0, _NOISE, action.shape), -1.0, 1.0).astype(np.float32)
            observation, _, _, _ = cars.step(action)
            seen = _frames(observation)
        excess = max(0, len(frames) - _KEPT // cars.num_envs)
        del frames[:excess], wanted[:excess]
        _learn(policy, optimizer, np.concatenate(frames), np.concatenate(wanted), rng, 1.0 - done / steps)
    model.num_timesteps += steps


def _frames(observation: Any) -> NDArray[np.uint8]:
    frames: NDArray[np.uint8] = observation["frame"] if isinstance(observation, dict) else observation
    return frames


def _output(policy: Any, frames: NDArray[np.uint8]) -> torch.Tensor:
    features = policy.pi_features_extractor(torch.from_numpy(frames).to(torch.float32) / 255.0)
    output: torch.Tensor = policy.action_net(policy.mlp_extractor.forward_actor(features))
    return output


def _act(policy: Any, frames: NDArray[np.uint8], discrete: bool) -> NDArray[Any]:
    with torch.inference_mode():
        output = _output(policy, frames)
        return (output.argmax(dim=1) if discrete else output.clamp(-1.0, 1.0)).numpy().copy()


def _learn(
    policy: Any,
    optimizer: torch.optim.Optimizer,
    frames: NDArray[np.uint8],
    wanted: NDArray[Any],
    rng: np.random.Generator,
    share: float,
) -> None:
    for group in optimizer.param_groups:
        group["lr"] = _LEARNING_RATE * max(share, 0.1)
    for _ in range(_BATCHES):
        which = rng.integers(len(frames), size=_BATCH)
        output, target = _output(policy, frames[which]), torch.from_numpy(wanted[which])
        if target.ndim == 1:
            loss = functional.cross_entropy(output, target)
        else:
            loss = functional.mse_loss(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
