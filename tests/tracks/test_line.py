"""Racing lines against what can be worked out by hand, and against the road."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LinearRing, Point, Polygon

from hairpin.tracks import Track, TrackError, generate, load_track
from hairpin.tracks.line import TOLERANCE, CarLimits, RacingLine, racing_line
from hairpin.tracks.line_actions import FEWEST, MOST, line_actions
from hairpin.tracks.line_file import save_line

HALF, LENGTH = 0.08, 0.16
CAR = CarLimits(
    friction=0.9, max_speed=4.0, acceleration=4.0, max_steering=0.52, steering_tau=0.07,
    front=LENGTH / 2, rear=LENGTH / 2, cog_height=0.04, gyration=0.02, reference=0.14,
    wheels=tuple((x, y) for x in (-LENGTH / 2, LENGTH / 2) for y in (-HALF, HALF)),
)  # fmt: skip


def ring(radius: float = 2.0, half: float = 0.3) -> Track:
    angle = np.linspace(0.0, 2 * np.pi, 181)
    way = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    way[-1] = way[0]
    return Track("ring", np.hstack([way * r for r in (radius, radius - half, radius + half)]))


def straight(length: float = 6.0) -> Track:
    x = np.linspace(0.0, length, 61)
    return Track("straight", np.stack([x, 0 * x, x, 0 * x + 0.4, x, 0 * x - 0.4], axis=1))


@pytest.fixture(scope="module")
def alley() -> RacingLine:
    return racing_line(load_track("alley"), CAR)


def test_round_a_ring_at_the_speed_limit_the_line_is_the_inner_border() -> None:
    found = racing_line(ring(), dataclasses.replace(CAR, max_speed=2.0))
    radius = 2.0 - 0.3 + HALF  # of the rear axle, whose inner wheel touches
    assert found.lap_time == pytest.approx(2 * np.pi * radius / 2.0, rel=1e-3)
    assert found.steering.mean() == pytest.approx(np.arctan(LENGTH / radius), rel=0.01)


def test_round_a_ring_at_the_limit_of_grip() -> None:
    found = racing_line(ring(1.2), dataclasses.replace(CAR, acceleration=20.0, cog_height=0.0))
    radius = 1.2 - 0.3 + HALF
    speed = np.sqrt(CAR.friction * CAR.gravity * np.hypot(radius, LENGTH / 2))  # of the middle
    assert found.lap_time == pytest.approx(2 * np.pi * np.hypot(radius, LENGTH / 2) / speed, rel=3e-3)


def test_a_straight_is_driven_with_all_that_the_motor_gives() -> None:
    found = racing_line(straight(), CAR, step=0.02)
    first = float(found.speed[0])
    to_full = (4.0**2 - first**2) / (2 * 4.0)
    assert found.lap_time == pytest.approx((4.0 - first) / 4.0 + (6.0 - to_full) / 4.0, rel=3e-3)
    assert not found.track.closed and len(found.time) == len(found.pose)


def test_a_finer_grid_changes_little() -> None:
    track = load_track("oval")
    coarse, normal, fine = (racing_line(track, CAR, step=step).lap_time for step in (0.16, 0.08, 0.04))
    assert abs(normal - fine) / fine < 1e-3
    assert abs(normal - fine) <= abs(coarse - fine) + 1e-3


@pytest.mark.parametrize("reverse", [False, True])
def test_all_wheels_stay_on_the_road(reverse: bool) -> None:
    track = load_track("serpent")
    found = racing_line(track, CAR, reverse=reverse)
    assert off_road(found) <= TOLERANCE + 1e-6
    heading = found.track.heading(found.s)
    assert (np.cos(found.pose[:, 2] - heading) > 0.5).all()  # it goes the way that is asked for


def test_both_ways_round_are_equally_fast(alley: RacingLine) -> None:
    other = racing_line(load_track("alley"), CAR, reverse=True)
    assert other.lap_time == pytest.approx(alley.lap_time, rel=5e-3)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_every_generated_track_has_a_line(seed: int) -> None:
    found = racing_line(generate(seed, 14.0, 0.8, min_radius=0.5), CAR)
    assert off_road(found) <= 2 * TOLERANCE
    mean = found.track.length / found.lap_time
    assert 1.5 < mean < 1.2 * CAR.max_speed
    assert found.speed.max() <= CAR.max_speed + 1e-6


def test_less_of_anything_is_slower(alley: RacingLine) -> None:
    for less in ({"friction": 0.6}, {"max_speed": 2.5}, {"acceleration": 2.0}):
        assert racing_line(alley.track, dataclasses.replace(CAR, **less)).lap_time > alley.lap_time


def test_what_cannot_be_driven_is_said_in_a_line() -> None:
    wide = dataclasses.replace(CAR, wheels=((0.0, 0.35), (0.0, -0.35)))
    with pytest.raises(TrackError, match=r"0\.6\d m wide at .*, too narrow for a car of 0\.70 m"):
        racing_line(ring(), wide)
    with pytest.raises(TrackError, match="friction is -1"):
        dataclasses.replace(CAR, friction=-1)
    with pytest.raises(TrackError, match="step is 5"):
        racing_line(ring(), CAR, step=5)


@pytest.mark.parametrize("count", [FEWEST, 10, MOST])
def test_actions_are_distinct_possible_and_let_a_car_come_back(alley: RacingLine, count: int) -> None:
    chosen = line_actions(alley, count)
    assert len(set(chosen)) == count
    lock = np.degrees(CAR.max_steering)
    steering, speed = np.array(chosen).T
    assert (np.abs(steering) <= lock + 0.5).all() and (speed > 0).all() and (speed <= 4.0).all()
    assert (0.0, 4.0) in chosen
    for side in (1, -1):
        hardest = speed[steering == round(side * lock)]
        assert len(hardest) and hardest.min() < alley.speed.min()
    assert chosen == line_actions(alley, count)


def test_even_a_slow_straight_gives_so_many_actions() -> None:
    found = racing_line(straight(), dataclasses.replace(CAR, max_speed=0.5))
    assert len(set(line_actions(found, MOST))) == MOST
    with pytest.raises(TrackError, match="3 actions: give 5 to 30"):
        line_actions(found, 3)


def test_the_table_holds_the_line(alley: RacingLine, tmp_path) -> None:
    save_line(alley, tmp_path / "line.csv")
    head, *rows = (tmp_path / "line.csv").read_text().splitlines()
    table = np.array([[float(cell) for cell in row.split(",")] for row in rows])
    named = dict(zip(head.split(","), table.T, strict=True))
    np.testing.assert_allclose(named["speed_mps"], alley.speed, atol=1e-4)
    np.testing.assert_allclose(np.stack((named["x_m"], named["y_m"]), axis=1), alley.point, atol=1e-4)
    np.testing.assert_allclose(np.radians(named["steering_deg"]), alley.steering, atol=1e-5)
    with pytest.raises(TrackError, match=r"write a \.csv or \.py file, not '\.txt'"):
        save_line(alley, tmp_path / "line.txt")
    with pytest.raises(TrackError, match="No such file"):
        save_line(alley, tmp_path / "nowhere" / "line.csv")


def off_road(line: RacingLine) -> float:
    """How far the worst wheel's centre is off the road [m]; by shapely."""
    outer, inner = Polygon(line.track.outer), Polygon(line.track.inner)
    edges = LinearRing(line.track.outer), LinearRing(line.track.inner)
    worst = 0.0
    for x, y, yaw in line.pose:
        for wx, wy in line.limits.wheels:
            wheel = Point(x + wx * np.cos(yaw) - wy * np.sin(yaw), y + wx * np.sin(yaw) + wy * np.cos(yaw))
            if not outer.contains(wheel):
                worst = max(worst, wheel.distance(edges[0]))
            if inner.contains(wheel):
                worst = max(worst, wheel.distance(edges[1]))
    return worst
