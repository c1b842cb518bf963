"""Road coordinates against shapely, and what a track refuses."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from hairpin.tracks import Track, TrackError, generate, load_track
from hairpin.tracks.geometry import Polyline

REAL = ["reinvent_base", "Bowtie_track", "AWS_track", "Tokyo_Training_track", "reInvent2019_track_cw"]
unit_interval = st.floats(0, 1, exclude_max=True)


def ring(count: int = 40, width: float = 0.8, ccw: bool = True, radius: float = 2.0) -> np.ndarray:
    """Waypoints (count + 1, 6) of a circular road."""
    angle = np.linspace(0, 2 * np.pi, count + 1) * (1 if ccw else -1)
    out = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    rows = np.hstack([out * r for r in (radius, radius - width / 2, radius + width / 2)])
    rows[-1] = rows[0]
    return rows


def straight(length: float = 6.0) -> np.ndarray:
    x = np.linspace(0, length, 13)
    return np.column_stack((x, 0 * x, x, 0 * x + 0.4, x, 0 * x - 0.4))


def with_repeated_point(rows: np.ndarray, row: int = 7) -> np.ndarray:
    return np.insert(rows, row, rows[row], axis=0)


TRACKS = [
    Track("ccw", ring()),
    Track("cw", ring(ccw=False)),
    Track("repeated", with_repeated_point(with_repeated_point(ring()))),
    Track("open", with_repeated_point(straight())),
    load_track("serpent"),
    generate(3),
    generate(4).reversed(),
]
tracks = st.sampled_from(TRACKS)


def line_of(track: Track) -> shapely.Geometry:
    return (shapely.LinearRing if track.closed else shapely.LineString)(track.center)


@given(tracks, unit_interval, unit_interval)
@settings(max_examples=300, deadline=None)
def test_projection_and_interpolation_are_shapelys(track: Track, across: float, up: float) -> None:
    low, high = track.outer.min(axis=0) - 1, track.outer.max(axis=0) + 1
    point = low + (across, up) * (high - low)
    line, shape = line_of(track), shapely.Point(point)
    s, d = track.to_road(point)
    assert abs(d) == pytest.approx(line.distance(shape), abs=1e-9)
    foot, expected = track.to_world(s), line.interpolate(line.project(shape)).coords[0]
    # Far from the road two places can be equally near; then either is the nearest point.
    assert np.allclose(foot, expected, atol=1e-6) or np.isclose(
        np.linalg.norm(foot - point), line.distance(shape), atol=1e-9
    )


@given(tracks, unit_interval, st.floats(-0.2, 0.2))
@settings(max_examples=300, deadline=None)
def test_road_coordinates_lead_there_and_back(track: Track, lap: float, d: float) -> None:
    point = track.to_world(lap * track.length, d)
    again = track.to_world(*track.to_road(point))
    assert np.linalg.norm(again - point) < 0.35 * abs(d) + 1e-9  # vertices turn by up to 0.3 rad
    assert track.to_road(point)[1] == pytest.approx(d, abs=0.01)


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.name)
def test_road_coordinates_are_exact_beside_a_segment(track: Track) -> None:
    middle = ((track.stations[1:] + track.stations[:-1]) / 2)[np.diff(track.stations) > 0]
    for offset in (-0.1, 0.0, 0.1):
        s, d = track.to_road(track.to_world(middle, offset))
        assert_allclose(s, middle, atol=1e-9)
        assert_allclose(d, offset, atol=1e-9)


@pytest.mark.parametrize("name", REAL)
def test_projection_of_real_tracks_is_shapelys(deepracer_data, name: str) -> None:
    track = load_track(deepracer_data / "tracks" / f"{name}.npy")
    rng = np.random.default_rng(0)
    points = track.center[rng.integers(0, len(track.center), 500)] + rng.normal(0, 0.2, (500, 2))
    s, d = track.to_road(points)
    line, shapes = line_of(track), shapely.points(points)
    assert_allclose(s, shapely.line_locate_point(line, shapes), atol=1e-9)
    assert_allclose(np.abs(d), shapely.distance(line, shapes), atol=1e-12)
    center = shapely.line_interpolate_point(line, s)
    inner, outer = shapely.LinearRing(track.inner), shapely.LinearRing(track.outer)
    a = shapely.line_interpolate_point(inner, shapely.line_locate_point(inner, center))
    b = shapely.line_interpolate_point(outer, shapely.line_locate_point(outer, center))
    assert_allclose(track.width(s), shapely.distance(a, b), atol=1e-9)


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.name)
def test_direction_and_area_are_shapelys(track: Track) -> None:
    if track.closed:
        assert track.is_ccw == shapely.is_ccw(line_of(track))
    assert track.reversed().is_ccw != track.is_ccw
    assert track.length == pytest.approx(line_of(track).length, rel=1e-12)


def test_every_function_takes_scalars_lists_and_grids() -> None:
    track = TRACKS[0]
    assert track.heading(1.0).shape == () and track.to_world(1.0).shape == (2,)
    assert track.to_world([1.0, 2.0], [0.1, -0.1]).shape == (2, 2)
    s, d = track.to_road(np.zeros((3, 4, 2)))
    assert s.shape == d.shape == (3, 4)
    for function in (track.heading, track.curvature, track.width):
        assert function(np.zeros((3, 4))).shape == (3, 4)


def test_large_batches_equal_single_points() -> None:
    track, rng = generate(1), np.random.default_rng(1)
    points = rng.uniform(-5, 5, (5000, 2))
    s, d = track.to_road(points)
    for index in range(0, 5000, 501):
        assert (s[index], d[index]) == track.to_road(points[index])


def test_d_is_positive_on_the_left_and_zero_on_every_waypoint() -> None:
    for track in TRACKS:
        left, right = (track.inner, track.outer) if track.is_ccw else (track.outer, track.inner)
        assert (track.to_road(left)[1] > 0).all() and (track.to_road(right)[1] < 0).all()
        assert_array_equal(track.to_road(track.center)[1], 0.0)


def test_left_and_right_hold_at_a_sharp_vertex() -> None:
    # The road turns left by 127 degrees; both points lie outside the bend, nearest to its vertex.
    corner = np.array([[0, 0], [4, 0], [2.5, 2], [-2, 2]], dtype=float)
    _, d = Polyline(corner, closed=False).project([[4.3, -0.3], [4.3, 0.2]])
    assert (d < 0).all()


def test_closed_tracks_wrap_and_open_ones_clamp() -> None:
    closed, opened = Track("c", ring()), Track("o", straight())
    assert_allclose(closed.to_world(closed.length + 1.0), closed.to_world(1.0), atol=1e-12)
    assert_allclose(closed.to_world(-1e-20), closed.center[0], atol=1e-12)
    assert_allclose(opened.to_world([-3.0, 99.0]), [[0, 0], [6, 0]])
    assert opened.to_road([8.0, 0.0])[0] == 6.0 and opened.to_road([-1.0, 0.0])[0] == 0.0
    assert closed.to_road(closed.center[-1])[0] == 0.0


def test_heading_points_to_the_next_waypoint_past_repeated_points() -> None:
    track = Track("r", with_repeated_point(ring(), 7))
    ahead = track.center[9] - track.center[8]
    assert track.heading(track.stations[7]) == pytest.approx(np.arctan2(ahead[1], ahead[0]))
    assert np.isfinite(track.heading(track.stations)).all()


@pytest.mark.parametrize(("ccw", "sign"), [(True, 1), (False, -1)])
def test_curvature_of_a_circle_is_one_over_its_radius(ccw: bool, sign: int) -> None:
    track = Track("c", with_repeated_point(ring(200, ccw=ccw)))
    assert_allclose(track.curvature(np.linspace(0, track.length, 500)), sign / 2.0, rtol=0.01)
    assert track.min_radius == pytest.approx(2.0, rel=0.01)


def test_curvature_of_coarse_real_tracks_is_near_that_of_their_bends(deepracer_data) -> None:
    track = load_track(deepracer_data / "tracks" / "reinvent_base.npy")
    assert 0.55 < track.min_radius < 0.75
    on_straight = track.curvature(np.linspace(0.3, 2.3, 20))
    assert np.abs(on_straight).max() < 0.05
    assert load_track(deepracer_data / "tracks" / "Straight_track.npy").min_radius == np.inf


def test_reversed_is_the_same_road_the_other_way() -> None:
    track = load_track("reinvent_2018")
    back = track.reversed()
    assert_array_equal(back.waypoints, track.waypoints[::-1])
    assert back.name == track.name and back.digest != track.digest
    s, d = back.to_road(track.to_world(1.0, 0.2))
    assert s == pytest.approx(track.length - 1.0) and d == pytest.approx(-0.2)
    assert np.cos(back.heading(s) - track.heading(1.0)) == pytest.approx(-1)
    assert back.reversed().digest == track.digest


def test_tracks_are_frozen_and_survive_pickling() -> None:
    rows = ring()
    track = Track("c", rows)
    rows[0, 0] = 99.0
    assert track.center[0, 0] == 2.0
    with pytest.raises(ValueError, match="read-only"):
        track.waypoints[0, 0] = 1.0
    again = pickle.loads(pickle.dumps(track))
    assert again.digest == track.digest and not again.waypoints.flags.writeable


def _bad(change) -> np.ndarray:
    rows = ring()
    return change(rows)


def _swap_half(rows: np.ndarray) -> np.ndarray:
    rows[20:40, 2:] = rows[20:40][:, [4, 5, 2, 3]]
    return rows


def _cross_borders(rows: np.ndarray) -> np.ndarray:
    rows[10:14, 2:4] *= 2.0
    return rows


def _set(row: int, column: int, value: float):
    def change(rows: np.ndarray) -> np.ndarray:
        rows[row, column] = value
        return rows

    return change


def _figure_eight(rows: np.ndarray) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 61)
    center = np.stack((3 * np.sin(t), 2 * np.sin(2 * t)), axis=1)
    ahead = np.stack((3 * np.cos(t), 4 * np.cos(2 * t)), axis=1)
    left = np.stack((-ahead[:, 1], ahead[:, 0]), axis=1) / np.linalg.norm(ahead, axis=1)[:, None]
    eight = np.hstack((center, center + 0.3 * left, center - 0.3 * left))
    eight[-1] = eight[0]
    return eight


REFUSED = {
    "shape": (lambda rows: rows[:, :4], r"shape \(41, 4\)"),
    "few": (lambda rows: rows[:3], "3 waypoints"),
    "nan": (_set(5, 3, np.nan), "row 5, column 3 is nan"),
    "inf": (_set(6, 0, np.inf), "row 6, column 0 is inf"),
    "swapped half way": (_swap_half, "row 20: the borders swap sides"),
    "swapped": (lambda rows: rows[:, [0, 1, 4, 5, 2, 3]], "swapped"),
    "crossed": (_cross_borders, "row 10"),
    "no width": (lambda rows: rows[:, [0, 1] * 3], "wide"),
    "one border": (lambda rows: rows[:, [0, 1, 2, 3, 2, 3]], "one side"),
    "no length": (lambda rows: np.repeat(rows[:1], 9, axis=0), "no length"),
    "figure eight": (_figure_eight, "cross|swap"),
    "millimetres": (lambda rows: rows * 1000, "millimetres"),
    "centimetres": (lambda rows: rows * 100, "centimetres"),
    "full size": (lambda rows: rows * 15, "full-size"),
    "kilometres": (lambda rows: rows / 1000, "metres"),
    "far away": (lambda rows: rows + 1e6, "origin"),
    "half closed": (_set(-1, 2, 1.59), "repeat the whole row"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_road_is_refused_in_one_line(case: str) -> None:
    change, text = REFUSED[case]
    with pytest.raises(TrackError, match=text) as caught:
        Track("bad", change(ring()))
    assert "\n" not in str(caught.value)


def test_not_numbers_are_refused() -> None:
    with pytest.raises(TrackError, match="not rows of 6 numbers"):
        Track("bad", [["a"] * 6] * 5)
    with pytest.raises(TrackError, match="not rows of 6 numbers"):
        Track("bad", [[1.0, 2.0], [1.0]])


def test_importing_tracks_brings_in_numpy_alone() -> None:
    heavy = "'cv2', 'matplotlib', 'shapely', 'scipy'"
    code = f"import sys, hairpin.tracks; print([m for m in ({heavy}) if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
