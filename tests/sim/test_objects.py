"""Objects on the track: where they stand, what params say about them, who runs into one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from driving import place_on, pursue, tiny_world
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon
from shapely.geometry import LinearRing

from hairpin.sim import Bots, Obstacles, Randomization, SimError, World, make_config
from hairpin.sim.chassis import BODY_CORNERS, FRONT_POINT
from hairpin.sim.contact import collides, overlap, touched
from hairpin.sim.episode import Start
from hairpin.sim.lanes import make_lanes, pose_in_lane
from hairpin.sim.objects import BOX_BUFFER, OBJECT_DTYPE, Kind
from hairpin.sim.routes import make_routes
from hairpin.tracks import load_track

BOXES = {"race": "object_avoidance"}
BOTS = {"race": "head_to_bot"}
NAMES = ("oval", "reinvent_2018", "serpent")
ROUTES = {name: make_routes([load_track(name)]) for name in NAMES}


def rectangle(x: float, y: float, yaw: float, half: tuple[float, float]) -> Polygon:
    turn = np.array([[math.cos(yaw), math.sin(yaw)], [-math.sin(yaw), math.cos(yaw)]])
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    return Polygon((signs * half) @ turn + [x, y])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reverse", [False, True])
def test_lanes_are_halfway_between_centre_line_and_borders(name: str, reverse: bool) -> None:
    routes = ROUTES[name]
    track, lanes = routes.tracks[int(reverse)], make_lanes(routes)
    center = LinearRing(track.center)
    for lane, border in ((1, track.inner), (-1, track.outer)):
        line = LinearRing((track.center + border) / 2)
        for s in np.linspace(0.0, track.length, 40, endpoint=False):
            at = line.interpolate(line.project(center.interpolate(s)))  # as in the original
            x, y, yaw = pose_in_lane(routes, lanes, int(reverse), float(s), lane)
            assert line.distance(Point(x, y)) < 1e-9
            assert math.hypot(x - at.x, y - at.y) < 0.06
            assert abs(math.remainder(yaw - float(track.heading(s)), math.tau)) < 0.7


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 6), name=st.sampled_from(NAMES))
def test_drawn_boxes_keep_their_distances_and_let_the_car_start(seed: int, count: int, name: str) -> None:
    world = tiny_world(
        track=name,
        start="random",
        direction="both",
        seed=seed,
        obstacles=count,
        randomization="mild",
        **BOXES,
    )
    length = float(world.routes.length[world.route[0]])
    s = np.sort(np.array(world.params(np.zeros((1, 2)), [0])[0]["objects_distance"]))
    gaps = np.diff(np.append(s, s[0] + length))
    assert count == 1 or (gaps > 2.0 - 0.15).all()  # a lane's point projects a little off the place drawn
    begin = float(world.places["position"][0]) * length - FRONT_POINT
    assert (np.abs((s - begin + length / 2) % length - length / 2) > 0.8).all()
    assert not collides(*world.pose[0], world.objects[0], BOX_BUFFER)


def test_boxes_that_are_not_drawn_stand_at_equal_distances_in_alternating_lanes() -> None:
    world = tiny_world(obstacles=Obstacles(count=4, randomize=False), **BOXES)
    params = world.params(np.zeros((1, 2)), [0])[0]
    expected = np.linspace(2.0, params["track_length"] - 1.0, 4)
    assert params["objects_distance"] == pytest.approx(expected, abs=0.05)
    inner = params["objects_left_of_center"][0]
    assert params["objects_left_of_center"] == [inner, not inner, inner, not inner]
    assert inner == bool(world.routes.is_ccw[world.route[0]])


def test_a_car_starts_in_the_other_lane_of_an_object_that_is_near() -> None:
    for lane in (1, -1):
        world = tiny_world(obstacles=Obstacles(positions=((0.03, lane),)), **BOXES)
        left = bool(world.places["left"][0])
        assert left == ((lane == -1) == bool(world.routes.is_ccw[world.route[0]]))
        assert world.places["center_distance"][0] == pytest.approx(world.places["width"][0] / 4, abs=0.03)


def test_a_car_starts_farther_back_where_both_lanes_are_taken() -> None:
    both = Obstacles(positions=((0.0, 1), (0.0, -1)))
    world = tiny_world(obstacles=both, **BOXES)
    assert not collides(*world.pose[0], world.objects[0], BOX_BUFFER)
    assert 0.3 < (1.0 - world.places["position"][0]) * world.routes.length[0] < 2.0
    with pytest.raises(SimError, match="no place to start"):
        tiny_world(
            obstacles=Obstacles(positions=tuple((k / 60, 1 - 2 * (k % 2)) for k in range(60))), **BOXES
        )


def test_draws_of_objects_come_after_all_others() -> None:
    plain = tiny_world(3, start="random", randomization="full", direction="both")
    boxes = tiny_world(3, start="random", randomization="full", direction="both", **BOXES)
    np.testing.assert_array_equal(plain.car, boxes.car)
    np.testing.assert_array_equal(plain.view, boxes.view)
    np.testing.assert_array_equal(plain.route, boxes.route)
    assert len(np.unique(boxes.objects["color"])) > 9 and plain.objects.shape == (3, 0)


def corners_of(world: World, car: int, m: int) -> Polygon:
    one = world.objects[car, m]
    buffer = BOX_BUFFER if one["kind"] == Kind.BOX else 0.0
    return rectangle(
        one["x"], one["y"], one["yaw"], (one["half_length"] + buffer, one["half_width"] + buffer)
    )


@pytest.mark.parametrize("race", [BOXES, BOTS], ids=["boxes", "bots"])
@pytest.mark.parametrize("name", NAMES)
def test_params_of_objects_are_shapely_s(name: str, race: dict[str, Any]) -> None:
    world = tiny_world(20, track=name, start="random", direction="both", randomization="mild", **race)
    for _ in range(3):
        world.drive(pursue(world))
    for i, params in enumerate(world.params(np.zeros((20, 2)), range(20))):
        track = world.routes.tracks[world.route[i]]
        center = LinearRing(track.center)
        half = Polygon(track.center, [track.inner])
        ccw = bool(world.routes.is_ccw[world.route[i]])
        points = [Point(p) for p in params["objects_location"]]
        objects = world.objects[i]
        assert params["objects_location"] == np.column_stack([objects["x"], objects["y"]]).tolist()
        for p, s in zip(points, params["objects_distance"], strict=True):
            # A lane's corner is as near to one segment of the centre line as to the next.
            assert s == pytest.approx(center.project(p)) or center.interpolate(s).distance(
                p
            ) == pytest.approx(center.distance(p), abs=1e-9)
        assert params["objects_distance_from_center"] == pytest.approx([center.distance(p) for p in points])
        assert params["objects_left_of_center"] == [half.contains(p) ^ (not ccw) for p in points]
        is_box = race is BOXES
        assert params["objects_speed"] == ([0.0] * len(points) if is_box else [0.2] * len(points))
        assert params["objects_heading"] == ([0.0] * len(points) if is_box else objects["yaw"].tolist())
        own = center.project(Point(params["x"], params["y"]))
        order = np.argsort(params["objects_distance"])
        after = int(np.searchsorted(np.array(params["objects_distance"])[order], own, side="right"))
        expected = [int(order[after - 1]), int(order[after % len(order)])]
        assert params["closest_objects"] == expected
        assert {type(k) for k in params["closest_objects"]} == {int}
        assert {type(k) for k in params["objects_left_of_center"]} == {bool}


def seen_by_the_original(world: World, car: int, m: int) -> bool:
    """The frustum of markov/cameras/frustum.py, by its planes."""
    x, y, yaw = world.pose[car]
    cos, sin, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(0.2618), math.sin(0.2618)
    eye = np.array([x + 0.14529379 * cos, y + 0.14529379 * sin, 0.13032555])
    forward, up = np.array([cos * cp, sin * cp, -sp]), np.array([cos * sp, sin * sp, cp])
    right = np.cross(forward, up)
    wide = math.tan(1.13 / 2)
    points = [*list(corners_of(world, car, m).exterior.coords)[:4], tuple(world.objects[car, m][["x", "y"]])]
    for px, py in points:
        offset = np.array([px, py, 0.0]) - eye
        deep = offset @ forward
        if 0.2 < deep < 300.0 and abs(offset @ right) < wide * deep and abs(offset @ up) < 0.75 * wide * deep:
            return True
    return False


def test_the_next_object_is_in_the_camera_when_the_original_s_frustum_holds_it() -> None:
    world = tiny_world(60, track="reinvent_2018", start="random", obstacles=6, **BOXES)
    rng = np.random.default_rng(1)
    shares, lefts = rng.uniform(0.0, 1.0, 60), rng.uniform(-0.3, 0.3, 60)
    for i in range(60):
        place_on(world, shares[i], lefts[i], float(rng.uniform(-1.0, 1.0)), i)
    told = [params["object_in_camera"] for params in world.params(np.zeros((60, 2)), range(60))]
    ahead = [params["closest_objects"][1] for params in world.params(np.zeros((60, 2)), range(60))]
    assert told == [seen_by_the_original(world, i, ahead[i]) for i in range(60)]
    assert 10 < sum(told) < 50


@settings(max_examples=300, deadline=None)
@given(x=st.floats(-0.6, 0.6), y=st.floats(-0.6, 0.6), yaw=st.floats(-3.1, 3.1), turn=st.floats(-3.1, 3.1))
def test_rectangles_touch_as_shapely_s_do(x: float, y: float, yaw: float, turn: float) -> None:
    one = np.zeros((1, 1), OBJECT_DTYPE)
    one["yaw"], one["half_length"], one["half_width"], one["kind"] = turn, 0.2, 0.15, Kind.BOX
    hits = np.zeros((1, 1), bool)
    touched(np.array([[x, y, yaw]]), one, hits)
    turned = np.array([[math.cos(yaw), math.sin(yaw)], [-math.sin(yaw), math.cos(yaw)]])
    car = Polygon(BODY_CORNERS @ turned + [x, y])
    rule = rectangle(0.0, 0.0, turn, (0.2 + BOX_BUFFER, 0.15 + BOX_BUFFER))
    inside = [rule.contains(Point(corner)) for corner in list(car.exterior.coords)[:4]]
    edge = min(rule.exterior.distance(Point(corner)) for corner in list(car.exterior.coords)[:4])
    assert bool(hits[0, 0]) == any(inside) or edge < 1e-9
    depth, nx, ny = overlap(x, y, yaw, one[0, 0], 0.0)
    body = rectangle(0.0, 0.0, turn, (0.2, 0.15))
    assert (depth > 0.0) == (car.intersection(body).area > 0.0) or abs(depth) < 1e-6
    if depth > 0.0:  # moved out by so much, it just touches
        out = Polygon(BODY_CORNERS @ turned + [x + depth * nx, y + depth * ny])
        assert out.intersection(body).area < 1e-9 and out.distance(body) < 1e-9


@pytest.mark.parametrize("reverse", ["ccw", "cw"])
def test_bots_drive_smoothly_at_their_speed_and_change_lanes(reverse: str) -> None:
    world = tiny_world(track="reinvent_2018", direction=reverse, max_steps=10_000, bots=2, **BOTS)
    poses, lefts = [], []
    for _ in range(900):
        world.drive(np.zeros((1, 2)))
        params = world.params(np.zeros((1, 2)), [0])[0]
        lefts.append(params["objects_left_of_center"][0])
        poses.append([world.objects["x"][0, 0], world.objects["y"][0, 0], world.objects["yaw"][0, 0]])
    way = np.diff(np.array(poses)[:, :2], axis=0)
    speeds = np.hypot(*way.T) * 15.0
    assert 0.14 < np.median(speeds) < 0.26 and speeds.max() < 0.5
    turns = np.array([math.remainder(poses[k + 1][2] - poses[k][2], math.tau) for k in range(len(poses) - 1)])
    assert np.abs(turns).max() < 0.15
    changes = int(np.count_nonzero(np.diff(np.array(lefts, dtype=int))))
    assert 4 <= changes <= 60 / (3.0 + 5.0) + 1
    heading = np.arctan2(way[:, 1], way[:, 0])
    off = [math.remainder(a - b[2], math.tau) for a, b in zip(heading, poses, strict=False)]
    assert np.quantile(np.abs(off), 0.95) < 0.2


def test_bots_stand_while_a_car_is_not_active() -> None:
    world = tiny_world(2, **BOTS)
    before = world.objects.copy()
    for _ in range(5):
        world.drive(np.zeros((2, 2)), np.array([True, False]))
    assert (world.objects["x"][0] != before["x"][0]).all()
    np.testing.assert_array_equal(world.objects[1], before[1])


def test_objects_are_seen_at_the_age_of_the_pose() -> None:
    late = Randomization(latency=(2 / 15, 2 / 15))
    world = tiny_world(randomization=late, **BOTS)
    past = []
    for _ in range(5):
        world.drive(pursue(world))
        past.append(world.objects["x"].copy())
    seen = world.traffic.seen(np.arange(1), world._latency.age(np.arange(1)))
    np.testing.assert_array_equal(seen["x"], past[-3])
    assert (seen["x"] != world.objects["x"]).all()


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"race": "object_avoidanse"}, "did you mean 'object_avoidance'"),
        ({"obstacles": 3}, "obstacles are given for the race 'time_trial'"),
        ({"race": "object_avoidance", "bots": 2}, "bots are given for the race 'object_avoidance'"),
        ({"race": "object_avoidance", "obstacles": 0}, "obstacles is 0: give a whole number"),
        ({"race": "object_avoidance", "obstacles": 40}, "40 objects 2 m apart need a track of 81 m"),
        ({"race": "head_to_bot", "bots": 2.5}, "bots is 2.5"),
    ],
)
def test_races_that_cannot_be_are_refused_in_one_line(setting: dict[str, Any], text: str) -> None:
    with pytest.raises(SimError, match=text) as caught:
        make_config(**setting)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "setting", "text"),
    [
        (Obstacles, {"positions": ((0.5, 2),)}, "object position is"),
        (Obstacles, {"positions": ((1.0, 1),)}, "share of the lap"),
        (Obstacles, {"size": (1.0, 1.0)}, "obstacle size is"),
        (Obstacles, {"size": 0.3}, r"obstacle size is \(0.3,\): give length, width and height"),
        (Obstacles, {"positions": 0.5}, "object position is 0.5: give"),
        (Obstacles, {"min_distance": -1.0}, "min_distance of obstacles is -1"),
        (Bots, {"speed": 0.0}, "bots' speed is 0"),
        (Bots, {"lane_change": (5.0, 3.0)}, "lane_change is"),
        (Bots, {"lane_change": 3.0}, r"lane_change is \(3.0,\): give \(shortest, longest\)"),
        (Bots, {"lane_change_distance": 0.0}, "lane_change_distance is 0"),
    ],
)
def test_objects_that_cannot_be_are_refused(kind: Any, setting: dict[str, Any], text: str) -> None:
    with pytest.raises(SimError, match=text):
        kind(**setting)


def test_a_fixed_start_is_where_it_is_asked_for_with_objects_too() -> None:
    world = tiny_world(2, **BOXES)
    world.reset(np.arange(2), Start(0.5, "cw"))
    assert world.places["position"] == pytest.approx([0.5, 0.5], abs=0.02)
    assert not world.routes.is_ccw[world.route].any()
