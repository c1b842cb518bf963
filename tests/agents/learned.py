"""What a run has learned, compared."""

from __future__ import annotations

from typing import Any

import torch

from hairpin.agents import Run, TrainConfig
from hairpin.agents.learner import load_model


def settings_of(run: Run, **changes: Any) -> TrainConfig:
    settings = dict(run.settings["settings"])
    return TrainConfig(**{**settings, "reward": "center_line", "out": None, **changes})


def weights(run: Run, which: str = "last") -> dict[str, torch.Tensor]:
    return load_model(run.checkpoint(which).path, run.contract.algorithm).policy.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)
