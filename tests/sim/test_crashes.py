"""Crashes into objects: how they end an episode, and where a car goes on after one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from driving import tiny_world

from hairpin.sim import Bots, Obstacles, World
from hairpin.sim.chassis import FRONT_POINT
from hairpin.sim.contact import overlap, touched

BOXES = {"race": "object_avoidance"}
BOTS = {"race": "head_to_bot"}


@pytest.mark.parametrize("physics", ["single_track", "bullet"])
def test_running_into_a_box_ends_the_episode_as_crashed(physics: str) -> None:
    seen: list[dict[str, Any]] = []
    setup = Obstacles(positions=((0.3, 1),))
    reward = lambda params: seen.append(dict(params)) or 1.0  # noqa: E731
    world = tiny_world(physics=physics, reward=reward, obstacles=setup, **BOXES)
    one = world.objects[0, 0]
    start = [one["x"] - np.cos(one["yaw"]), one["y"] - np.sin(one["yaw"]), one["yaw"]]
    world._put(np.array([0]), np.array([start]))
    for _ in range(30):
        step = world.step(np.array([2]))
        if step.terminated[0]:
            break
    assert step.terminated[0] and world.race.status[0] == 5
    assert [params["is_crashed"] for params in seen] == [False] * (len(seen) - 1) + [True]
    assert step.progress[0] > 0.0
    for _ in range(40):  # nor does it go through when it is driven on
        world.drive(np.array([[0.0, 2.0]]))
    assert overlap(*world.pose[0], one, 0.0)[0] < 0.01
    ahead = np.array([np.cos(one["yaw"]), np.sin(one["yaw"])]) @ (
        world.pose[0, :2] - np.array([one["x"], one["y"]])
    )
    assert ahead < 0.0
    world.close()


def test_after_a_crash_into_a_box_the_car_goes_on_behind_it_in_the_other_lane() -> None:
    world = tiny_world(obstacles=Obstacles(positions=((0.3, 1), (0.8, -1))), **BOXES)
    for m in (0, 1):
        one = world.objects[0, m]
        world._put(np.array([0]), np.array([[one["x"], one["y"], one["yaw"]]]))
        world.drive(np.array([[0.0, 0.0]]))
        time = world.race.time[0]
        assert world.traffic.crashed[0]
        world.recover(0, 5.0)
        params = world.params(np.zeros((1, 2)), [0])[0]
        gap = params["objects_distance"][m] - (params["projection_distance"] - FRONT_POINT)
        assert gap == pytest.approx(1.0, abs=0.06)
        assert params["is_left_of_center"] != params["objects_left_of_center"][m]
        assert params["all_wheels_on_track"] and world.race.time[0] == time + 5.0
        world.drive(np.array([[0.0, 0.5]]))
        assert not world.traffic.crashed[0]


def gap_to(world: World, box: int) -> float:
    """How far the box is ahead of the middle of the car, along the lap [m]."""
    params = world.params(np.zeros((1, 2)), [0])[0]
    length = params["track_length"]
    gap = params["objects_distance"][box] - (params["projection_distance"] - FRONT_POINT)
    return (gap + length / 2) % length - length / 2


@pytest.mark.parametrize("way", ["ccw", "cw"])
def test_every_third_crash_into_the_same_box_puts_the_car_ahead_of_it(way: str) -> None:
    world = tiny_world(direction=way, obstacles=Obstacles(positions=((0.02, 1), (0.6, -1))), **BOXES)

    def crash(box: int) -> tuple[float, int]:
        one = world.objects[0, box]
        world._put(np.array([0]), np.array([[one["x"], one["y"], one["yaw"]]]))
        world.drive(np.array([[0.0, 0.0]]))
        assert world.traffic.crashed[0]
        world.recover(0, 5.0, mercy=3)
        params = world.params(np.zeros((1, 2)), [0])[0]
        assert params["is_left_of_center"] != params["objects_left_of_center"][box]
        world.drive(np.array([[0.0, 0.5]]))
        assert not world.traffic.crashed[0]
        return gap_to(world, box), int(world.traffic.resets[0])

    behind, ahead = pytest.approx(1.0, abs=0.1), pytest.approx(-1.0, abs=0.1)
    assert [crash(0) for _ in range(4)] == [(behind, 1), (behind, 2), (ahead, 0), (behind, 1)]
    assert [crash(box) for box in (1, 0, 1, 1, 1)] == [
        *[(behind, 1)] * 3,  # another box each time
        (behind, 2),
        (ahead, 0),
    ]
    world.reset(np.array([0]))
    assert world.traffic.resets[0] == 0


def test_who_leaves_the_road_within_a_metre_of_a_box_goes_on_behind_it() -> None:
    world = tiny_world(obstacles=Obstacles(positions=((0.3, 1),)), **BOXES)
    one = world.objects[0, 0]
    gaps = []
    for lead in (-0.5, 0.5, -2.3):
        for _ in range(2):  # the place is that of the step before
            world._put(np.array([0]), np.array([[*at(one, lead, -0.1), one["yaw"]]]))
            world.drive(np.array([[0.0, 0.0]]))
        world.traffic.crashed[0] = False
        world.recover(0, 2.0)
        gaps.append(gap_to(world, 0))
    assert gaps[:2] == [pytest.approx(1.0, abs=0.1)] * 2 and gaps[2] > 1.3


def at(one: np.void, ahead: float, left: float) -> tuple[float, float]:
    """A place ahead of an object and to its left [m]."""
    cos, sin = math.cos(one["yaw"]), math.sin(one["yaw"])
    return one["x"] + cos * ahead - sin * left, one["y"] + sin * ahead + cos * left


@pytest.mark.parametrize("physics", ["single_track", "bullet"])
def test_after_a_crash_into_a_bot_the_car_goes_on_where_it_is(physics: str) -> None:
    still = Bots(positions=((0.3, 1),), lane_change=None)
    world = tiny_world(physics=physics, bots=still, **BOTS)
    bot = world.objects[0, 0]
    back = [*at(bot, -0.6, 0.04), bot["yaw"]]
    world._put(np.array([0]), np.array([back]))
    for _ in range(30):
        if world.drive(np.array([[0.0, 1.0]])).terminated[0]:
            break
    assert world.traffic.crashed[0]
    pose = world.pose[0].copy()
    world.recover(0, 5.0)
    np.testing.assert_array_equal(world.pose[0], pose)
    world.drive(np.array([[0.0, 0.0]]))
    assert not world.traffic.crashed[0]  # it touches it still, and that was paid for
    for _ in range(30):
        world.drive(np.array([[0.0, 0.0]]))  # the bot drives off
    for _ in range(30):
        if world.drive(np.array([[0.0, 1.5]])).terminated[0]:
            break
    assert world.traffic.crashed[0]


def test_who_is_run_into_from_behind_has_not_crashed() -> None:
    world = tiny_world(bots=Bots(positions=((0.3, 1),), lane_change=None), **BOTS)
    bot = world.objects[0, 0]
    front = [*at(bot, 0.3, 0.04), bot["yaw"]]
    world._put(np.array([0]), np.array([front]))
    for _ in range(10):
        world.drive(np.array([[0.0, 0.0]]))
    hits = np.zeros((1, 1), bool)
    touched(world.pose, world.objects, hits)
    assert hits[0, 0] and not world.traffic.crashed[0]
