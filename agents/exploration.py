"""Exploration that dies down: who tries things keeps a margin, and so never learns to drive without one."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback


class Narrowing(BaseCallback):
    """Lets the spread of continuous actions fall evenly over the budget; PPO itself narrows it slowly.

    Args:
        first: Logarithm of the spread at the beginning.
        last: And at the end.
        total: Environment steps of the budget.
    """

    def __init__(self, first: float, last: float, total: int) -> None:
        super().__init__()
        self._first, self._last, self._total = first, last, total

    def _on_rollout_start(self) -> None:
        done = min(1.0, self.num_timesteps / self._total)
        policy: Any = self.model.policy
        policy.log_std.data.fill_(self._first + (self._last - self._first) * done)

    def _on_step(self) -> bool:
        return True
