"""Environment steps a second on one core, observation included, beside other simulators that pip can install.

All take turns, a few short pieces at a time, each in a process of its own: compare the ratios. "median" is
per second of CPU time; "best" is the best piece by the clock, near to what an idle machine gives.

The others live in an environment of their own, which `make bench` makes from benchmarks/peers.txt, since
their requirements do not go with ours. What is not installed there is said so.

    python -m benchmarks.throughput [--rounds 40] [--cars 64] [--peers .venv-peers/bin/python]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import contenders as make
from .turns import Contender, compare

_REFERENCE = "gymnasium CarRacing-v3"
_BULLET = {"physics": "bullet", "renderer": "bullet", "reward": None}


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--cars", type=int, default=64)
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has the others")
    options = parser.parse_args()
    rows = [*_ours(options.cars), *_others(options.peers)]
    compare(rows, options.rounds)
    print(f"{processor()}, one core, {options.rounds} rounds")
    print_table(rows, next((row.median for row in rows if row.name == _REFERENCE and row.rates), None))


def _ours(n: int) -> list[Contender]:
    reward = make.typical_reward
    ours = [
        (f"{n} cars", make.batched, {"cars": n, "reward": None}, "160x120"),
        (f"{n} cars, user reward", make.batched, {"cars": n, "reward": reward}, "160x120"),
        (
            f"{n} cars, user reward, wide lens",
            make.batched,
            {"cars": n, "reward": reward, "camera": "wide"},
            "160x120",
        ),
        (
            f"{n} cars, user reward, 80x60",
            make.batched,
            {"cars": n, "reward": reward, "size": (80, 60)},
            "80x60",
        ),
        ("RacingEnv", make.single, {"reward": None}, "160x120"),
        ("RacingEnv, user reward", make.single, {"reward": reward}, "160x120"),
        ("RacingEnv on PyBullet", make.single, {"reward": None, "physics": "bullet"}, "160x120"),
        ("RacingEnv on PyBullet, its renderer", make.single, _BULLET, "160x120"),
        ("frames alone", make.frames, {"cars": n, "size": (160, 120), "camera": "deepracer"}, "160x120"),
        (
            "frames alone, wide lens",
            make.frames,
            {"cars": n, "size": (160, 120), "camera": "wide"},
            "160x120",
        ),
        ("frames alone, 80x60", make.frames, {"cars": n, "size": (80, 60), "camera": "deepracer"}, "80x60"),
    ]
    return [
        Contender(f"Hairpin: {name}", function, settings, note) for name, function, settings, note in ours
    ]


def _others(python: str) -> list[Contender]:
    others = [
        (_REFERENCE, make.car_racing, {}, "96x96 RGB"),
        ("EnvPool CarRacing, 1 env", make.envpool_car_racing, {"cars": 1}, "96x96 RGB"),
        ("EnvPool CarRacing, 64 envs", make.envpool_car_racing, {"cars": 64}, "96x96 RGB"),
        ("PyBullet racecar, TinyRenderer", make.pybullet_racecar, {}, "160x120 RGB"),
        ("highway-env racetrack", make.racetrack, {}, "2x12x12 grid"),
        ("MetaDrive", make.metadrive, {}, "259 numbers"),
    ]
    return [Contender(name, function, settings, note, python) for name, function, settings, note in others]


def print_table(rows: list[Contender], reference: float | None) -> None:
    """Print what was measured; ratios are against `reference` [steps/s], if there is one."""
    print(
        f"{'':46s}{'observation':>13s}{'median/s':>10s}{'10 to 90 %':>18s}{'best/s':>9s}{'ratio':>8s}", end=""
    )
    print(f"{'MB':>6s}{'start':>8s}")
    for row in rows:
        print(f"{row.name:46s}{row.note:>13s}", end="")
        if row.failure:
            print(f"   {row.failure}")
            continue
        low, high = row.spread
        ratio = f"{row.median / reference:.0f}x" if reference else "-"
        print(f"{row.median:10,.0f}{f'{low:,.0f}-{high:,.0f}':>18s}{row.best:9,.0f}{ratio:>8s}", end="")
        print(f"{row.memory:6.0f}{row.start:7.1f}s")


def processor() -> str:
    """The processor's name, as far as the machine tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown processor"
    named = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    numbers = (f"{key} {named[key]}" for key in ("cpu family", "model") if key in named)
    return f"{named.get('model name', 'unknown processor')} ({', '.join(numbers)})"


if __name__ == "__main__":
    main()
