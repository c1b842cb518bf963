"""The built-in tracks: all drivable, both ways, and what their names promise."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from hairpin.tracks import load_track, track_names

# The wheelbase of 0.164 m turns on 0.285 m at 30 degrees of steering; a lap needs more than that.
TIGHTEST = 0.45


@pytest.mark.parametrize("name", track_names())
@pytest.mark.parametrize("way", ["as drawn", "reversed"])
def test_a_car_can_drive_it(name: str, way: str) -> None:
    track = load_track(name) if way == "as drawn" else load_track(name).reversed()
    assert track.name == name and track.title and track.closed
    assert track.min_radius >= TIGHTEST
    step = np.diff(track.stations)
    assert step.min() > 0.09 and step.max() < 0.21
    center, inner, outer = (shapely.LinearRing(line) for line in (track.center, track.inner, track.outer))
    assert center.is_simple and inner.is_simple and outer.is_simple
    road = shapely.Polygon(outer, [inner])
    assert road.is_valid and road.contains(center)
    # No two parts of the road touch: its area is that of a band of this length and width.
    width = float(np.median(track.width(track.stations)))
    assert road.area == pytest.approx(track.length * width, rel=0.01)


@pytest.mark.parametrize("name", track_names())
def test_the_start_is_on_a_straight(name: str) -> None:
    track = load_track(name)
    assert np.abs(track.curvature(np.linspace(-0.1, 0.1, 9))).max() < 0.01


def test_there_are_both_ways_round_and_easy_and_hard_ones() -> None:
    tracks = {name: load_track(name) for name in track_names()}
    assert len(tracks) >= 7
    assert {track.is_ccw for track in tracks.values()} == {True, False}
    widths = {name: float(np.median(track.width(track.stations))) for name, track in tracks.items()}
    assert widths["alley"] < 0.6 and widths["meadow"] > 1.1 and tracks["meadow"].min_radius > 1.2
    assert tracks["serpent"].min_radius < 0.5


def test_reinvent_2018_has_the_measures_of_the_original(deepracer_data) -> None:
    track = load_track("reinvent_2018")
    original = load_track(deepracer_data / "tracks" / "reinvent_base.npy")
    assert track.length == pytest.approx(17.6, abs=0.01)
    assert np.median(track.width(track.stations)) == pytest.approx(0.76, abs=0.005)
    assert track.min_radius == pytest.approx(original.min_radius, abs=0.1)
    places = np.linspace(0, 1, 400)
    bends = [np.sort(t.curvature(places * t.length)) for t in (track, original)]
    assert np.abs(bends[0] - bends[1]).mean() < 0.15  # as many bends, as sharp, to the same sides
    # Our own drawing: no point of it lies on a point of the original.
    assert np.linalg.norm(track.center[:, None] - original.center, axis=2).min(axis=1).mean() > 0.3


def test_grand_prix_is_long_with_hairpin_chicane_and_straight() -> None:
    track = load_track("grand_prix")
    s = np.arange(0, track.length, 0.05)
    curvature = track.curvature(s)
    assert track.length >= 40
    turned = np.convolve(np.concatenate((curvature, curvature[:100])) * 0.05, np.ones(80), "valid")
    assert turned.max() > np.radians(170) or turned.min() < -np.radians(170)  # a hairpin within 4 m
    straight = max(
        len(part)
        for part in "".join("s" if abs(k) < 0.02 else "b" for k in np.roll(curvature, 400)).split("b")
    )
    assert straight * 0.05 > 5.0
    sharp = np.flatnonzero(np.abs(curvature) > 0.5)
    sides = np.sign(curvature[sharp])
    flips = (np.diff(sides) != 0) & (np.diff(s[sharp]) < 1.5)
    assert flips.sum() >= 2  # left and right in quick succession, more than once
