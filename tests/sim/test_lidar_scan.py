"""The lidar's rays against shapely, and worlds whose cars see with several sensors."""

from __future__ import annotations

import dataclasses
import math
import pickle

import gymnasium
import numpy as np
import pytest
import shapely
from driving import tiny_world
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3

from hairpin.edge.contract import (
    FARTHEST,
    NEAREST,
    RAYS,
    LidarConfig,
    LidarSpec,
    ObservationSpec,
    lidar_values,
    ray_angles,
)
from hairpin.sim import RacingEnv, RacingVecEnv, SimError, make_config
from hairpin.sim.lidar import FACING, FORWARD, HEIGHT, NOISE, scan
from hairpin.sim.objects import OBJECT_DTYPE
from hairpin.sim.sb3 import SB3VecEnv

STEREO = ObservationSpec("STEREO_CAMERAS", width=48, height=36, channels=2)
LIDARS = (
    LidarSpec("LIDAR"),
    LidarSpec("SECTOR_LIDAR"),
    LidarSpec("DISCRETIZED_SECTOR_LIDAR", LidarConfig(4, 5, 3.0)),
)
BOTH = dataclasses.replace(STEREO, lidar=LIDARS[2])
FRONT = ObservationSpec(width=48, height=36, lidar=LIDARS[0])


def box(x: float, y: float, yaw: float = 0.0, length: float = 0.4, width: float = 0.3, height: float = 0.3):
    one = np.zeros(1, OBJECT_DTYPE)
    one["x"], one["y"], one["yaw"], one["height"] = x, y, yaw, height
    one["half_length"], one["half_width"] = length / 2, width / 2
    return one[0]


