"""What people write as rewards, trained with the preset `fast` until the policy laps.

Each reward has a process of its own. It trains until all of 16 starts do 3 consecutive laps, or until the
preset's budget is spent; then the policy drives 16 starts in both physics.

    python -m benchmarks.rewards [--track FILE] [--rewards FILE ...] [--seed 0]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .one_run import one_run

_COMMUNITY = Path(__file__).parents[1] / "tests" / "rewards" / "community"


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--track", default="reinvent_2018", help="a name or a file")
    parser.add_argument(
        "--rewards", nargs="+", default=[str(path) for path in sorted(_COMMUNITY.glob("*.py"))]
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--settings", default="{}", help="more of TrainConfig, as JSON")
    options = parser.parse_args()
    print(f"{options.track}, seed {options.seed}; of 16 starts, three laps each:")
    print(f"{'reward':26s}   steps  train CPU s  single_track  wheel out  lap s  bullet  wheel out  lap s")
    for reward in options.rewards:
        row = one_run(options.track, reward, options.seed, options.settings)
        there, bullet = row["single_track"], row["bullet"]
        print(f"{Path(reward).stem:26s} {row['steps']:7d}  {row['train_cpu']:11.1f}", end="  ")
        print(f"{there['completed']:9d}/16  {there['wheels_out']:9d}  {there['lap']:5.1f}", end="  ")
        print(f"{bullet['completed']:3d}/16  {bullet['wheels_out']:9d}  {bullet['lap']:5.1f}", flush=True)


if __name__ == "__main__":
    main()
