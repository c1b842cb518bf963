"""Environment steps a second on one core, camera and reward included, beside PyBullet with its own renderer.

All contenders take turns within one run, pinned to one core, so that a noisy machine slows all of them alike:
compare the ratios. The frame is 160x120 gray, the default of the environment.

    python -m benchmarks.throughput [--rounds 7] [--cars 64]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np


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


def batched(cars: int, **settings: Any) -> Callable[[int], int]:
    """Steps the vector environment; gives the environment steps that were made."""
    env = gymnasium.make_vec(
        "hairpin/TimeTrial-v0", num_envs=cars, vectorization_mode="vector_entry_point", **settings
    )
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 10, (1000, cars))

    def run(steps: int) -> int:
        for i in range(steps):
            env.step(actions[i % 1000])
        return steps * cars

    return run


def single(**settings: Any) -> Callable[[int], int]:
    """Steps the single environment."""
    env = gymnasium.make("hairpin/TimeTrial-v0", **settings).unwrapped
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 10, 1000)

    def run(steps: int) -> int:
        for i in range(steps):
            _, _, terminated, truncated, _ = env.step(actions[i % 1000])
            if terminated or truncated:
                env.reset()
        return steps

    return run


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cars", type=int, default=64)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    n = options.cars
    bullet = {"physics": "bullet", "renderer": "bullet", "reward": None}
    contenders = {
        f"batched world, {n} cars": (batched(n, reward=None), 40),
        f"batched world, {n} cars, typical user reward": (batched(n, reward=typical_reward), 40),
        f"batched world, {n} cars, wide lens, user reward": (
            batched(n, reward=typical_reward, camera="wide"),
            30,
        ),
        "single RacingEnv": (single(reward=None), 400),
        "single RacingEnv, typical user reward": (single(reward=typical_reward), 400),
        "single, PyBullet physics, our camera": (single(reward=None, physics="bullet"), 60),
        "single, PyBullet physics and TinyRenderer": (single(**bullet), 25),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for run, _ in contenders.values():
        run(5)
    for _ in range(options.rounds):
        for name, (run, steps) in contenders.items():
            began = time.perf_counter()
            made = run(steps)
            rates[name].append(made / (time.perf_counter() - began))
    reference = statistics.median(rates["single, PyBullet physics and TinyRenderer"])
    print(f"{'160x120 gray, one core':52s} {'steps/s':>9s} {'spread':>17s} {'ratio':>7s}")
    for name, values in rates.items():
        median = statistics.median(values)
        print(f"{name:52s} {median:9,.0f} {min(values):8,.0f}-{max(values):8,.0f} {median / reference:6.1f}x")


if __name__ == "__main__":
    main()
