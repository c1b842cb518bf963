"""The reward drawn over the track."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hairpin.rewards import RewardError, draw, evaluate_grid, resolve


@pytest.fixture
def grid(make_params):
    """A patch of the lower straight: 4 rows across the road and one that is not asked for, 8 columns."""
    rows = [[make_params(s, d) for s in np.linspace(0.2, 1.6, 8)] for d in (-0.6, -0.2, 0.0, 0.2)]
    return [*rows, [None] * 8]


def test_a_grid_is_paid_place_by_place(grid) -> None:
    values, failures = evaluate_grid(resolve("center_line"), grid)
    assert failures == [] and values.shape == (5, 8)
    assert np.isnan(values[4]).all()
    np.testing.assert_allclose(values[:4, 0], [1e-3, 0.75, 1.0, 0.75])


@pytest.mark.parametrize(("heading", "paid"), [(0.0, 1.0), (math.pi / 3, 0.5), (math.pi, -1.0)])
def test_a_reward_with_state_sees_the_step_before(make_params, heading, paid) -> None:
    grid = [[make_params(s, 0.0, heading) for s in (0.5, 1.0)]]
    values, failures = evaluate_grid(resolve("progress_per_step"), grid, stateful=True)
    assert failures == []
    np.testing.assert_allclose(values, paid)  # 1.5 m/s for a fifteenth of a second, 0.1 m a unit


def test_failures_leave_holes_and_are_reported(grid, tmp_path) -> None:
    path = tmp_path / "fails.py"
    path.write_text("def reward_function(params):\n    return 1.0 / params['distance_from_center']\n")
    values, failures = evaluate_grid(resolve(path), grid)
    assert np.isnan(values[2]).all() and np.isfinite(values[1]).all()
    assert len(failures) == 8 and failures[0].line == 2


def _picture(path, waypoints, low=0.0, high=1.0):
    xs, ys = np.linspace(-4, 4, 40), np.linspace(-2, 2, 20)
    values = low + (high - low) * np.random.default_rng(0).random((2, 3, 20, 40))
    values[0, 0, :3] = np.nan
    draw(waypoints, xs, ys, values, [1.0, 2.0], [0.0, 0.5, -0.5], path, "mine on oval")


@pytest.mark.parametrize(
    ("suffix", "low", "high"),
    [(".png", 0.0, 1.0), (".svg", -1.0, 1.0), (".png", 0.5, 0.5), (".png", math.nan, math.nan)],
)
def test_a_picture_is_written_whole(tmp_path, waypoints, suffix, low, high) -> None:
    path = tmp_path / f"map{suffix}"
    _picture(path, waypoints, low, high)
    assert path.read_bytes()[:8].startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]  # nothing temporary is left


def test_a_picture_that_cannot_be_written_is_refused(tmp_path, waypoints) -> None:
    with pytest.raises(RewardError, match=r"\.png, \.svg or \.pdf"):
        _picture(tmp_path / "map.xyz", waypoints)
    with pytest.raises(RewardError, match="no folder"):
        _picture(tmp_path / "nowhere" / "map.png", waypoints)
    assert list(tmp_path.iterdir()) == []
