"""Does memory stay where it is? Steps the environment for long, and makes and closes many.

Prints the resident memory at intervals and its slope over the second half, where a leak shows and warming up
does not.

    python -m benchmarks.soak [--steps 100000] [--physics bullet] [--cars 64] [--render]
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from pathlib import Path

import numpy as np

from hairpin.sim import RacingEnv, RacingVecEnv
from hairpin.sim.physics import PHYSICS

_INTERVALS = 20
_ENVS = 100  # made and closed one after the other


def resident_mib() -> float:
    """Resident memory of this process [MiB], from Linux's own books."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def soak(steps: int, physics: str, cars: int, render: bool) -> list[tuple[int, float]]:
    """Step a batch of cars with random actions; environment steps and resident memory [MiB] at intervals."""
    mode = "rgb_array" if render else None
    env = RacingVecEnv(
        cars,
        physics=physics,
        randomization="full",
        direction="both",
        render_mode=mode,
        autoreset_mode="SameStep",
    )
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    rounds = max(_INTERVALS, steps // cars)
    marks = []
    for k in range(1, rounds + 1):
        env.step(rng.integers(0, 10, cars))
        if render and k % 50 == 0:
            env.render()
        if k % (rounds // _INTERVALS) == 0:
            marks.append((k * cars, resident_mib()))
            print(f"{marks[-1][0]:12,d} steps {marks[-1][1]:9.1f} MiB", flush=True)
    env.close()
    return marks


def make_and_close(count: int, physics: str) -> list[tuple[int, float]]:
    """Make, drive and close single environments; how many and resident memory [MiB] at intervals."""
    marks = []
    for k in range(1, count + 1):
        env = RacingEnv(physics=physics)
        env.reset(seed=k)
        env.step(7)
        env.close()
        del env
        if k % (count // 10) == 0:
            marks.append((k, resident_mib()))
            print(f"{k:12,d} envs  {marks[-1][1]:9.1f} MiB", flush=True)
    return marks


def slope(marks: list[tuple[int, float]]) -> float:
    """Growth over the second half of some marks [MiB per unit], by least squares."""
    late = np.array(marks[len(marks) // 2 :])
    return float(np.polyfit(late[:, 0], late[:, 1], 1)[0])


def main() -> None:
    """Run the soak and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--physics", choices=PHYSICS, default="single_track")
    parser.add_argument("--cars", type=int, default=64)
    parser.add_argument(
        "--render", action="store_true", help="draw the pictures of all cars now and then, too"
    )
    options = parser.parse_args()
    began = time.perf_counter()
    marks = soak(options.steps, options.physics, options.cars, options.render)
    print(f"slope over the second half: {1e6 * slope(marks):+.1f} MiB per million steps")
    envs = make_and_close(_ENVS, options.physics)
    print(f"slope over the second half: {1e3 * slope(envs):+.1f} MiB per thousand environments")
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
