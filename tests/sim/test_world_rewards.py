"""The world and the reward functions that it calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import CONTINUOUS, drive_until_over, pursue, tiny_world

from hairpin.rewards import RewardError

BOTH_PHYSICS = pytest.mark.parametrize("physics", ["single_track", "bullet"])

TYPES: dict[str, type] = {
    **dict.fromkeys(["all_wheels_on_track", "is_left_of_center", "is_reversed", "is_offtrack"], bool),
    **dict.fromkeys(["is_crashed", "object_in_camera"], bool),
    **dict.fromkeys(["x", "y", "heading", "distance_from_center", "projection_distance"], float),
    **dict.fromkeys(["progress", "steps", "speed", "steering_angle"], float),
    **dict.fromkeys(["track_width", "track_length", "sim_time"], float),
    **dict.fromkeys(["waypoints", "closest_waypoints", "closest_objects"], list),
    **dict.fromkeys(["objects_location", "objects_left_of_center", "objects_speed"], list),
    **dict.fromkeys(["objects_heading", "objects_distance", "objects_distance_from_center"], list),
}


def test_rewards_see_all_27_keys_as_plain_python_and_steps_from_2() -> None:
    seen: list[dict[str, Any]] = []

    def reward(params: dict[str, Any]) -> float:
        seen.append(params)
        return 1.0

    world = tiny_world(reward=reward)
    for _ in range(3):
        world.step(np.array([6]))
    assert [params["steps"] for params in seen] == [2.0, 3.0, 4.0]
    first = seen[0]
    assert {key: type(value) for key, value in first.items()} == TYPES and len(TYPES) == 27
    assert all(type(point) is tuple and {type(v) for v in point} == {float} for point in first["waypoints"])
    assert {type(i) for i in first["closest_waypoints"] + first["closest_objects"]} == {int}
    assert (first["steering_angle"], first["speed"]) == (-15.0, 1.8)
    assert [params["sim_time"] for params in seen] == pytest.approx([1 / 15, 2 / 15, 3 / 15])


def test_rewards_see_the_commanded_speed_before_it_is_limited() -> None:
    seen = []
    world = tiny_world(actions=CONTINUOUS, reward=lambda params: seen.append(dict(params)) or 0.0)
    world.step(np.array([[1.0, -1.0]]))
    assert (seen[0]["steering_angle"], seen[0]["speed"]) == (30.0, 0.5)
    assert seen[0]["progress"] == pytest.approx(float(world.race.progress[0]))


@pytest.mark.filterwarnings("ignore:reward function .* may keep state")
def test_a_reward_may_change_whatever_it_is_given() -> None:
    def vandal(params: dict[str, Any]) -> float:
        result = float(len(params["waypoints"]) + len(params["closest_waypoints"]) + params["track_length"])
        for value in params.values():
            if isinstance(value, list):
                value.clear()
                value.append("mine")
        params.clear()
        return result

    world = tiny_world(3, reward=vandal)
    rewards = [world.step(np.full(3, 7)).reward.tolist() for _ in range(3)]
    assert rewards[0] == rewards[1] == rewards[2]
    assert len(set(rewards[0])) == 1


def test_a_failing_reward_names_the_step_and_the_world_goes_on() -> None:
    calls = []

    def reward(params: dict[str, Any]) -> float:
        calls.append(params["steps"])
        return 1.0 / (len(calls) - 7)

    world = tiny_world(reward=reward)
    for _ in range(6):
        world.step(np.array([7]))
    with pytest.raises(RewardError, match=r"step 8\b.*ZeroDivisionError|ZeroDivisionError.*step 8\b"):
        world.step(np.array([7]))
    assert world.step(np.array([7])).reward[0] == 1.0
    assert calls == [float(k) for k in range(2, 10)]


def test_a_reward_that_fails_at_the_finish_line_leaves_one_lap() -> None:
    def reward(params: dict[str, Any]) -> float:
        return float("nan") if params["progress"] == 100.0 else 1.0

    world = tiny_world(reward=reward, laps=2)
    with pytest.raises(RewardError, match="NaN"):
        drive_until_over(world, pursue)
    world.drive(pursue(world))
    assert world.race.laps[0] == 1 and world.race.progress[0] < 5.0


def test_named_terms_are_kept_apart_per_car() -> None:
    def reward(params: dict[str, Any]) -> dict[str, float] | float:
        return {"speed": params["speed"], "steps": params["steps"]} if params["steering_angle"] > 0 else 2.0

    world = tiny_world(2, reward=reward)
    step = world.step(np.array([8, 6]))
    assert step.reward.tolist() == [1.8 + 2.0, 2.0]
    assert set(step.terms) == {"speed", "steps"}
    np.testing.assert_array_equal(step.terms["speed"], [1.8, np.nan])


def test_state_between_calls_is_each_car_s_own(tmp_path: Path) -> None:
    file = tmp_path / "counting.py"
    file.write_text(
        "calls = 0\n\ndef reward_function(params):\n    global calls\n    calls += 1\n    return calls\n"
    )
    world = tiny_world(3, reward=file)
    world.step(np.array([7, 7, 7]))
    step = world.step(np.array([7, 7, 7]), np.array([True, False, True]))
    assert step.reward.tolist() == [2.0, 0.0, 2.0]
