"""DeepRacer's own network and settings, trained until they lap: CPU-minutes on one of its tracks.

Each seed has a process of its own and trains with the preset `deepracer` until all of 16 starts do 3
consecutive laps, confirmed by a second evaluation with another car and light in every trial. CPU time is that
of the whole process, imports and evaluations included, when that verdict is in, and when training ends by
itself, which it does when a policy is also clean of wheels on the line, or more training does not make it so.

    python -m benchmarks.original --track FILE --model-metadata FILE --hyperparameters FILE --reward FILE
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

_RUN: Final = """
import json, sys, time
from hairpin.agents import TrainConfig, callbacks, evaluate, train
verdicts = []
enter = callbacks.add_evaluation
def add(run, verdict):
    enter(run, verdict)
    verdicts.append({**verdict.to_dict(), "cpu": time.process_time()})
    print(json.dumps(verdicts[-1]), file=sys.stderr, flush=True)
callbacks.add_evaluation = add
run = train(TrainConfig(preset="deepracer", **json.loads(sys.argv[1])))
print(json.dumps({"verdicts": verdicts, "cpu": time.process_time(), "steps": run.last.steps}))
"""


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("track", "model-metadata", "hyperparameters", "reward"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, help="keep the runs in this folder")
    options = parser.parse_args()
    print("seed  laps confirmed: steps  CPU min  lap s  wheel out  training ended: steps  CPU min")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            found = arrive(
                track=options.track,
                model_metadata=options.model_metadata,
                hyperparameters=options.hyperparameters,
                reward=options.reward,
                seed=seed,
                out=str((options.out or Path(folder)) / f"seed-{seed}"),
            )
        print(f"{seed:4d}  {_text(found)}", flush=True)


def arrive(**settings: Any) -> dict[str, Any]:
    """Train once.

    Args:
        **settings: Of `TrainConfig`, as JSON takes them.

    Returns:
        `verdicts`: what each evaluation found (`Verdict.to_dict`), with the `cpu` seconds so far; and the
        `steps` and `cpu` seconds when training ended.

    Raises:
        subprocess.CalledProcessError: The training failed; what it said is printed.
    """
    result = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(settings)], stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def _text(found: dict[str, Any]) -> str:
    ended = f"{found['steps']:22d}  {found['cpu'] / 60:7.1f}"
    first = next((verdict for verdict in found["verdicts"] if verdict["confirmed"]), None)
    if first is None:
        return f"{'not confirmed':44s}{ended}"
    lap, out = first["mean_lap"], first["wheels_out"]
    return f"{first['steps']:21d}  {first['cpu'] / 60:7.1f}  {lap:5.1f}  {out:9d}{ended}"


if __name__ == "__main__":
    main()
