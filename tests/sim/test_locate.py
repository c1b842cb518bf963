"""Places on the track against shapely, which the original simulator uses."""

from __future__ import annotations

import bisect
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LinearRing, LineString, Point, Polygon

from hairpin.sim.chassis import FRONT_POINT, WHEELS
from hairpin.sim.locate import locate
from hairpin.sim.routes import Routes, make_routes
from hairpin.tracks import Track, generate, load_track

REAL = [
    "2022_april_open", "2022_summit_speedway", "2024_reinvent_champ_ccw", "AWS_track", "Bowtie_track",
    "Oval_track", "Straight_track", "Tokyo_Training_track", "reInvent2019_track", "reInvent2019_track_cw",
    "reInvent2019_wide", "reinvent_base",
]  # fmt: skip


class Oracle:
    """DeepRacer's geometry in shapely's terms."""

    def __init__(self, track: Track, reverse: bool) -> None:
        step = -1 if reverse else 1
        ring = LinearRing if track.closed else LineString
        self.center, self.inner, self.outer = (
            ring(line[::step]) for line in (track.center, track.inner, track.outer)
        )
        if track.closed:
            self.road = Polygon(self.outer, [self.inner])
            self.is_ccw = LinearRing(track.center).is_ccw ^ reverse
        else:
            self.road = Polygon(np.vstack([self.outer.coords, self.inner.coords[::-1]]))
            self.is_ccw = not reverse
        points = list(self.center.coords)
        self.positions = [self.center.project(Point(p), normalized=True) for p in points[:-1]] + [1.0]

    def check(self, place: np.void, pose: np.ndarray) -> None:
        x, y, yaw = pose
        front = Point(x + FRONT_POINT * np.cos(yaw), y + FRONT_POINT * np.sin(yaw))
        position = self.center.project(front, normalized=True)
        near = self.center.interpolate(position, normalized=True)
        near_inner = self.inner.interpolate(self.inner.project(near))
        near_outer = self.outer.interpolate(self.outer.project(near))
        after = bisect.bisect_right(self.positions, position)
        assert place["position"] == pytest.approx(position, abs=1e-9)
        assert place["center_distance"] == pytest.approx(front.distance(near), abs=1e-9)
        assert place["width"] == pytest.approx(near_inner.distance(near_outer), abs=1e-6)
        if (
            min(abs(position - p) for p in self.positions) > 1e-12
        ):  # at a waypoint rounding decides, there too
            assert place["after"] == after % len(self.positions)
            assert place["before"] == (after - 1) % len(self.positions)
        assert place["left"] == (
            (front.distance(near_inner) < front.distance(near_outer)) ^ (not self.is_ccw)
        )
        wheels = [
            Point(x + a * np.cos(yaw) - b * np.sin(yaw), y + a * np.sin(yaw) + b * np.cos(yaw))
            for a, b in WHEELS
        ]
        if min(self.road.exterior.distance(w) for w in wheels) > 1e-9:
            assert place["wheels_on"] == sum(self.road.contains(w) for w in wheels)


def poses_around(track: Track, count: int, seed: int) -> np.ndarray:
    """Poses on the road and somewhat beside it, away from ties: (count, 3)."""
    rng = np.random.default_rng(seed)
    s = rng.uniform(0, track.length, count)
    xy = track.to_world(s, rng.uniform(-0.7, 0.7, count))
    return np.column_stack([xy, rng.uniform(-np.pi, np.pi, count)])


def check_track(track: Track, count: int, seed: int) -> None:
    routes = make_routes([track])
    poses = poses_around(track, count, seed)
    for reverse in (False, True):
        oracle = Oracle(track, reverse)
        places = locate(routes, np.full(count, int(reverse)), poses)
        for place, pose in zip(places, poses, strict=True):
            oracle.check(place, pose)


@pytest.mark.parametrize("name", REAL)
def test_real_tracks_agree_with_shapely_in_both_directions(deepracer_data: Path, name: str) -> None:
    check_track(load_track(deepracer_data / "tracks" / f"{name}.npy"), 150, seed=1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_generated_tracks_agree_with_shapely(seed: int) -> None:
    check_track(generate(seed), 20, seed)


def test_several_tracks_do_not_mix() -> None:
    first, second = generate(1), generate(2, length=30.0)
    both: Routes = make_routes([first, second])
    poses = poses_around(second, 10, 3)
    alone = locate(make_routes([second]), np.zeros(10, dtype=np.int64), poses)
    np.testing.assert_array_equal(locate(both, np.full(10, 2), poses), alone)
