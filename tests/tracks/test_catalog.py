"""What may be asked for as a track, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hairpin.tracks import TrackError, builtin_track, generate, load_track


@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), float("inf"), "0.001"])
def test_a_scale_is_a_number_above_0(tmp_path: Path, scale: Any) -> None:
    np.save(tmp_path / "m.npy", generate(1).waypoints)
    with pytest.raises(TrackError, match=f"^scale is {scale!r}: give a number above 0"):
        load_track(tmp_path / "m.npy", scale=scale)


@pytest.mark.parametrize("ref", ["oval", load_track("oval")])
def test_what_is_in_metres_is_not_scaled(ref: Any) -> None:
    with pytest.raises(TrackError, match="scale is for a file's coordinates"):
        load_track(ref, scale=2.0)


@pytest.mark.parametrize("name", ["", " "])
def test_a_track_has_a_name(name: str) -> None:
    with pytest.raises(TrackError, match="the track has no name: give a file, or one of alley"):
        load_track(name)


def test_a_built_in_track_is_told_by_name_and_digest() -> None:
    oval = load_track("oval")
    assert builtin_track("oval") is oval and builtin_track("oval", oval.digest) is oval
    assert builtin_track("oval", load_track("bowtie").digest) is None
    assert builtin_track("my_oval", oval.digest) is None
