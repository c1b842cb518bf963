"""The first lap in seconds: `hairpin train` from the start of the process until it has a policy that laps.

Each run is a process of its own, from the command line to its end: imports, tracks, training, evaluations
and checkpoints; the compiled kernels are in their cache. A policy laps when all of 16 starts do 3 laps,
confirmed by a second evaluation. Evaluations run in a thread beside the training, so the main thread's CPU
time is what a machine with two idle cores takes at least, and all threads' what one core takes.

    python -m benchmarks.first_lap [--tracks reinvent_2018 oval] [--seeds 5] [--preset fast]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_RUN = """
import json, sys, time
from hairpin.agents.cli.main import main
try:
    main()
finally:
    print(json.dumps({"main": time.thread_time(), "all": time.process_time()}))
"""


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", nargs="+", default=["reinvent_2018", "oval"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--preset", default="fast")
    options = parser.parse_args()
    print("track          seed   steps   wall s   main thread CPU s   all CPU s")
    for track in options.tracks:
        rows = [first_lap(track, seed, options.preset) for seed in range(options.seeds)]
        middle = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
        print(f"{track:14s} median {_text(middle)}", flush=True)


def first_lap(track: str, seed: int, preset: str) -> dict[str, float]:
    """One run: its steps and its times [s]."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        arguments = ["train", "--track", track, "--preset", preset, "--seed", str(seed), "--out", str(run)]
        began = time.perf_counter()
        output = subprocess.run(
            [sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True, check=True
        ).stdout
        wall = time.perf_counter() - began
        verdicts: list[dict[str, Any]] = [
            json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()
        ]
    times: dict[str, float] = json.loads(output.splitlines()[-1])
    row = {"steps": verdicts[-1]["steps"], "wall": wall, **times}
    note = "" if verdicts[-1]["confirmed"] else "  not confirmed"
    print(f"{track:14s} {seed:6d} {_text(row)}{note}", flush=True)
    return row


def _text(row: dict[str, float]) -> str:
    return f"{row['steps']:7.0f}  {row['wall']:7.1f}  {row['main']:18.1f}  {row['all']:10.1f}"


if __name__ == "__main__":
    main()
