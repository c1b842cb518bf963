"""Evaluations beside the training: a thread judges a copy of the policy while the policy goes on learning."""

from __future__ import annotations

import copy
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from stable_baselines3.common.base_class import BaseAlgorithm

from .gate import Gate, Verdict
from .head import act_with
from .learner import dump_model


@dataclass(frozen=True)
class Judged:
    """What came of an evaluation.

    Attributes:
        verdict: What was found.
        checkpoint: The learner as it was when the evaluation began, as `save_model` writes it.
    """

    verdict: Verdict
    checkpoint: bytes


class Judge:
    """Has a gate judge one policy at a time in a thread; torch and the compiled kernels run side by side.

    Args:
        gate: What judges.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="judge")
        self._job: Future[Judged] | None = None

    @property
    def busy(self) -> bool:
        """Whether there is a verdict to wait for, or to take."""
        return self._job is not None

    def begin(self, model: BaseAlgorithm) -> None:
        """Begin to judge a model's policy as it is now."""
        checkpoint, steps, act = dump_model(model), model.num_timesteps, act_with(_still(model))
        self._job = self._thread.submit(lambda: Judged(self.gate.judge(act, steps), checkpoint))

    def take(self, *, wait: bool) -> Judged | None:
        """What came of the evaluation that has begun, if any; unless we `wait` it may still go on."""
        if self._job is None or not (wait or self._job.done()):
            return None
        job, self._job = self._job, None
        return job.result()

    def close(self) -> None:
        """Give up an evaluation that goes on."""
        self.gate.abandon()
        self._thread.shutdown()


def _still(model: BaseAlgorithm) -> BaseAlgorithm:
    """The model with a copy of its policy that learns no more; all else is shared."""
    still = copy.copy(model)
    spared = (
        getattr(module, name, None)
        for module in model.policy.modules()
        for name in ("optimizer", "action_dist")
    )
    still.policy = copy.deepcopy(model.policy, {id(one): None for one in spared if one is not None})
    return still
