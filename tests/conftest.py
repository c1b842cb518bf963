"""Fixtures that more than one package's tests use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def deepracer_data() -> Path:
    """The folder of real DeepRacer tracks, logs and configs, which is not part of this repository."""
    beside = Path(__file__).parents[2] / "shared" / "deepracer"
    folder = Path(os.environ.get("HAIRPIN_DEEPRACER_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no DeepRacer sample data: set HAIRPIN_DEEPRACER_DATA to its folder")
    return folder
