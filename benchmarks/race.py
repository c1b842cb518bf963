"""How near the preset `race` comes to the shortest lap time, and what that costs.

Each run is a process of its own that trains to its budget of steps. Then the checkpoint with the best mean
lap drives 20 trials of two laps, from places spread over the lap, in both physics; the second lap of each is
the flying one that is compared with the racing line's. The shortest time is that of the single-track model
with stiff tyres and all wheels on the road; laps are counted in whole steps of 1/15 s.

    python -m benchmarks.race [--tracks reinvent_2018 my_track.npy] [--seeds 1] [--steps 1500000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from typing import Any

_RUN = """
import json, sys, time
import numpy as np
from hairpin.agents import TrainConfig, evaluate, train
from hairpin.sim.limits import nominal_limits
from hairpin.tracks import load_track
from hairpin.tracks.line import racing_line
track, seed, out, extra = sys.argv[1:5]
began = time.process_time()
run = train(TrainConfig(track=track, preset="race", seed=int(seed), out=out, **json.loads(extra)))
spent = time.process_time() - began
row = {"cpu": spent, "steps": run.last.steps, "best_steps": run.best.steps}
row["shortest"] = racing_line(load_track(track), nominal_limits()).lap_time
for physics in ("single_track", "bullet"):
    found = evaluate(run.path, physics=physics, trials=20, laps=2)
    ends = [np.flatnonzero(np.array(trace.progress) >= 100.0) for trace in found.traces]
    flying = [float(np.diff(end)[0]) / found.world.control_hz for end in ends if len(end) == 2]
    row[physics] = {"completed": found.report.completed, "flying": flying, "out": found.report.wheels_out}
print(json.dumps(row))
"""

_TRACKS = ("reinvent_2018", "grand_prix", "bowtie")


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", nargs="+", default=_TRACKS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, help="the preset's own if not given")
    options = parser.parse_args()
    extra = {} if options.steps is None else {"steps": options.steps}
    print("| track | shortest | seed | steps | CPU s | single_track: laps, mean, best | PyBullet: the same |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for track in options.tracks:
        for seed in range(options.seeds):
            _print(track, seed, _row(track, seed, extra))


def _row(track: str, seed: int, extra: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _RUN, track, str(seed), f"{folder}/run", json.dumps(extra)]
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    row: dict[str, Any] = json.loads(output.splitlines()[-1])
    return row


def _print(track: str, seed: int, row: dict[str, Any]) -> None:
    name = track.rpartition("/")[2].removesuffix(".npy")
    cells = [name, f"{row['shortest']:.2f} s", seed, f"{row['steps']:,}", f"{row['cpu']:.0f}"]
    cells += [_laps(row[physics], row["shortest"]) for physics in ("single_track", "bullet")]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def _laps(found: dict[str, Any], shortest: float) -> str:
    """Completed trials, and flying laps as ratios to the shortest time."""
    times = found["flying"]
    if not times:
        return f"{found['completed']} of 20"
    mean = sum(times) / len(times)
    ratios = f"{mean / shortest:.3f}, {min(times) / shortest:.3f}"
    return f"{found['completed']} of 20, {ratios} ({mean:.2f} s)"


if __name__ == "__main__":
    main()
