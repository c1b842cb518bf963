"""`SB3VecEnv` against the contract of stable-baselines3's vector environments."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from driving import CONTINUOUS, TINY, TINY_RGB, pursue
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecFrameStack, VecMonitor

from hairpin.edge.contract import ObservationSpec
from hairpin.sim import RacingVecEnv, SimError, make_config
from hairpin.sim.sb3 import SB3VecEnv


def cars(count: int = 3, *, env: dict[str, Any] | None = None, **settings: Any) -> SB3VecEnv:
    config = make_config(**{"track": "oval", "observation": TINY} | settings)
    return SB3VecEnv(count, config, **env or {})


@pytest.mark.parametrize("spec", [TINY, TINY_RGB], ids=["gray", "rgb"])
def test_frames_are_those_of_the_vector_env_with_the_channels_first(spec: ObservationSpec) -> None:
    env = cars(observation=spec)
    assert env.observation_space.shape == (spec.channels, 24, 32)
    env.seed(11)
    frames = env.reset()
    other = RacingVecEnv(3, track="oval", observation=spec, autoreset_mode="SameStep")
    expected, _ = other.reset(seed=11)
    np.testing.assert_array_equal(frames, np.moveaxis(expected, -1, 1))
    frames, rewards, done, infos = env.step(np.array([7, 8, 9]))
    expected, expected_rewards, *_ = other.step(np.array([7, 8, 9]))
    np.testing.assert_array_equal(frames, np.moveaxis(expected, -1, 1))
    np.testing.assert_array_equal(rewards, expected_rewards.astype(np.float32))
    assert (rewards.dtype, done.dtype, infos) == (np.float32, np.bool_, [{}, {}, {}])
    assert frames.shape[1:] == env.observation_space.shape and frames.dtype == np.uint8


def test_seeds_are_used_once() -> None:
    env = cars()
    env.seed(4)
    first, second = env.reset(), env.reset()
    assert (first != second).any()
    env.seed(4)
    np.testing.assert_array_equal(env.reset(), first)


def test_options_are_used_once_and_are_the_same_for_all() -> None:
    env = cars()
    env.set_options({"start": 0.5})
    env.reset()
    position = env.env.world.places["position"]
    assert position == pytest.approx(0.5, abs=0.03)
    env.reset()
    assert env.env.world.places["position"] != pytest.approx(0.5, abs=0.03)
    env.set_options([{"start": 0.5}, {}, {}])
    with pytest.raises(SimError, match="the same"):
        env.reset()


def test_a_time_limit_is_told_and_the_last_frame_kept() -> None:
    env = cars(max_steps=3, reward=lambda params: params["steps"])
    env.seed(0)
    first = env.reset()
    for _ in range(2):
        frames, _, done, _ = env.step(np.full(3, 7))
        assert not done.any()
    frames, _, done, infos = env.step(np.full(3, 7))
    assert done.all()
    for i, info in enumerate(infos):
        assert info["TimeLimit.truncated"] is True and info["status"] == "time_up"
        assert info["terminal_observation"].shape == (1, 24, 32)
        assert (info["terminal_observation"] != frames[i]).any()
        assert (info["episode"]["r"], info["episode"]["l"]) == (2.0 + 3.0 + 4.0, 3)
        assert "lap_time" not in info
    assert (frames != first).any()
    *_, infos = env.step(np.full(3, 7))
    assert infos == [{}, {}, {}]


def test_leaving_the_road_is_no_time_limit() -> None:
    env = cars(1, start="line")
    env.reset()
    done, info = np.zeros(1, dtype=bool), {}
    while not done[0]:
        _, _, done, (info,) = env.step(np.array([4]))
    assert info["status"] == "off_track" and info["TimeLimit.truncated"] is False


@pytest.mark.parametrize("bootstrap", [True, False])
def test_a_finished_lap_is_told_as_the_user_wants(bootstrap: bool) -> None:
    env = cars(1, start="line", actions=CONTINUOUS, env={"bootstrap_laps": bootstrap})
    env.reset()
    done, info, steps = np.zeros(1, dtype=bool), {}, 0
    while not done[0]:
        steering = np.degrees(pursue(env.env.world)[:, 0]) / 30.0
        _, _, done, (info,) = env.step(np.column_stack([steering, [0.6]]))
        steps += 1
    assert info["status"] == "lap_complete" and info["TimeLimit.truncated"] is bootstrap
    assert info["lap_time"] == pytest.approx(steps / 15.0) and info["progress"] == 100.0


def test_attributes_and_methods_reach_the_env() -> None:
    env = cars()
    assert env.get_attr("num_envs") == [3, 3, 3] and env.get_attr("num_envs", [1]) == [3]
    env.set_attr("note", "here")
    assert env.get_attr("note", 0) == ["here"]
    assert env.env_method("__repr__", indices=[0, 1]) == ["RacingVecEnv(num_envs=3)"] * 2
    assert env.env_is_wrapped(VecMonitor) == [False] * 3
    with pytest.raises(AttributeError):
        env.get_attr("nothing")
    env.close()
    env.close()


@pytest.mark.parametrize("actions", [None, CONTINUOUS], ids=["discrete", "continuous"])
def test_ppo_learns_on_it_monitored_and_stacked(actions: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spec = ObservationSpec(width=48, height=36)
        env = VecFrameStack(VecMonitor(cars(4, observation=spec, actions=actions, max_steps=8)), 2)
        assert env.observation_space.shape == (2, 36, 48)
        model = PPO("CnnPolicy", env, n_steps=8, batch_size=16, n_epochs=1, seed=0, device="cpu")
        before = [p.detach().clone() for p in model.policy.parameters()]
        model.learn(64)
    assert any((a != b).any() for a, b in zip(before, model.policy.parameters(), strict=True))
    assert model.ep_info_buffer is not None and {info["l"] for info in model.ep_info_buffer} == {8}


def test_it_can_be_filmed() -> None:
    env = cars(2, env={"render_mode": "rgb_array"})
    env.reset()
    images = env.get_images()
    assert [image.shape for image in images if image is not None] == [(480, 640, 3)] * 2
    assert env.metadata == {"render_modes": ["human", "rgb_array"], "render_fps": 15}
    assert env.render() is not None  # the pictures of all cars, tiled
    assert cars().get_images() == [None] * 3
