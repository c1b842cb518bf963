"""The first lap in seconds: `hairpin train` from the start of the process until it has a policy that laps.

Each run is a process of its own, from the command line to its end: imports, tracks, training, evaluations
and checkpoints; the compiled kernels are in their cache. "Confirmed" is when all of 16 starts have done 3
laps and a second evaluation has confirmed it; "the end" when the process has ended, which it does when no
wheel left the road either. Evaluations run in a thread beside the training, so the main thread's CPU time is
what a machine with two idle cores takes at least, and all threads' what one core takes.

    python -m benchmarks.first_lap [--tracks reinvent_2018 oval] [--seeds 5] [--preset fast]
    python -m benchmarks.first_lap --seeds 3 --preset stock
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

_GLANCE = 0.02  # time between looks at what a run has found [s]
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
    print("                      confirmed         the end           CPU s")
    print("track          seed   steps   wall s   steps   wall s   main thread   all")
    for track in options.tracks:
        rows = [first_lap(track, seed, options.preset) for seed in range(options.seeds)]
        middle = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
        print(f"{track:14s} median {_text(middle)}", flush=True)


def first_lap(track: str, seed: int, preset: str) -> dict[str, float]:
    """One run: its steps and its times [s]."""
    arguments = ["train", "--track", track, "--preset", preset, "--seed", str(seed), "--out"]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        run = Path(folder) / "run"
        command = [sys.executable, "-c", _RUN, *arguments, str(run)]
        began = time.perf_counter()
        confirmed = None
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            while process.poll() is None:
                time.sleep(_GLANCE)
                if confirmed is None and any(verdict["confirmed"] for verdict in _verdicts(run)):
                    confirmed = time.perf_counter() - began
            wall = time.perf_counter() - began
            output = process.stdout.read() if process.stdout is not None else ""
        log.seek(0)
        if process.returncode:
            raise SystemExit(f"{track}, seed {seed}: the training failed:\n{log.read()}")
        verdicts = _verdicts(run)
    times: dict[str, float] = json.loads(output.splitlines()[-1])
    first = next((verdict["steps"] for verdict in verdicts if verdict["confirmed"]), float("nan"))
    row = {
        "first": first, "confirmed": confirmed or wall, "steps": verdicts[-1]["steps"], "wall": wall, **times,
    }  # fmt: skip
    note = "" if confirmed is not None else "  not confirmed"
    print(f"{track:14s} {seed:6d} {_text(row)}{note}", flush=True)
    return row


def _verdicts(run: Path) -> list[dict[str, Any]]:
    """The evaluations that a run has finished so far."""
    file = run / "evaluations.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _text(row: dict[str, float]) -> str:
    return (
        f"{row['first']:7.0f}  {row['confirmed']:7.1f} {row['steps']:7.0f}  {row['wall']:7.1f}"
        f"  {row['main']:12.1f}  {row['all']:4.1f}"
    )


if __name__ == "__main__":
    main()
