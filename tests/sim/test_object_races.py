"""Races with objects as environments, and as trials: the same world behind each face."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from driving import TINY, pursue, tiny_world
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3
from test_vector import CARS, SETTINGS, both, stepped_alike

from hairpin.edge.contract import ContinuousActions, ObservationSpec
from hairpin.sim import Bots, Obstacles, RacingEnv, World, make_config
from hairpin.sim.episode import Start
from hairpin.sim.laps import run_trials, starts
from hairpin.sim.paint import Painter
from hairpin.sim.trace import COLUMNS, CRASH_COLUMN, PAUSE, LapRecorder, write_trace

IDS = {"hairpin/ObjectAvoidance-v0": "object_avoidance", "hairpin/HeadToBot-v0": "head_to_bot"}
RACES = pytest.mark.parametrize("race", IDS.values())
ACTIONS = ContinuousActions((-30.0, 0.0), (30.0, 4.0))


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("name", IDS)
def test_environments_work_with_no_arguments_single_and_batched(name: str, no_warnings: None) -> None:
    env = gymnasium.make(name)
    observation, _ = env.reset(seed=0)
    assert observation.shape == (120, 160, 1) and env.unwrapped.config.race == IDS[name]
    assert env.unwrapped.world.objects.shape == (1, 4 if IDS[name] == "object_avoidance" else 3)
    env.step(env.action_space.sample())
    cars = gymnasium.make_vec(name, num_envs=3, vectorization_mode="vector_entry_point", observation=TINY)
    observations, _ = cars.reset(seed=0)
    assert observations.shape == (3, 24, 32, 1)
    cars.step(cars.action_space.sample())


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("physics", ["single_track", "bullet"])
def test_both_checkers_have_nothing_to_say(
    name: str, physics: str, no_warnings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    spec = ObservationSpec(width=48, height=36)
    settings = {"track": "oval", "observation": spec, "physics": physics}
    check_env(gymnasium.make(name, **settings).unwrapped)
    check_env_of_sb3(gymnasium.make(name, render_mode="rgb_array", **settings).unwrapped)


@RACES
@pytest.mark.parametrize("mode", AutoresetMode)
def test_a_batch_does_what_single_cars_do(race: str, mode: AutoresetMode) -> None:
    ours, theirs = both(mode, **SETTINGS | {"max_steps": 40, "track": "oval"}, race=race)
    rng, ends = np.random.default_rng(0), 0
    for _ in range(80):
        actions = rng.choice([7, 2], CARS)  # straight on, into things
        done = stepped_alike(ours, theirs, actions)
        ends += int(done.sum())
        np.testing.assert_array_equal(
            ours.world.objects, np.concatenate([env.world.objects for env in theirs.envs])
        )
        if mode is AutoresetMode.DISABLED and done.any():
            options = {"options": {"reset_mask": done}}
            np.testing.assert_array_equal(ours.reset(**options)[0], theirs.reset(**options)[0])
    assert ends > 4


@RACES
def test_a_seed_says_everything_and_an_env_survives_pickling(race: str) -> None:
    env = RacingEnv(track="oval", observation=TINY, race=race, randomization="full")
    frames = []
    for one in (env, env, pickle.loads(pickle.dumps(env))):
        seen = [one.reset(seed=3)[0]]
        seen += [one.step(7)[0] for _ in range(8)]
        frames.append(np.array(seen))
    np.testing.assert_array_equal(frames[0], frames[1])
    np.testing.assert_array_equal(frames[0], frames[2])
    assert (env.reset(seed=4)[0] != frames[0][0]).any()


def follow(world: World) -> Any:
    """A policy that follows the centre line with its eyes closed."""

    def act(frames: np.ndarray) -> np.ndarray:
        steering, speed = pursue(world, speed=1.2).T
        return np.column_stack([steering / np.radians(30.0), speed / 2.0 - 1.0]).clip(-1, 1)

    return act


def trials(resets: int, mercy: int = 0, **settings: Any) -> tuple[Any, World, LapRecorder, list[Any]]:
    config = make_config("oval", None, observation=TINY, actions=ACTIONS, laps=1, **settings)
    world = World(config, 2)
    world.recorder = recorder = LapRecorder(2)
    report, traces = run_trials(
        config, follow(world), starts(2, "ccw"), resets=resets, mercy=mercy, world=world
    )
    return report, world, recorder, traces


def test_a_crash_ends_a_trial_or_costs_five_seconds(tmp_path: Path) -> None:
    # Their middle is beside the centre line, and each is too wide to pass in the middle of the road.
    boxes = Obstacles(positions=((0.3, 1), (0.8, -1)), size=(0.4, 0.5, 0.25))
    report, *_ = trials(0, race="object_avoidance", obstacles=boxes)
    assert report.completed == 0 and report.statuses == ("crashed", "crashed")
    assert report.crashes == 2 and report.race == "object_avoidance" and report.off_tracks == 0
    report, world, recorder, _ = trials(4, race="object_avoidance", obstacles=boxes)
    assert report.crashes >= 4
    steps = np.array([len(rows) for rows in recorder.episodes()]) - 1
    paused = [sum(row[14] == PAUSE for row in rows) for rows in recorder.episodes()]
    assert world.race.time == pytest.approx(steps / 15.0) and paused == [4 * 5 * 15] * 2
    path = tmp_path / "0-iteration.csv"
    with path.open("w") as file:
        write_trace(file, recorder.episodes(), 0)
    lines = path.read_text().splitlines()
    assert lines[0] == ",".join((*COLUMNS, CRASH_COLUMN))
    assert {line.count(",") for line in lines} == {len(COLUMNS)}
    assert {line.rpartition(",")[2] for line in lines[1:]} == {"0"}  # as there, without mercy


def test_mercy_lets_a_trial_end_that_would_crash_for_ever() -> None:
    wall = Obstacles(positions=((0.3, 1),), size=(0.1, 2.0, 0.25))  # across the whole road
    settings = {"race": "object_avoidance", "obstacles": wall}
    stuck, *_ = trials(6, **settings)
    assert stuck.completed == 0 and stuck.crashes == 2 * 7
    report, _, recorder, _ = trials(6, mercy=3, **settings)
    assert report.completed == 2 and report.crashes == 2 * 3
    for rows in recorder.episodes():
        counts = [row[-1] for row in rows]
        assert [count for count, _ in groupby(counts)] == [0, 1, 2, 0]


def test_a_time_trial_s_trace_has_no_column_for_crashes(tmp_path: Path) -> None:
    *_, recorder, _ = trials(0)
    with (tmp_path / "trace.csv").open("w") as file:
        write_trace(file, recorder.episodes(), 0)
    assert (tmp_path / "trace.csv").read_text().splitlines()[0] == ",".join(COLUMNS)


def test_objects_stand_in_other_places_in_each_trial_and_again_with_the_same_seed() -> None:
    config = make_config("oval", None, observation=TINY, race="object_avoidance")
    places = []
    for seed in (0, 0, 1):
        world = World(config, 3)
        seen: list[np.ndarray] = []
        run_trials(
            config,
            lambda frames: np.full(3, 2),
            [Start(0.0)] * 3,
            seed=seed,
            on_step=lambda world, seen=seen: seen.append(world.objects["x"].copy()),
            world=world,
        )
        places.append(seen[0])
    np.testing.assert_array_equal(places[0], places[1])
    assert len(np.unique(places[0])) == 12 and (places[0] != places[2]).all()


def test_bullet_lets_a_car_pass_and_stops_it_the_same_alone_and_in_company() -> None:
    def drive(num_cars: int) -> np.ndarray:
        world = tiny_world(num_cars, physics="bullet", start="random", race="object_avoidance", obstacles=5)
        poses = []
        for _ in range(45):
            world.drive(pursue(world))
            poses.append(world.pose[0].copy())
        world.close()
        return np.array(poses)

    np.testing.assert_array_equal(drive(1), drive(3))


def test_pictures_show_objects_in_the_road_and_on_the_map() -> None:
    box = Obstacles(positions=((0.06, 1),))
    pictures = []
    for settings in ({}, {"race": "object_avoidance", "obstacles": box}):
        world = tiny_world(**settings)
        world._put(np.array([0]), tiny_world().pose)
        pictures.append(Painter(world).paint(0).astype(int))
    changed = (pictures[0] != pictures[1]).any(axis=-1)
    assert changed[12:155, 12:202].sum() > 8  # the map
    assert changed[170:420, 100:540].sum() > 800  # the road
    bots = Painter(tiny_world(race="head_to_bot", bots=Bots(positions=((0.06, -1),)))).paint(0)
    assert bots.std() > 20
