"""`RacingVecEnv`: step by step as gymnasium's own vector env of `RacingEnv`, in every autoreset mode."""

from __future__ import annotations

import dataclasses
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from driving import CONTINUOUS, TINY, pursue
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from hairpin.sim import RacingEnv, RacingVecEnv, SimError
from hairpin.sim.randomize import FULL

ID = "hairpin/TimeTrial-v0"
CARS = 4
#: Short episodes that end in every way: the step limit, laps, no wheel on the road.
SETTINGS: dict[str, Any] = {
    "track": ["oval", "bowtie"],
    "observation": TINY,
    "randomization": "mild",
    "direction": "both",
    "max_steps": 12,
}


def tiny(cars: int = CARS, **settings: Any) -> RacingVecEnv:
    return RacingVecEnv(cars, **{"track": "oval", "observation": TINY} | settings)


def same(ours: Any, theirs: Any, where: str = "info") -> None:
    """Infos equal in keys, types, masks and values."""
    assert type(ours) is type(theirs), where
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), where
        for key in theirs:
            same(ours[key], theirs[key], f"{where}[{key!r}]")
    elif theirs.dtype == object:
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other, where, strict=True)
    else:
        np.testing.assert_array_equal(ours, theirs, where, strict=True)


def stepped_alike(ours: RacingVecEnv, theirs: SyncVectorEnv, actions: np.ndarray) -> np.ndarray:
    first, second = ours.step(actions), theirs.step(actions)
    for one, other in zip(first[:4], second[:4], strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    same(first[4], second[4])
    done: np.ndarray = first[2] | first[3]
    return done


def both(mode: AutoresetMode, **settings: Any) -> tuple[RacingVecEnv, SyncVectorEnv]:
    ours = RacingVecEnv(CARS, autoreset_mode=mode, **settings)
    theirs = SyncVectorEnv([partial(RacingEnv, **settings)] * CARS, autoreset_mode=mode)
    np.testing.assert_array_equal(ours.reset(seed=5)[0], theirs.reset(seed=5)[0])
    return ours, theirs


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("reward", ["terms", "progress_per_step"])
def test_it_does_step_by_step_what_gymnasiums_own_does(
    mode: AutoresetMode, reward: str, tmp_path: Path
) -> None:
    if reward == "terms":  # some of them only on some steps
        reward = str(tmp_path / "terms.py")
        Path(reward).write_text(
            "def reward_function(p):\n"
            "    if p['steering_angle'] > 0:\n"
            "        return {'speed': p['speed'], 'steps': p['steps']}\n"
            "    return {'speed': p['speed']} if p['speed'] > 1 else 0.5\n"
        )
    ours, theirs = both(mode, **SETTINGS, reward=reward)
    rng, ends = np.random.default_rng(0), 0
    for _ in range(60):
        # Mostly hard left at full speed, so that some leave the road before the step limit.
        actions = np.where(rng.random(CARS) < 0.3, rng.integers(0, 10, CARS), 9)
        done = stepped_alike(ours, theirs, actions)
        ends += int(done.sum())
        if mode is AutoresetMode.DISABLED and done.any():
            first, info = ours.reset(options={"reset_mask": done})
            second, other_info = theirs.reset(options={"reset_mask": done})
            np.testing.assert_array_equal(first, second)
            same(info, other_info)
    assert ends > 8


def test_laps_are_told_as_gymnasiums_own_does() -> None:
    settings = {"track": "oval", "observation": TINY, "laps": 2, "max_steps": 2000, "actions": CONTINUOUS}
    ours, theirs = both(AutoresetMode.SAME_STEP, **settings, reward=None)
    told = 0
    for _ in range(320):
        commands = pursue(ours.world)
        actions = np.column_stack([np.degrees(commands[:, 0]) / 30.0, np.full(CARS, 0.6)]).astype(np.float32)
        first = ours.step(actions)
        second = theirs.step(actions)
        same(first[4], second[4])
        told += int(first[4].get("_lap_time", np.zeros(1)).sum())
        if "final_info" in first[4]:
            told += 10 * int(first[4]["final_info"]["_lap_time"].sum())
    assert told >= 2 * CARS + 10 * 2


@pytest.mark.parametrize("physics", ["single_track", "bullet"])
def test_car_i_is_the_single_env_with_seed_plus_i(physics: str) -> None:
    settings = SETTINGS | {"physics": physics, "randomization": dataclasses.replace(FULL, styles=1)}
    cars = RacingVecEnv(CARS, autoreset_mode="SameStep", **settings)
    frames = [cars.reset(seed=20)[0]]
    rewards = []
    for _ in range(25):
        frame, reward, *_ = cars.step(np.full(CARS, 8))
        frames.append(frame)
        rewards.append(reward)
    for i in range(CARS):
        env = RacingEnv(**settings)
        np.testing.assert_array_equal(frames[0][i], env.reset(seed=20 + i)[0])
        for frame, reward in zip(frames[1:], rewards, strict=True):
            own, own_reward, terminated, truncated, _ = env.step(8)
            if terminated or truncated:
                own = env.reset()[0]
            np.testing.assert_array_equal(frame[i], own)
            assert reward[i] == own_reward


def test_make_vec_gives_it_and_the_list_of_single_ones() -> None:
    batch = gymnasium.make_vec(ID, num_envs=4, vectorization_mode="vector_entry_point", observation=TINY)
    assert isinstance(batch.unwrapped, RacingVecEnv)
    assert batch.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert batch.observation_space.shape == (4, 24, 32, 1)
    several = gymnasium.make_vec(ID, num_envs=4, vectorization_mode="sync", observation=TINY)
    np.testing.assert_array_equal(batch.reset(seed=1)[0], several.reset(seed=1)[0])
    np.testing.assert_array_equal(batch.step(np.full(4, 6))[0], several.step(np.full(4, 6))[0])
    plain = gymnasium.make_vec(ID, num_envs=2)
    assert plain.reset(seed=0)[0].shape == (2, 120, 160, 1)
    for env in (batch, several, plain):
        env.close()


def test_workers_of_gymnasium() -> None:
    workers = AsyncVectorEnv([partial(RacingEnv, **SETTINGS)] * 2)
    cars = RacingVecEnv(2, **SETTINGS)
    np.testing.assert_array_equal(workers.reset(seed=3)[0], cars.reset(seed=3)[0])
    for _ in range(15):
        first, second = workers.step(np.array([7, 2])), cars.step(np.array([7, 2]))
        for one, other in zip(first[:4], second[:4], strict=True):
            np.testing.assert_array_equal(one, other)
    workers.close()


def test_seeds_one_per_car_and_none_for_as_it_comes() -> None:
    env = tiny(3)
    first = env.reset(seed=[7, 8, 9])[0]
    np.testing.assert_array_equal(first, env.reset(seed=7)[0])
    again = env.reset(seed=[7, None, 9])[0]
    np.testing.assert_array_equal(again[[0, 2]], first[[0, 2]])
    assert (again[1] != first[1]).any()


def test_a_mask_resets_and_seeds_only_its_cars() -> None:
    env, untouched = tiny(3), tiny(3)
    for one in (env, untouched):
        one.reset(seed=0)
        one.step(np.full(3, 8))
    mask = np.array([False, True, False])
    frames, info = env.reset(seed=50, options={"reset_mask": mask})
    assert env.world.race.steps.tolist() == [2, 1, 2]
    np.testing.assert_array_equal(info["_status"], mask)
    others = [0, 2]
    for _ in range(3):
        first, second = env.step(np.full(3, 7))[0], untouched.step(np.full(3, 7))[0]
        np.testing.assert_array_equal(first[others], second[others])
    both = np.array([True, False, True])
    first, second = (one.reset(options={"reset_mask": both})[0] for one in (env, untouched))
    np.testing.assert_array_equal(first[others], second[others])  # their generators were not reseeded
    single = RacingEnv(track="oval", observation=TINY)
    np.testing.assert_array_equal(frames[1], single.reset(seed=51)[0])


def test_the_caller_may_write_into_what_it_is_given() -> None:
    env, untouched = tiny(2), tiny(2)
    for _ in range(3):
        for one in (env, untouched):
            one.reset(seed=0)
        frames, _, terminated, truncated, info = env.step(np.full(2, 7))
        untouched.step(np.full(2, 7))
        for array in (frames, terminated, truncated, *info.values()):
            array[:] = array[::-1] if array.dtype == object else 1
        first, second = env.step(np.full(2, 7)), untouched.step(np.full(2, 7))
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
        same(first[4], second[4])


def test_calls_in_the_wrong_order_are_refused() -> None:
    env = tiny(3, max_steps=2, autoreset_mode="Disabled")
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(np.full(3, 7))
    env.reset(options={"reset_mask": np.array([True, True, False])})
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(np.full(3, 7))
    env.reset(seed=0)
    env.step(np.full(3, 7))
    env.reset(options={"reset_mask": np.array([True, False, False])})
    env.step(np.full(3, 7))
    with pytest.raises(ResetNeeded, match=r"cars \[1, 2\] are over"):
        env.step(np.full(3, 7))
    env.reset(options={"reset_mask": np.array([False, True, True])})
    env.step(np.full(3, 7))


@pytest.mark.parametrize("physics", ["single_track", "bullet"])
def test_closing(physics: str) -> None:
    env = tiny(physics=physics)
    env.reset(seed=0)
    env.close()
    env.close()
    with pytest.raises(ResetNeeded):
        env.step(np.full(CARS, 7))
    with pytest.raises(ClosedEnvironmentError, match="make a new one"):
        env.reset()


@pytest.mark.parametrize(
    ("actions", "bad"),
    [
        *(
            (None, bad)
            for bad in ([7, 7, 7], [7, 7, 7, 10], [7, 7, 7, -1], np.full(4, 7.0), [[7]] * 4, 7, None)
        ),
        *(
            (CONTINUOUS, bad)
            for bad in ([0.0] * 4, np.full((4, 2), np.nan), np.zeros((4, 3)), [[0.0], [1.0, 2.0]])
        ),
    ],
    ids=repr,
)
def test_actions_that_do_not_fit_are_refused_and_change_nothing(actions: Any, bad: Any) -> None:
    env, untouched = tiny(actions=actions), tiny(actions=actions)
    for one in (env, untouched):
        one.reset(seed=0)
    with pytest.raises(SimError, match=r"actions are .*: give"):
        env.step(bad)
    good = np.full(4, 7) if actions is None else np.zeros((4, 2))
    np.testing.assert_array_equal(env.step(good)[0], untouched.step(good)[0])


@pytest.mark.parametrize(
    ("seed", "options", "text"),
    [
        ([1, 2], None, "2 seeds are given for 4 cars"),
        (1.5, None, "seed is 1.5: give a whole number, or one per car"),
        ("1234", None, "seed is '1234': give a whole number"),
        (3, {"reset_mask": [True]}, "reset_mask is bool"),
        (3, {"reset_mask": np.zeros(4, dtype=bool)}, "one True at least"),
        (3, {"reset_mask": [1, 0, 1, 0]}, "reset_mask is int64"),
        (3, {"begin": 0.5}, "unknown reset option 'begin'"),
        (3, {"start": 2.0}, "start is 2.0"),
    ],
)
def test_a_bad_reset_is_refused_and_changes_nothing(seed: Any, options: Any, text: str) -> None:
    env, untouched = tiny(), tiny()
    for one in (env, untouched):
        one.reset(seed=0)
    with pytest.raises(SimError, match=text):
        env.reset(seed=seed, options=options)
    for _ in range(2):
        np.testing.assert_array_equal(env.reset()[0], untouched.reset()[0])


def test_options_are_not_taken_out_of_the_caller_s_hands() -> None:
    options = {"reset_mask": np.ones(4, dtype=bool), "start": 0.25}
    tiny().reset(options=options)
    assert set(options) == {"reset_mask", "start"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_envs": 0}, "num_envs is 0"),
        ({"render_mode": "human"}, "not for many cars"),
        ({"autoreset_mode": "sometimes"}, "choose one of 'NextStep'"),
        ({"config": RacingEnv(observation=TINY).config, "laps": 2}, "config and laps are given"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(SimError, match=text):
        RacingVecEnv(**settings)


def test_a_pickled_one_is_the_same() -> None:
    env = gymnasium.make_vec(ID, num_envs=2, autoreset_mode="SameStep", **SETTINGS).unwrapped
    other = pickle.loads(pickle.dumps(env))
    assert (other.num_envs, other.autoreset_mode, other.spec) == (2, AutoresetMode.SAME_STEP, env.spec)
    np.testing.assert_array_equal(env.reset(seed=0)[0], other.reset(seed=0)[0])


def test_every_car_is_drawn() -> None:
    env = tiny(2, render_mode="rgb_array")
    env.reset(seed=0)
    pictures = env.render()
    assert pictures is not None and [p.shape for p in pictures] == [(480, 640, 3)] * 2
    single = RacingEnv("rgb_array", track="oval", observation=TINY)
    single.reset(seed=1)
    np.testing.assert_array_equal(pictures[1], single.render())
    assert tiny().render() is None


def test_starts_in_turn_are_spread_over_the_lap() -> None:
    env = tiny(4, start="round_robin")
    env.reset(seed=0)
    first = env.world.places["position"].copy()
    assert np.diff(first) == pytest.approx(0.25, abs=0.001)
    env.reset()
    assert env.world.places["position"] - first == pytest.approx(0.05, abs=0.001)
