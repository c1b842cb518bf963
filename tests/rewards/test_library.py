"""The built-in rewards, and twenty functions in the styles of the community, over a whole lap."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from hairpin.rewards import check, evaluate, is_stateful, library, resolve

COMMUNITY = sorted((Path(__file__).parent / "community").glob("*.py"))
WITH_STATE = {
    "racing_line_class",
    "class_attribute_state",
    "globals_history",
    "shapely_line",
    "pursuit_nested",
    "milestones_sparse",
    "pid_heading_numpy",
    "racing_line_reinvent",
    "smooth_deque",
    "squared_progress",
    "time_penalty",
}


def drive(reward, steps):
    return np.array([evaluate(reward, copy.deepcopy(step))[0] for step in steps])


@pytest.mark.parametrize("name", library())
def test_good_driving_pays_about_one_a_step(name, lap) -> None:
    paid = drive(resolve(name), lap)
    assert paid[0] >= 0 and (paid[1:] > 0).all()
    assert 0.2 < paid.mean() < 3.0


@pytest.mark.parametrize("name", library())
def test_leaving_the_track_never_pays(name, lap, make_params) -> None:
    reward = resolve(name)
    on = drive(reward, lap[:10])
    last = {"steps": 12.0, "progress": lap[9]["progress"]}
    off = drive(reward, [make_params(1.0, side * 0.7, **last) for side in (-1, 1)])
    assert off.max() < 0.1 * on.mean()


@pytest.mark.parametrize("name", library())
def test_laps_follow_each_other(name, lap) -> None:
    reward = resolve(name)
    np.testing.assert_allclose(drive(reward, lap), drive(reward, lap))


def test_progress_per_step_pays_for_metres_and_starts_anew(make_params) -> None:
    reward = resolve("progress_per_step")
    length = make_params()["track_length"]
    places = [0.02, 0.12, 0.32, 0.22]
    steps = [make_params(s, steps=2.0 + i) for i, s in enumerate(places)]
    assert drive(reward, steps) == pytest.approx([0.0, 1.0, 2.0, -1.0])
    # A new lap within the same episode: from 99.9 % to the first metres.
    across = [make_params(length - 0.05, steps=90.0), make_params(0.05, steps=91.0)]
    assert drive(reward, across)[1] == pytest.approx(1.0)


def test_the_centre_pays_more_than_the_side(make_params) -> None:
    for name in (
        "center_line",
        "waypoint_heading",
        "speed_by_curvature",
        "smooth_steering",
        "avoid_objects",
    ):
        middle, side = drive(resolve(name), [make_params(3.0), make_params(3.0, 0.25)])
        assert middle > side, name


def test_heading_along_the_track_pays_more_in_the_mirror_too(make_params) -> None:
    for name in ("waypoint_heading", "racing_line"):
        steps = [make_params(0.5, 0.0, turn, steering_angle=0.0) for turn in (0.0, 0.5, -0.5, 3.0)]
        along, left, right, back = drive(resolve(name), steps)
        assert along > max(left, right) > back, name


def test_speed_by_curvature_is_slow_in_bends_and_fast_on_straights(make_params) -> None:
    reward = resolve("speed_by_curvature")
    straight = drive(reward, [make_params(0.1, speed=v) for v in (1.0, 3.0)])
    bend = drive(reward, [make_params(4.0, speed=v) for v in (1.0, 3.0)])
    assert straight[1] > straight[0] and bend[0] > bend[1]


def test_a_repeated_waypoint_is_no_trouble(make_params) -> None:
    params = make_params(2.0)
    at = params["closest_waypoints"][1]
    params["waypoints"].insert(at, params["waypoints"][at])
    for name in library():
        assert np.isfinite(drive(resolve(name), [params])).all()


def test_an_object_ahead_on_the_same_side_costs(make_params) -> None:
    def step(x_ahead, left):
        params = make_params(0.5, 0.15)
        place, far = [params["x"] + x_ahead, params["y"]], [params["x"] - 9.0, params["y"]]
        order = [1, 0] if x_ahead > 0 else [0, 1]
        return {
            **params,
            "objects_location": [place, far],
            "objects_left_of_center": [left, left],
            "closest_objects": order,
        }

    far, ahead, nearer, other_side, behind = drive(
        resolve("avoid_objects"),
        [step(3.0, True), step(1.2, True), step(0.6, True), step(0.6, False), step(-0.85, True)],
    )
    assert nearer < 0.2 * ahead < 0.2 * far and behind == far
    assert other_side > 0.85 * far


def test_avoid_objects_goes_by_where_an_object_is_and_waits_until_the_tail_is_past(make_params) -> None:
    def pay(ahead, aside, left, **more):
        params = make_params(0.5, aside)
        place, far = [params["x"] + ahead, params["y"]], [params["x"] - 9.0, params["y"]]
        objects = {"objects_location": [place, far], "objects_left_of_center": [left, left]}
        order = [1, 0] if ahead > 0 else [0, 1]
        return drive(resolve("avoid_objects"), [{**params, **objects, "closest_objects": order, **more}])[0]

    # Half past the middle of a box, the car's tail is still beside it.
    assert pay(-0.5, 0.15, True) < 0.3 * pay(-0.5, -0.15, True)
    # A car that changes lanes is in the middle: beside its lane is not beside it.
    in_the_middle = {"objects_distance_from_center": [0.01, 0.2]}
    assert pay(0.5, -0.15, True, **in_the_middle) < 0.5 * pay(0.5, -0.15, True)


@pytest.mark.parametrize("path", COMMUNITY, ids=lambda path: path.stem)
def test_community_functions_run_unchanged(path, lap, situations, make_params) -> None:
    reward = resolve(path)
    paid = drive(reward, lap)
    assert np.isfinite(paid).all()
    report = check(resolve(path), situations)
    assert report.ok and len(set(report.rewards.values())) > 1
    assert report.stateful == (path.stem in WITH_STATE)


@pytest.mark.parametrize("path", COMMUNITY, ids=lambda path: path.stem)
def test_community_functions_run_as_windows_saves_them(path, lap, tmp_path) -> None:
    saved = tmp_path / path.name
    saved.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(drive(resolve(saved), lap[:20]), drive(resolve(path), lap[:20]))


@pytest.mark.parametrize("path", COMMUNITY, ids=lambda path: path.stem)
def test_interleaved_cars_are_paid_as_if_alone(path, lap) -> None:
    alone = drive(resolve(path), lap[:30])
    shared = resolve(path)
    cars = [resolve(path), resolve(path)] if is_stateful(shared) else [shared, shared]
    paid = [[evaluate(car, copy.deepcopy(step))[0] for car in cars] for step in lap[:30]]
    np.testing.assert_array_equal(np.array(paid), np.stack([alone, alone], axis=1))


def test_there_are_twenty_of_them() -> None:
    assert len(COMMUNITY) == 20
