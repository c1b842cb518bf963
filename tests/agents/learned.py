"""What a run has learned, compared; and what kills leave of it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import torch

from hairpin.agents import Run, TrainConfig
from hairpin.agents.files import write_atomically
from hairpin.agents.learner import load_model


def settings_of(run: Run, **changes: Any) -> TrainConfig:
    settings = dict(run.settings["settings"])
    return TrainConfig(**{**settings, "reward": "center_line", "out": None, **changes})


def weights(run: Run, which: str = "last") -> dict[str, torch.Tensor]:
    return load_model(run.checkpoint(which).path, run.contract.algorithm).policy.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def leave_half(path: Path) -> Path:
    """Leave beside a path what a kill leaves in the middle of `write_atomically`; where that is."""
    left: list[Path] = []

    def be_killed(file: Path) -> None:
        left.append(file)
        raise InterruptedError

    with contextlib.suppress(InterruptedError):
        write_atomically(path, be_killed)
    left[0].write_text("half")
    return left[0]
