"""Random tracks: valid by shapely's judgement, of the size asked for, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from hairpin.tracks import Track, TrackError, generate

SIZES = [(20.0, 0.8, 0.5), (12.0, 0.6, 0.45), (45.0, 1.0, 0.6), (5.0, 0.76, 0.5), (30.0, 1.4, 1.2)]


def check(track: Track, length: float, width: float, min_radius: float, gap: float = 0.2) -> None:
    assert track.closed and track.length == pytest.approx(length, rel=0.01)
    assert track.min_radius >= 0.98 * min_radius
    rings = [shapely.LinearRing(line) for line in (track.center, track.inner, track.outer)]
    assert all(ring.is_simple for ring in rings)
    center, inner, outer = rings
    assert not inner.intersects(outer) and not inner.intersects(center) and not outer.intersects(center)
    assert inner.length > 0.3  # the inner border is a line, not a point
    road = shapely.Polygon(outer, [inner])
    assert road.is_valid
    # Where parts of the road came within the gap, the widened road would overlap itself and lose area.
    # Chords and inner radii near zero cost a little of it.
    widened = center.buffer((width + 0.9 * gap) / 2, quad_segs=16)
    assert len(widened.interiors) == 1
    assert widened.area == pytest.approx(track.length * (width + 0.9 * gap), rel=0.01)
    across = np.linalg.norm(track.inner - track.outer, axis=1)
    assert np.allclose(across, width)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_tracks_are_valid_for_many_seeds(size: tuple[float, float, float]) -> None:
    length, width, min_radius = size
    for seed in range(60):
        check(generate(seed, length, width, min_radius=min_radius), length, width, min_radius)


def test_a_wide_gap_is_kept() -> None:
    for seed in range(150):
        check(generate(seed, 30.0, 0.5, gap=1.0), 30.0, 0.5, 0.5, gap=1.0)


@given(
    seed=st.integers(0, 2**32),
    length=st.floats(8, 60),
    width=st.floats(0.3, 1.2),
    min_radius=st.floats(0.3, 1.0),
    gap=st.floats(0.1, 0.6),
)
@settings(max_examples=60, deadline=None)
def test_tracks_are_valid_for_any_sizes(
    seed: int, length: float, width: float, min_radius: float, gap: float
) -> None:
    check(generate(seed, length, width, min_radius=min_radius, gap=gap), length, width, min_radius, gap)


def test_the_shortest_possible_track_is_a_circle() -> None:
    with pytest.raises(TrackError, match=r"length 3 m is outside 3\.\d") as caught:
        generate(0, 3.0)
    shortest = float(str(caught.value).split("outside ")[1].split()[0]) + 0.05
    for seed in range(20):
        check(generate(seed, shortest), shortest, 0.8, 0.5)


def test_the_same_seed_gives_the_same_track_and_others_differ() -> None:
    assert generate(7).digest == generate(7).digest
    assert len({generate(seed).digest for seed in range(40)}) == 40
    assert generate(7).name == "random_7"


def test_tracks_vary() -> None:
    tracks = [generate(seed) for seed in range(60)]
    clockwise = sum(not track.is_ccw for track in tracks)
    assert 15 < clockwise < 45
    curvature = [track.curvature(np.arange(0, track.length, 0.05)) for track in tracks]
    both_sides = sum((k.min() < -0.5) and (k.max() > 0.5) for k in curvature)
    assert both_sides > 30
    straights = [float((np.abs(k) < 0.05).mean()) for k in curvature]
    assert min(straights) < 0.3 and max(straights) > 0.5
    # A hairpin turns by 170 degrees within 2.5 m.
    window = np.ones(50) * 0.05
    turned = [np.abs(np.convolve(np.concatenate((k, k[:50])), window, "valid")).max() for k in curvature]
    assert sum(turn > np.radians(170) for turn in turned) > 15


REFUSED = {
    "too short for the width": (dict(length=5.0, width=2.0), "length 5 m is outside"),
    "too short for the radius": (dict(length=10.0, min_radius=3.0), "bends of 3"),
    "too long": (dict(length=1e6), "outside"),
    "too narrow": (dict(width=0.05), "width 0.05 m is outside 0.2 to 5 m"),
    "no width": (dict(width=-1.0), "width"),
    "nan": (dict(length=float("nan")), "finite"),
    "text": (dict(length="20"), "finite numbers"),
    "no radius": (dict(min_radius=0.0), "min_radius"),
    "no gap": (dict(gap=-0.1), "gap"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_impossible_sizes_are_refused_in_one_line(case: str) -> None:
    sizes, text = REFUSED[case]
    with pytest.raises(TrackError, match=text) as caught:
        generate(0, **sizes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None])
def test_seeds_are_whole_numbers(seed: object) -> None:
    with pytest.raises(TrackError, match="seed"):
        generate(seed)  # type: ignore[arg-type]
