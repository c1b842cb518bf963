"""How steps per second, memory and start-up depend on the number of cars, the frame, objects and processors.

python -m benchmarks.scaling [--rounds 40]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np

from . import contenders as make
from .throughput import print_table, processor
from .turns import Contender, compare

_START = """
import time
began, cpu = time.perf_counter(), time.process_time()
from hairpin.sim import RacingVecEnv
env = RacingVecEnv(2, camera="{camera}")
env.reset(seed=0)
env.step(env.action_space.sample())
print(f"{{time.process_time() - cpu:.1f}} CPU s, {{time.perf_counter() - began:.1f}} s")
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    print(f"{processor()}, {options.rounds} rounds\n\nNumber of cars, frame, objects; no reward, one core")
    rows = _rows()
    compare(rows, options.rounds)
    print_table(rows, rows[0].median)
    print("\nStart-up: imports, track, one step")
    _start_up()
    print(
        "\nTwo at a time against one; processes by CPU time, threads by the clock, the best of short pieces"
    )
    _two_at_a_time(options.rounds)


def _rows() -> list[Contender]:
    rows = [
        Contender(f"{n} cars", make.batched, {"cars": n, "reward": None}, "160x120")
        for n in (1, 4, 16, 64, 256, 1024)
    ]
    for size in ((80, 36), (80, 60), (320, 240)):
        settings = {"cars": 64, "reward": None, "size": size}
        rows.append(Contender("64 cars", make.batched, settings, f"{size[0]}x{size[1]}"))
    for camera in ("deepracer", "wide"):
        for n in (256, 1024):
            settings = {"cars": n, "size": (160, 120), "camera": camera}
            rows.append(Contender(f"frames alone, {n}, {camera}", make.frames, settings, "160x120"))
    for count in (1, 4, 8):
        settings = {"cars": 64, "reward": None, "objects": count}
        rows.append(Contender(f"64 cars with {count} boxes each", make.batched, settings, "160x120"))
    return rows


def _start_up() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for what in ("nothing compiled yet", "compiled before"):
            run = [sys.executable, "-c", _START.format(camera="deepracer")]
            done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
            print(f"  {what:24s}{done.stdout.strip()}")


def _two_at_a_time(rounds: int) -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        print("  there is but one processor")
        return
    kinds = {"pure arithmetic, processes": _arithmetic, "64 cars, processes": _cars}
    ratios = {}
    for name, factory in kinds.items():
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            barrier = time.time() + 15
            jobs = [(factory, barrier, rounds, k, cores[k]) for k in (0, 1)]
            one, two = zip(*pool.map(_alone_and_together, jobs), strict=True)
        ratios[name] = sum(two) / max(one)
        print(f"  {name:30s}{max(one):12,.0f}/s alone{sum(two):12,.0f}/s two{ratios[name]:7.2f}x")
    arithmetic, cars = ratios.values()
    print(f"  64 cars, of what arithmetic gains: {cars / arithmetic:.2f}")
    _threads(rounds)


def _threads(rounds: int) -> None:
    """Two halves of a batch of frames, each in a thread, against the whole batch in one."""
    whole = make.frames(64, (160, 120), "deepracer")
    halves = [make.frames(32, (160, 120), "deepracer") for _ in range(2)]
    one = two = 0.0
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10 * rounds):
            began = time.perf_counter()
            one = max(one, whole(1) / (time.perf_counter() - began))
            began = time.perf_counter()
            two = max(two, sum(pool.map(lambda half: half(1), halves)) / (time.perf_counter() - began))
    print(f"  {'64 frames, two threads':30s}{one:12,.0f}/s one  {two:12,.0f}/s two{two / one:7.2f}x")


def _arithmetic() -> make.Steps:
    numbers = np.arange(4096, dtype=np.float64)

    def run(calls: int) -> int:
        for _ in range(calls):
            np.sqrt(numbers * numbers + 1.0).sum()
        return calls

    return run


def _cars() -> make.Steps:
    return make.batched(64, reward=None)


def _alone_and_together(job: tuple[Callable[[], make.Steps], float, int, int, int]) -> tuple[float, float]:
    """Rates of one of two processes, per second of CPU time: while the other sleeps, and together."""
    factory, start, rounds, k, core = job
    os.sched_setaffinity(0, {core})
    run = factory()
    calls = 1
    while _seconds(run, calls) < 0.01:
        calls *= 2
    rates: tuple[list[float], list[float]] = ([], [])
    for turn in range(3 * rounds):  # of 0.2 s: the first alone, the second alone, both
        now = start + turn * 0.2
        time.sleep(max(0.0, now - time.time()))
        together = turn % 3 == 2
        while (together or turn % 3 == k) and time.time() < now + 0.16:
            steps = run(calls)  # what it has in its caches is its own again
            rates[together].append(steps / _seconds(run, calls))
    return statistics.median(rates[0]), statistics.median(rates[1])


def _seconds(run: make.Steps, calls: int) -> float:
    began = time.process_time()
    run(calls)
    return time.process_time() - began


if __name__ == "__main__":
    main()