def by_shapely(pose: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """Distances along the rays; infinity beyond the range."""
    x, y, yaw = pose
    origin = np.array([x + FORWARD * math.cos(yaw), y + FORWARD * math.sin(yaw)])
    shapes = [
        affinity.translate(
            affinity.rotate(
                shapely.box(-o["half_length"], -o["half_width"], o["half_length"], o["half_width"]),
                float(o["yaw"]), origin=(0, 0), use_radians=True,
            ),
            o["x"], o["y"],
        )
        for o in objects
    ]  # fmt: skip
    ranges = np.full(RAYS, np.inf)
    for k, angle in enumerate(ray_angles() + FACING + yaw):
        end = origin + FARTHEST * np.array([math.cos(angle), math.sin(angle)])
        ray = shapely.LineString([origin, end])
        hits = [shapely.Point(origin).distance(ray.intersection(s)) for s in shapes if ray.intersects(s)]
        ranges[k] = min(hits, default=math.inf)
    return ranges


places = st.floats(-4, 4)
objects = st.lists(
    st.builds(box, places, places, st.floats(-4, 4), st.floats(0.05, 1.5), st.floats(0.05, 1.5)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(places, places, st.floats(-7, 7), objects)
def test_rays_end_where_shapely_says(x: float, y: float, yaw: float, around: list) -> None:
    pose, around = np.array([x, y, yaw]), np.array(around, OBJECT_DTYPE)
    found = scan(pose[None], around[None], np.array([7], np.uint64))[0]
    expected = by_shapely(pose, around)
    # A ray along an edge or through a corner may miss or meet it, by rounding.
    clear = np.ones(RAYS, bool)
    for grown in (-1e-6, 1e-6):
        other = around.copy()
        other["half_length"] += grown
        other["half_width"] += grown
        clear &= np.isinf(by_shapely(pose, other)) == np.isinf(expected)
        with np.errstate(invalid="ignore"):
            clear &= ~(np.abs(by_shapely(pose, other) - expected) > 1e-3)
    hit = clear & np.isfinite(expected)
    assert (np.abs(found[hit] - np.clip(expected[hit], NEAREST, FARTHEST)) <= 5.4 * NOISE).all()
    assert np.isinf(found[clear & np.isinf(expected)]).all()


def test_the_lidar_looks_backwards() -> None:
    def seen(x: float, y: float) -> np.ndarray:
        return scan(np.zeros((1, 3)), np.array([[box(x, y)]]), np.zeros(1, np.uint64))[0]

    behind, left, right = seen(-1, 0), seen(0, 1), seen(0, -1)
    assert np.isfinite(behind[31:33]).all() and behind[31] == pytest.approx(0.8 + FORWARD, abs=0.06)
    # Counter-clockwise from the front's left side: left, behind, right.
    assert np.flatnonzero(np.isfinite(left)).max() < 31 < 33 < np.flatnonzero(np.isfinite(right)).min()
    assert np.isinf(seen(1.5, 0)).all()


def test_noise_is_seeded_and_of_the_originals_size() -> None:
    pose, around = np.zeros((1, 3)), np.array([[box(-2, 0, length=0.1, width=3)]])
    scans = np.array([scan(pose, around, np.array([k], np.uint64))[0, 28:36] for k in range(2000)])
    assert scans.std(axis=0) == pytest.approx(NOISE, rel=0.1)
    assert scans.mean(axis=0) == pytest.approx(by_shapely(pose[0], around[0])[28:36], abs=0.002)
    np.testing.assert_array_equal(scans[5], scan(pose, around, np.array([5], np.uint64))[0, 28:36])


def test_what_is_flat_or_far_or_not_there_is_not_seen() -> None:
    pose, seed = np.zeros((2, 3)), np.zeros(2, np.uint64)
    low, far = box(-1, 0, height=HEIGHT - 0.01), box(-13, 0)
    assert np.isinf(scan(pose, np.array([[low], [far]]), seed)).all()
    assert np.isinf(scan(pose, np.zeros((2, 0), OBJECT_DTYPE), seed)).all()
    inside = scan(pose[:1], np.array([[box(0, 0)]]), seed[:1])
    assert (inside == NEAREST).all()


def test_a_world_gives_what_each_sensor_sees() -> None:
    world = tiny_world(3, observation=BOTH)
    seen = world.observe()
    assert list(seen) == ["STEREO_CAMERAS", "DISCRETIZED_SECTOR_LIDAR"]
    assert seen["STEREO_CAMERAS"].shape == (3, 36, 48, 2)
    assert not seen["DISCRETIZED_SECTOR_LIDAR"].any()  # nothing stands on the track
    np.testing.assert_array_equal(
        world.observe(np.array([1]))["STEREO_CAMERAS"][0], seen["STEREO_CAMERAS"][1]
    )
    plain = tiny_world(3, observation=STEREO).observe()
    np.testing.assert_array_equal(plain, seen["STEREO_CAMERAS"])


def test_two_cameras_are_six_centimetres_apart() -> None:
    both = tiny_world(observation=STEREO)
    frames = both.frames()[0]
    camera = dataclasses.replace(both.config.camera)
    for eye, left in enumerate((0.03, -0.03)):
        x, y, z = camera.position
        moved = dataclasses.replace(camera, position=(x, y + left, z))
        one = tiny_world(observation=ObservationSpec(width=48, height=36), camera=moved)
        assert (np.abs(one.frames()[0, ..., 0].astype(int) - frames[..., eye]) <= 1).mean() > 0.999
    assert (frames[..., 0] != frames[..., 1]).mean() > 0.1


@pytest.mark.parametrize("race", ["object_avoidance", "head_to_bot"])
def test_the_lidar_sees_what_stands_around_the_car(race) -> None:
    world = tiny_world(race=race, observation=dataclasses.replace(FRONT, lidar=LIDARS[0]))
    one = world.objects[0, 0]
    one_metre_ahead = np.array(
        [[one["x"] + math.cos(one["yaw"]), one["y"] + math.sin(one["yaw"]), one["yaw"]]]
    )
    world._latency.stand(np.array([0]), one_metre_ahead)
    expected = by_shapely(one_metre_ahead[0], world.objects[0])
    found = world.ranges()[0]
    hit = np.isfinite(expected) & np.isfinite(found)
    assert hit[31] and np.abs(found[hit] - np.clip(expected[hit], NEAREST, FARTHEST)).max() < 0.06
    assert (world.observe()["LIDAR"][0] == lidar_values(found, LIDARS[0])).all()


@pytest.mark.parametrize("lidar", [None, *LIDARS])
@pytest.mark.parametrize("sensor", ["LEFT_CAMERA", "STEREO_CAMERAS"])
def test_the_checkers_of_both_libraries_find_nothing(sensor, lidar) -> None:
    spec = ObservationSpec(
        sensor, width=48, height=36, channels=2 if sensor == "STEREO_CAMERAS" else 1, lidar=lidar
    )
    keywords = {"track": "oval", "reward": "center_line", "observation": spec, "max_steps": 20}
    env = gymnasium.make("hairpin/TimeTrial-v0", **keywords).unwrapped
    check_env(env, skip_render_check=True)
    check_env_of_sb3(RacingEnv(**keywords), warn=False)
    assert isinstance(env.observation_space, gymnasium.spaces.Dict) == (lidar is not None)
    assert pickle.loads(pickle.dumps(env)).observation_space == env.observation_space


def test_a_batch_is_its_cars_and_keeps_their_last_observations() -> None:
    config = make_config("oval", "center_line", observation=BOTH, max_steps=3)
    cars = RacingVecEnv(2, config=config, autoreset_mode="SameStep")
    seen, _ = cars.reset(seed=5)
    assert cars.observation_space.contains(seen)
    for i in (0, 1):
        one, _ = RacingEnv(config=config).reset(seed=5 + i)
        assert all((one[name] == seen[name][i]).all() for name in one)
    for _ in range(3):
        before = seen
        seen, _, _, truncated, infos = cars.step(np.array([2, 2]))
    assert truncated.all() and cars.observation_space.contains(seen)
    for last in infos["final_obs"]:
        assert cars.single_observation_space.contains(last)
        assert (last["STEREO_CAMERAS"] != before["STEREO_CAMERAS"][0]).any()


def test_sb3_sees_frames_channels_first_by_name() -> None:
    env = SB3VecEnv(2, make_config("oval", "center_line", observation=BOTH, max_steps=2))
    assert env.observation_space["STEREO_CAMERAS"].shape == (2, 36, 48)
    assert env.observation_space["DISCRETIZED_SECTOR_LIDAR"].shape == (20,)
    seen = env.reset()
    for _ in range(2):
        assert all(env.observation_space[name].contains(values[0]) for name, values in seen.items())
        seen, _, done, infos = env.step(np.array([2, 2]))
    assert done.all() and env.observation_space.contains(infos[0]["terminal_observation"])
    with pytest.raises(SimError, match="leave the lidar out"):
        SB3VecEnv(2, make_config("oval", "center_line", observation=BOTH), privileged=True)


def test_model_metadata_name_the_sensors(tmp_path) -> None:
    path = tmp_path / "model_metadata.json"
    path.write_text(
        '{"action_space": [{"steering_angle": 0, "speed": 1}], "sensor": ["STEREO_CAMERAS", "LIDAR"]}'
    )
    spec = make_config("oval", model_metadata=path).observation
    assert spec.sensors == ("STEREO_CAMERAS", "LIDAR") and spec.shape == (120, 160, 2)
