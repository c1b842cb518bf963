"""A stand-in for the simulator: params of a car anywhere on an oval, by textbook geometry."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hairpin.rewards import RewardParams

WIDTH = 0.8
STRAIGHT, RADIUS = 4.0, 1.5


def _oval(offset: float) -> np.ndarray:
    """(N, 2) counter-clockwise from the middle of the lower straight; the last row repeats the first."""
    radius = RADIUS + offset
    turn = np.linspace(-np.pi / 2, np.pi / 2, 25)
    right = np.stack([STRAIGHT / 2 + radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    lower = np.stack([np.linspace(0, STRAIGHT / 2, 10, endpoint=False), np.full(10, -radius)], axis=1)
    upper = np.stack([np.linspace(STRAIGHT / 2, -STRAIGHT / 2, 20), np.full(20, radius)], axis=1)[1:-1]
    last = np.stack([np.linspace(-STRAIGHT / 2, 0, 11), np.full(11, -radius)], axis=1)[1:]
    return np.concatenate([lower, right, upper, -right, last])


CENTER = _oval(0.0)
WAYPOINTS = np.hstack([CENTER, _oval(-WIDTH / 2), _oval(WIDTH / 2)])
_AT = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(CENTER, axis=0), axis=1))])
LENGTH = float(_AT[-1])


def _params(s: float = 1.0, d: float = 0.0, heading: float = 0.0, **changes: Any) -> RewardParams:
    """Params `s` [m] along the track and `d` [m] left of its centre, turned by `heading` [rad] against it."""
    s %= LENGTH
    before = int(np.searchsorted(_AT, s, side="right")) - 1
    step = CENTER[before + 1] - CENTER[before]
    track = math.atan2(step[1], step[0])
    x, y = CENTER[before] + step / np.linalg.norm(step) * (s - _AT[before])
    wheels_on = sum(abs(d + side) < WIDTH / 2 for side in (-0.08, 0.08)) * 2
    params: RewardParams = {
        "all_wheels_on_track": wheels_on == 4,
        "x": float(x - d * math.sin(track)),
        "y": float(y + d * math.cos(track)),
        "heading": math.degrees(math.remainder(track + heading, 2 * math.pi)),
        "distance_from_center": abs(d),
        "projection_distance": s,
        "progress": 100 * s / LENGTH,
        "steps": 2.0 + round(s / 0.1),
        "speed": 1.5,
        "steering_angle": 5.0,
        "track_width": WIDTH,
        "track_length": LENGTH,
        "waypoints": [(float(px), float(py)) for px, py in CENTER],
        "closest_waypoints": [before, before + 1],
        "is_left_of_center": d > 0,
        "is_reversed": False,
        "is_offtrack": wheels_on == 0,
        "is_crashed": False,
        "closest_objects": [0, 0],
        "objects_location": [],
        "objects_left_of_center": [],
        "objects_speed": [],
        "objects_heading": [],
        "objects_distance": [],
        "objects_distance_from_center": [],
        "object_in_camera": False,
        "sim_time": s / 1.5,
    }
    return {**params, **changes}  # type: ignore[typeddict-item]


@pytest.fixture(scope="session")
def make_params() -> Callable[..., RewardParams]:
    return _params


@pytest.fixture
def situations() -> list[tuple[str, RewardParams]]:
    return [
        ("start", _params(0.02, steps=2.0)),
        ("mid-lap", _params(0.5 * LENGTH)),
        ("bend", _params(STRAIGHT / 2 + 1.5, steering_angle=20.0, speed=1.0)),
        ("left of the centre", _params(3.0, 0.2)),
        ("right of the centre", _params(6.0, -0.25)),
        ("turned", _params(7.0, 0.1, 0.6)),
        ("fast", _params(8.0, 0.05, speed=3.0)),
        ("off the track", _params(5.0, 0.7)),
        ("finish", _params(LENGTH - 0.01, progress=100.0)),
    ]


@pytest.fixture(scope="session")
def waypoints() -> np.ndarray:
    """(N, 6) centre line, inner and outer border [m]."""
    return WAYPOINTS


@pytest.fixture(scope="session")
def lap() -> list[RewardParams]:
    """A calm lap, a step each 0.1 m, weaving a little about the centre line."""
    places = np.arange(0.05, LENGTH, 0.1)
    steps = [
        _params(s, 0.1 * math.sin(s), 0.1 * math.cos(s), steps=2.0 + i, steering_angle=10 * math.cos(s))
        for i, s in enumerate(places)
    ]
    return [*steps, _params(LENGTH - 1e-3, progress=100.0, steps=2.0 + len(steps))]


@pytest.fixture(autouse=True)
def brief_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check measures for a third of a second; here a moment will do."""
    monkeypatch.setattr(sys.modules["hairpin.rewards.check"], "_TIMING_SECONDS", 0.02)
