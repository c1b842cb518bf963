"""Agents: training, evaluation and export of driving policies.

What this package names is imported when it is first used, so that the command line starts at once. No module
here has the name of a function: importing the module would put it in the function's place.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import TrainConfig
    from .errors import RunError
    from .evaluation import evaluate
    from .exporting import export
    from .history import evaluations_of
    from .resumption import resume
    from .run import Run, open_run
    from .training import train

__all__ = [
    "Run",
    "RunError",
    "TrainConfig",
    "evaluate",
    "evaluations_of",
    "export",
    "open_run",
    "resume",
    "train",
]

_HOMES = {
    "Run": "run",
    "RunError": "errors",
    "TrainConfig": "config",
    "evaluate": "evaluation",
    "evaluations_of": "history",
    "export": "exporting",
    "open_run": "run",
    "resume": "resumption",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
