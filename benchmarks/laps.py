"""From nothing to laps: CPU-seconds and environment steps of the preset `fast`, and the jump to PyBullet.

Each run is a process of its own. It trains until all of 16 starts (8 places, both directions) do 3
consecutive laps with the deterministic policy, confirmed by a second evaluation from other starts with
another car and light in each trial; then the same policy drives 16 starts in PyBullet's physics, which it
has never met.

    python -m benchmarks.laps [--tracks reinvent_2018 grand_prix] [--seeds 5] [--reward center_line]
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from .one_run import one_run


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", nargs="+", default=["reinvent_2018", "grand_prix"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--reward", default="center_line")
    parser.add_argument("--settings", default="{}", help="more of TrainConfig, as JSON")
    options = parser.parse_args()
    print("track                seed   steps  train CPU s  process CPU s", end="  ")
    print("wall s  lap s  bullet  wheel out  lap s")
    for track in options.tracks:
        rows = [_row(track, options.reward, seed, options.settings) for seed in range(options.seeds)]
        steps, cpu, process, wall = (_median(rows, n) for n in ("steps", "train_cpu", "process_cpu", "wall"))
        print(f"{track}, median: {steps:.0f} steps, {cpu:.1f} CPU s of training;", end=" ")
        print(f"{process:.1f} CPU s and {wall:.1f} s for the whole process")


def _row(track: str, reward: str, seed: int, settings: str) -> dict[str, Any]:
    row = one_run(track, reward, seed, settings)
    there, bullet = row["single_track"], row["bullet"]
    print(f"{track:20s} {seed:4d} {row['steps']:7d}  {row['train_cpu']:11.1f}", end="  ")
    print(f"{row['process_cpu']:13.1f}  {row['wall']:6.1f}  {there['lap']:5.1f}", end="  ")
    print(f"{bullet['completed']:3d}/16  {bullet['wheels_out']:9d}  {bullet['lap']:5.1f}", end="")
    print("" if row["confirmed"] else "  not confirmed", flush=True)
    return row


def _median(rows: list[dict[str, Any]], name: str) -> float:
    return statistics.median(row[name] for row in rows)


if __name__ == "__main__":
    main()
