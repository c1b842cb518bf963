"""Where a run comes from: versions of what it depends on, and the commit of the source."""

from __future__ import annotations

import importlib.metadata
import subprocess
from pathlib import Path
from typing import Final

_DISTRIBUTIONS: Final = (
    "hairpin", "torch", "stable_baselines3", "gymnasium", "numpy", "openvino", "numba", "pybullet",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of what a run's result depends on."""
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """Commit of the source that runs, with "-dirty" if it was changed since; `None` outside a checkout."""
    # An installed copy may lie inside somebody else's repository (.venv), which does not track it.
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return _git("describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")


def _git(*arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None if result.returncode == 0 else None
