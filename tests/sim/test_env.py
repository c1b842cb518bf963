"""`RacingEnv`: gymnasium's and stable-baselines3's contracts, determinism, and every order of calls."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import gymnasium
import numpy as np
import pytest
from driving import CONTINUOUS, TINY
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3
from stable_baselines3.common.vec_env import SubprocVecEnv

from hairpin.edge.contract import ObservationSpec
from hairpin.sim import RacingEnv, SimError, World, make_config
from hairpin.sim.randomize import FULL

ID = "hairpin/TimeTrial-v0"


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def tiny(**settings: Any) -> RacingEnv:
    return RacingEnv(**{"track": "oval", "observation": TINY} | settings)


def test_it_is_made_with_no_arguments_at_all() -> None:
    env = gymnasium.make(ID)
    observation, info = env.reset(seed=0)
    assert observation.shape == (120, 160, 1) and info["status"] == "prepare"
    assert env.action_space == gymnasium.spaces.Discrete(10)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    assert (type(reward), terminated, truncated, info["status"]) == (float, False, False, "in_progress")
    env.close()


def test_it_is_made_with_a_track_and_a_reward(tmp_path: Path) -> None:
    file = tmp_path / "reward.py"
    file.write_text("def reward_function(params):\n    return {'speed': params['speed'], 'one': 1.0}\n")
    env = gymnasium.make(ID, track="bowtie", reward=file, actions=CONTINUOUS)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.array([0.0, 1.0], dtype=np.float32))
    assert reward == 3.0 and info["reward_terms"] == {"speed": 2.0, "one": 1.0}
    assert env.unwrapped.config.tracks[0].name == "bowtie"


@pytest.mark.parametrize("physics", ["single_track", "bullet"])
@pytest.mark.parametrize("actions", [None, CONTINUOUS], ids=["discrete", "continuous"])
@pytest.mark.parametrize("channels", [1, 3], ids=["gray", "rgb"])
def test_both_checkers_have_nothing_to_say(
    channels: int, actions: Any, physics: str, no_screen: None
) -> None:
    spec = ObservationSpec(width=48, height=36, channels=channels)
    settings = {"track": "oval", "observation": spec, "actions": actions, "physics": physics}
    check_env(gymnasium.make(ID, **settings).unwrapped)
    check_env_of_sb3(gymnasium.make(ID, render_mode="rgb_array", **settings).unwrapped)
    check_env_of_sb3(RacingEnv(**settings), warn=True, skip_render_check=False)


def test_human_mode_shows_what_rgb_array_gives(no_screen: None) -> None:
    import pygame

    shown, given = tiny(render_mode="human"), tiny(render_mode="rgb_array")
    for env in (shown, given):
        env.reset(seed=1)
        env.step(7)
    assert shown.render() is None
    picture = given.render()
    assert picture is not None and picture.shape == (480, 640, 3) and picture.dtype == np.uint8
    surface = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    np.testing.assert_array_equal(surface[100:], picture[100:])  # the map's trail is longer by the extra call
    shown.close()
    shown.close()
    assert not pygame.display.get_init()


def test_render_without_a_mode_says_so() -> None:
    env = tiny()
    env.reset()
    warnings.simplefilter("always")
    with pytest.warns(UserWarning, match="render_mode='rgb_array'"):
        assert env.render() is None


def test_rendering_changes_nothing() -> None:
    plain, drawn = tiny(randomization="mild"), tiny(randomization="mild", render_mode="rgb_array")
    for env in (plain, drawn):
        env.reset(seed=3)
    for action in (7, 3, 9, 5):
        drawn.render()
        first, second = plain.step(action), drawn.step(action)
        np.testing.assert_array_equal(first[0], second[0])
        assert first[1:] == second[1:]


def rollout(env: RacingEnv, seed: int, steps: int = 60) -> str:
    """Hash of all that an env says, over several episodes."""
    frame, info = env.reset(seed=seed)
    digest = hashlib.sha256(frame.tobytes() + repr(info).encode())
    actions = np.random.default_rng(seed).integers(0, 10, steps)
    for action in actions:
        frame, *rest = env.step(int(action))
        digest.update(frame.tobytes() + repr(rest).encode())
        if rest[1] or rest[2]:
            frame, info = env.reset()
            digest.update(frame.tobytes() + repr(info).encode())
    return digest.hexdigest()


RANDOM: dict[str, Any] = {"direction": "both", "max_steps": 20}
RANDOM["randomization"] = dataclasses.replace(FULL, styles=2)


def test_the_same_seed_gives_the_same_episodes_in_another_process_too(request: pytest.FixtureRequest) -> None:
    script = "from test_env import *; print(rollout(tiny(**RANDOM), 5))"
    there = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=request.config.rootpath,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])},
    )
    env = tiny(**RANDOM)
    first = rollout(env, 5)
    assert there.stdout.split()[-1] == first == rollout(env, 5)
    assert first != rollout(env, 6)


def test_different_envs_without_a_seed_differ() -> None:
    a, b = tiny(), tiny()
    assert (a.reset()[0] != b.reset()[0]).any()


def test_the_start_and_the_direction_can_be_given() -> None:
    env = tiny(randomization="full", start="random")
    env.reset(seed=0, options={"start": 0.5, "direction": "cw"})
    world = env.world
    assert world.places["position"][0] == pytest.approx(0.5, abs=0.03)
    assert not world.routes.is_ccw[world.route[0]]
    env.reset(options={"start": None, "direction": None})
    assert world.places["position"][0] != pytest.approx(0.5, abs=0.03)


def test_starts_in_turn_move_on_with_each_episode() -> None:
    env = tiny(start="round_robin", max_steps=1)
    starts = []
    for k in range(22):
        env.reset(seed=0 if k == 0 else None)
        starts.append(float(env.world.places["position"][0]))
        env.step(7)
    assert np.diff(starts)[:18] == pytest.approx(0.05, abs=0.01)
    assert starts[20] == pytest.approx(starts[0], abs=1e-9)


def test_alternating_directions_turn_with_each_episode() -> None:
    env = tiny(direction="alternate", max_steps=1)
    ways = []
    for k in range(6):
        env.reset(seed=0 if k == 0 else None)
        ways.append(int(env.world.route[0]) % 2)
        env.step(7)
    assert ways == [0, 1] * 3
    many = World(make_config("oval", None, direction="alternate", observation=TINY), 4)
    many.reset(np.arange(4))
    assert many.route.tolist() == [0, 1, 0, 1]  # half of the cars each way


def test_a_step_before_reset_or_after_the_end_is_refused() -> None:
    env = tiny(max_steps=2)
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(0)
    env.reset(seed=0)
    env.step(7)
    assert env.step(7)[3] is True
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(7)
    env.reset()
    env.step(7)


BAD_DISCRETE = [-1, 10, 2.0, None, "left", [1], [[1], [1, 2]], float("nan"), True]
BAD_CONTINUOUS = [
    *(0, [0.0], [0.0, 0.0, 0.0], [0.0, float("nan")], [float("inf"), 0.0], ["a", "b"], None),
    *([[1.0], [1.0, 2.0]], [True, False], [1j, 0]),
]


@pytest.mark.parametrize(
    ("actions", "bad", "good"),
    [*((None, bad, 7) for bad in BAD_DISCRETE), *((CONTINUOUS, bad, [0.0, 0.5]) for bad in BAD_CONTINUOUS)],
    ids=repr,
)
def test_an_action_that_does_not_fit_is_refused_and_changes_nothing(
    actions: Any, bad: Any, good: Any
) -> None:
    env, untouched = tiny(actions=actions), tiny(actions=actions)
    for one in (env, untouched):
        one.reset(seed=0)
    with pytest.raises(SimError, match=r"actions are .*: give") as caught:
        env.step(bad)
    assert "\n" not in str(caught.value)
    first, second = env.step(good), untouched.step(good)
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1:] == second[1:]


def test_continuous_actions_are_clipped_as_on_the_car() -> None:
    rewards = []
    for action in ([5.0, 5.0], [1.0, 1.0]):
        env = tiny(actions=CONTINUOUS, reward=lambda params: params["speed"] + params["steering_angle"])
        env.reset(seed=0)
        rewards.append(env.step(np.array(action))[1])
    assert rewards == [32.0, 32.0]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"begin": 0.5}, "unknown reset option 'begin'"),
        (0.5, "the reset options are 0.5: give a dictionary"),
        ({"start": 1.0}, "start is 1.0: give a share"),
        ({"start": -0.1}, "start is -0.1"),
        ({"start": float("nan")}, "start is nan"),
        ({"start": "line"}, "start is 'line'"),
        ({"direction": "left"}, "direction is 'left': give one of ccw, cw"),
        ({"direction": "both"}, "direction is 'both'"),
    ],
)
def test_a_bad_reset_option_is_refused_and_the_episode_goes_on(options: dict[str, Any], text: str) -> None:
    env, untouched = tiny(), tiny()
    for one in (env, untouched):
        one.reset(seed=0)
        one.step(7)
    with pytest.raises(SimError, match=text):
        env.reset(seed=99, options=options)
    for _ in range(2):
        np.testing.assert_array_equal(env.step(7)[0], untouched.step(7)[0])
    np.testing.assert_array_equal(env.reset()[0], untouched.reset()[0])


def test_a_closed_env_opens_again_with_a_reset() -> None:
    env = tiny(physics="bullet", renderer="bullet", render_mode="rgb_array")
    first = env.reset(seed=0)[0]
    env.render()
    env.close()
    env.close()
    with pytest.raises(ResetNeeded):
        env.step(7)
    np.testing.assert_array_equal(env.reset(seed=0)[0], first)
    env.step(7)
    env.render()
    env.close()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"render_mode": "ansi"}, "unknown render_mode 'ansi'"),
        ({"config": tiny().config, "track": "oval"}, "config and track are given"),
        ({"randomization": 3}, "unknown randomization 3"),
        ({"cameras": "wide"}, "unknown setting 'cameras': did you mean 'camera'"),
        ({"actions": "fast"}, "actions are 'fast': give DiscreteActions"),
        ({"observation": (120, 160)}, r"observation is \(120, 160\): give an ObservationSpec"),
        ({"laps": "3"}, "laps is '3': give a whole number of at least 1"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(SimError, match=text):
        RacingEnv(**settings)


@pytest.mark.parametrize(
    "copied",
    [
        lambda env: pickle.loads(pickle.dumps(env)),
        lambda env: cloudpickle.loads(cloudpickle.dumps(env)),
        copy.deepcopy,
    ],
    ids=["pickle", "cloudpickle", "deepcopy"],
)
def test_copies_are_the_same_env(copied: Any) -> None:
    env = gymnasium.make(ID, track="oval", observation=TINY, reward="progress_per_step", **RANDOM)
    env.reset(seed=9)
    other = copied(env.unwrapped)
    assert other.spec == env.unwrapped.spec and other.spec.id == ID
    assert rollout(other, 3) == rollout(env.unwrapped, 3)


def test_a_lambda_reward_travels_by_cloudpickle() -> None:
    env = tiny(reward=lambda params: 7.0)
    other = cloudpickle.loads(cloudpickle.dumps(env))
    other.reset(seed=0)
    assert other.step(7)[1] == 7.0


@pytest.mark.parametrize(("method", "count"), [("fork", 2), ("spawn", 1)])
def test_workers_of_stable_baselines3(method: str, count: int) -> None:
    make = partial(gymnasium.make, "hairpin.sim:" + ID, track="oval", observation=TINY)
    workers = SubprocVecEnv([make] * count, start_method=method)
    workers.seed(4)
    frames = workers.reset()
    here = tiny()
    np.testing.assert_array_equal(frames[-1], here.reset(seed=3 + count)[0])
    frames, rewards, _, _ = workers.step(np.full(count, 8))
    frame, reward, *_ = here.step(8)
    np.testing.assert_array_equal(frames[-1], frame)
    assert rewards[-1] == reward
    workers.close()


def test_the_rate_is_the_control_rate() -> None:
    assert RacingEnv.metadata["render_fps"] == 15
    assert tiny(control_hz=30.0).metadata["render_fps"] == 30
