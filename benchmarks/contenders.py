"""What is timed: each function makes one simulator, and gives what steps it.

`Steps` takes a number of calls and gives the environment steps that were made; what is not installed raises
ImportError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Steps = Callable[[int], int]


def typical_reward(params: dict[str, Any]) -> float:
    """What users write: distance bands, heading against the next waypoint, speed and progress."""
    import math

    track_width, distance = params["track_width"], params["distance_from_center"]
    reward = 1.0 if distance <= 0.1 * track_width else 0.5 if distance <= 0.25 * track_width else 0.1
    waypoints, (before, after) = params["waypoints"], params["closest_waypoints"]
    (x0, y0), (x1, y1) = waypoints[before], waypoints[after]
    direction = math.degrees(math.atan2(y1 - y0, x1 - x0))
    difference = abs(direction - params["heading"])
    if min(difference, 360 - difference) > 10:
        reward *= 0.5
    if params["steps"] > 0:
        reward += params["progress"] / params["steps"] + params["speed"] ** 2
    return float(reward if params["all_wheels_on_track"] else 1e-3)


def batched(cars: int, size: tuple[int, int] = (160, 120), objects: int = 0, **settings: Any) -> Steps:
    """Our vector environment; frames are gray; with boxes on the track if asked for."""
    from hairpin.edge.contract import ObservationSpec
    from hairpin.sim import RacingVecEnv
    from hairpin.sim.obstacles import Obstacles

    if objects:
        settings |= {"race": "object_avoidance", "obstacles": Obstacles(count=objects)}
    spec = ObservationSpec(width=size[0], height=size[1])
    env = RacingVecEnv(cars, observation=spec, **settings)
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 10, (1000, cars))
    return _stepper(env, actions, cars)


def single(**settings: Any) -> Steps:
    """Our single environment, 160x120 gray."""
    from hairpin.sim import RacingEnv

    env = RacingEnv(**settings)
    env.reset(seed=0)
    return _stepper_with_resets(env, np.random.default_rng(0).integers(0, 10, 1000))


def frames(cars: int, size: tuple[int, int], camera: str) -> Steps:
    """Our camera alone: a batch of frames at new random poses each time."""
    from dataclasses import replace

    from hairpin.sim.camera import CAMERAS
    from hairpin.sim.render import Renderer, nominal_view
    from hairpin.tracks import load_track
    from hairpin.tracks.surface import rasterise

    from .camera import random_poses

    track, rng = load_track("reinvent_2018"), np.random.default_rng(0)
    renderer = Renderer(replace(CAMERAS[camera], width=size[0], height=size[1]), [rasterise(track)])
    poses = [random_poses(track, cars, rng) for _ in range(50)]
    surface, view, seed = np.zeros(cars, int), nominal_view(cars), np.zeros(cars, np.uint64)
    out = np.empty((cars, *renderer.camera.shape), np.uint8)
    turn = 0

    def run(calls: int) -> int:
        nonlocal turn
        for _ in range(calls):
            renderer.render(poses[turn % 50], surface, view, seed, out)
            turn += 1
        return calls * cars

    return run


def car_racing() -> Steps:
    """Gymnasium's CarRacing-v3 (Box2D), 96x96 RGB."""
    import gymnasium

    env = gymnasium.make("CarRacing-v3", continuous=False)
    env.reset(seed=0)
    return _stepper_with_resets(env, np.random.default_rng(0).integers(0, 5, 1000))


def envpool_car_racing(cars: int) -> Steps:
    """EnvPool's CarRacing (C++), 96x96 RGB, one thread."""
    import envpool

    env = envpool.make("CarRacing-v2", env_type="gymnasium", num_envs=cars, num_threads=1, seed=0)
    env.reset()
    actions = np.random.default_rng(0).uniform(-1, 1, (1000, cars, 3)).astype(np.float32)
    return _stepper(env, actions, cars)


def racetrack() -> Steps:
    """highway-env's racetrack: a grid of 2x12x12, no camera."""
    import gymnasium
    import highway_env  # noqa: F401  (registers its environments)

    env = gymnasium.make("racetrack-v0")
    env.reset(seed=0)
    return _stepper_with_resets(env, np.random.default_rng(0).uniform(-1, 1, (1000, *env.action_space.shape)))


def metadrive() -> Steps:
    """MetaDrive without a camera: 259 numbers, lidar among them."""
    from metadrive import MetaDriveEnv

    env = MetaDriveEnv({"use_render": False, "log_level": 50, "start_seed": 0, "num_scenarios": 1})
    env.reset(seed=0)
    return _stepper_with_resets(env, np.random.default_rng(0).uniform(-1, 1, (1000, 2)))


def pybullet_racecar() -> Steps:
    """pybullet_data's racecar on its plane, 16 substeps of 1/240 s, a frame of 160x120 by TinyRenderer."""
    import pybullet
    import pybullet_data
    from pybullet_utils.bullet_client import BulletClient

    client = BulletClient(pybullet.DIRECT)
    client.setAdditionalSearchPath(pybullet_data.getDataPath())
    client.setGravity(0, 0, -9.81)
    client.loadURDF("plane.urdf")
    car = client.loadURDF("racecar/racecar.urdf", [0, 0, 0.1])
    wheels, steering = (2, 3, 5, 7), (4, 6)
    lens = client.computeProjectionMatrixFOV(51, 160 / 120, 0.01, 100)
    rng = np.random.default_rng(0)

    def run(calls: int) -> int:
        for _ in range(calls):
            turn, speed = rng.uniform(-0.4, 0.4), rng.uniform(5, 25)
            for joint in wheels:
                client.setJointMotorControl2(
                    car, joint, pybullet.VELOCITY_CONTROL, targetVelocity=speed, force=10
                )
            for joint in steering:
                client.setJointMotorControl2(car, joint, pybullet.POSITION_CONTROL, targetPosition=turn)
            for _ in range(16):
                client.stepSimulation()
            place, spin = client.getBasePositionAndOrientation(car)
            forward = np.array(client.getMatrixFromQuaternion(spin)).reshape(3, 3)[:, 0]
            eye = np.array(place) + 0.2 * forward + [0, 0, 0.15]
            view = client.computeViewMatrix(eye, eye + forward - [0, 0, 0.26], [0, 0, 1])
            client.getCameraImage(160, 120, view, lens, renderer=pybullet.ER_TINY_RENDERER)
        return calls

    return run


def _stepper(env: Any, actions: Any, cars: int) -> Steps:
    turn = 0

    def run(calls: int) -> int:
        nonlocal turn
        for _ in range(calls):
            env.step(actions[turn % len(actions)])
            turn += 1
        return calls * cars

    return run


def _stepper_with_resets(env: Any, actions: Any) -> Steps:
    turn = 0

    def run(calls: int) -> int:
        nonlocal turn
        for _ in range(calls):
            _, _, terminated, truncated, _ = env.step(actions[turn % len(actions)])
            turn += 1
            if terminated or truncated:
                env.reset()
        return calls

    return run
