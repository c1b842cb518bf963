"""One training from nothing in a process of its own, and what its policy then does in both physics."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any, Final

_RUN: Final = """
import json, sys, time
began = time.perf_counter()
from hairpin.agents import TrainConfig, evaluate, evaluations_of, train
imports = time.process_time()
track, reward, seed, out, extra = sys.argv[1:6]
run = train(TrainConfig(track=track, reward=reward, seed=int(seed), out=out, **json.loads(extra)))
trained, wall = time.process_time(), time.perf_counter() - began
verdicts = evaluations_of(run)
best = max(verdicts, key=lambda verdict: verdict.rank)
row = {
    "steps": verdicts[-1].steps, "confirmed": best.confirmed, "train_cpu": trained - imports,
    "process_cpu": trained, "wall": wall, "first": next((v.steps for v in verdicts if v.confirmed), None),
}
for physics in ("single_track", "bullet"):
    report = evaluate(run.path, physics=physics, trials=16, laps=3, log=False).report
    lap = report.mean_lap or 0.0
    row[physics] = {"completed": report.completed, "wheels_out": report.wheels_out, "lap": lap}
print(json.dumps(row))
"""


def one_run(track: str, reward: str, seed: int, settings: str) -> dict[str, Any]:
    """Train, and evaluate 16 starts of three laps in each physics.

    Args:
        track: A name or a file.
        reward: A name or a file.
        seed: Of everything random.
        settings: More of TrainConfig, as JSON.

    Returns:
        `steps` and CPU seconds of the training (`train_cpu` without imports, `process_cpu` with them), `wall`
        seconds, `first` step at which the policy lapped, whether it was `confirmed`; and per physics how many
        trials were `completed`, on how many steps a wheel was out, and the mean `lap` [s].

    Raises:
        subprocess.CalledProcessError: The training failed; what it said is printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _RUN, track, reward, str(seed), f"{folder}/run", settings]
        result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        print(result.stderr, file=sys.stderr)
        result.check_returncode()
    row: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return row
