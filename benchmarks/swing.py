"""Swinging: how much policies swing the steering, and what helps against it.

Each policy trains for the same number of steps in a process of its own, then drives a lap from 16 starts in
PyBullet's physics. What is measured: the mean change of the steering command from step to step, and its power
above 2 Hz on straights (`hairpin.sim.oscillation`).

    python -m benchmarks.swing [--track reinvent_2018] [--seeds 2] [--steps 49152] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from typing import Any, Final

#: What is compared: a preset's fields, the reward, ranges of the preset's randomisation, the action space,
#: and how many of the last steering commands are drawn into the frame.
VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "as the preset has it": {},
    "temporal 0.5": {"caps": [0.5, 0]},
    "temporal 2": {"caps": [2, 0]},
    "temporal 2, spatial 2": {"caps": [2, 2]},
    "reward smooth_steering": {"reward": "smooth_steering"},
    "no latency": {"ranges": {"latency": None}},
    "more latency": {"ranges": {"latency": [0.0, 0.07], "action_delay": [0, 1]}},
    "action history": {"history": 4},
    "continuous": {"continuous": True},
    "continuous, action history": {"continuous": True, "history": 4},
    "continuous, temporal 2": {"continuous": True, "caps": [2, 0]},
    "continuous, temporal 2, spatial 2": {"continuous": True, "caps": [2, 2]},
}

_RUN = """
import dataclasses, json, sys, time
from hairpin.agents import TrainConfig, evaluate, train
from hairpin.agents.presets import PRESETS
from hairpin.edge.contract import ContinuousActions
from hairpin.sim import World
from hairpin.sim.randomize import MILD
import numpy as np
began = time.process_time()
track, seed, steps, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
variant = json.loads(sys.argv[5])
PRESETS["fast"] = dataclasses.replace(PRESETS["fast"], caps=tuple(variant.get("caps", (0, 0))))
if history := variant.get("history", 0):
    plain = World.frames
    def frames(world, which=None):
        # The frames, and in their top rows, which show sky, the last steering commands as gray levels.
        which = np.arange(world.num_cars) if which is None else which
        seen = plain(world, which)
        told = world._latency._commands[:history, which, 0].T / np.radians(30.0)
        seen[:, :2, : 8 * history, 0] = np.repeat(127.5 + 127.5 * told, 8, axis=1)[:, None]
        return seen
    World.frames = frames
ranges = {name: value and tuple(value) for name, value in variant.get("ranges", {}).items()}
run = train(TrainConfig(
    track=track, reward=variant.get("reward", "center_line"), seed=seed, steps=steps, out=out,
    randomization=dataclasses.replace(MILD, **ranges),
    actions=ContinuousActions((-30.0, 1.0), (30.0, 1.8)) if variant.get("continuous") else None,
))
trained = time.process_time() - began
report = evaluate(run.path, physics="bullet", trials=16, laps=1).report
print(json.dumps({
    "cpu": trained, "completed": report.completed, "lap": report.mean_lap or 0,
    "change": report.steering_change, "power": report.steering_power or 0, "wheels_out": report.wheels_out,
}))
"""


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--track", default="reinvent_2018")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=49_152)
    parser.add_argument("--only", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    options = parser.parse_args()
    print("| | change [deg] | above 2 Hz [deg^2] | completed | lap [s] | wheel out | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for name in options.only:
        rows = [_row(options.track, seed, options.steps, VARIANTS[name]) for seed in range(options.seeds)]
        mean = {key: statistics.mean(row[key] for row in rows) for key in rows[0]}
        each = ", ".join(f"{row['change']:.1f}" for row in rows)
        print(f"| {name} | {mean['change']:.1f} ({each}) | {mean['power']:.1f} |", end=" ")
        print(
            f"{sum(row['completed'] for row in rows):.0f} of {16 * len(rows)} | {mean['lap']:.1f} |", end=" "
        )
        print(f"{mean['wheels_out']:.0f} | {mean['cpu']:.1f} |", flush=True)


def _row(track: str, seed: int, steps: int, variant: dict[str, Any]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        arguments = [track, str(seed), str(steps), f"{folder}/run", json.dumps(variant)]
        command = [sys.executable, "-c", _RUN, *arguments]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    row: dict[str, float] = json.loads(output.splitlines()[-1])
    return row


if __name__ == "__main__":
    main()
