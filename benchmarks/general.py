"""Where it has never been: policies on tracks, cars, cameras and lights that they were not trained with.

Each policy is trained in a process of its own, then drives one lap from random starts, both ways round, on
ten tracks that no training saw: generated from other seeds, built in, and DeepRacer's own if their files
are at hand (else more of the other two). The physics is PyBullet's, and lag, grip, camera pose, colours,
light and noise are drawn anew for each start from `Randomization` "full", in colours that no training saw.

    python -m benchmarks.general [--seeds 5] [--trials 10] [--tracks FOLDER] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from hairpin.agents.circuits import exam_tracks
from hairpin.agents.evaluation import Subject, open_subject
from hairpin.sim.laps import Start, run_trials, world_of
from hairpin.sim.randomize import FULL
from hairpin.tracks import Track, load_track

#: What is compared: settings of `TrainConfig`.
POLICIES: Final[dict[str, dict[str, Any]]] = {
    "general": {"preset": "general"},
    "general, nothing randomised": {"preset": "general", "randomization": "none"},
    "fast, on reinvent_2018 alone": {"preset": "fast"},
}
BUILTIN: Final = ("grand_prix", "serpent", "alley")
DEEPRACER: Final = (
    "Tokyo_Training_track", "2022_summit_speedway", "2024_reinvent_champ_ccw", "reInvent2019_track",
)  # fmt: skip
SPARE: Final = ("harbour", "meadow", "bowtie", "oval")
#: Everything differs, in colours of another seed than the training's.
CONDITIONS: Final = dataclasses.replace(FULL, style_seed=1, offset=None, heading=None)

_TRAIN = """
import json, sys, time
from hairpin.agents import TrainConfig, train
imports = time.process_time()
train(TrainConfig(seed=int(sys.argv[1]), out=sys.argv[2], **json.loads(sys.argv[3])))
print(time.process_time() - imports)
"""


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=10, help="on each track")
    parser.add_argument("--tracks", type=Path, default=Path("../shared/deepracer/tracks"), help="DeepRacer's")
    parser.add_argument("--out", type=Path, help="keep the runs here, and use those that are there")
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=list(POLICIES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch)
        for name in options.policies:
            rows = []
            for seed in range(options.seeds):
                path = folder / f"{name.replace(', ', '-').replace(' ', '_')}-{seed}"
                cpu = train(path, seed, POLICIES[name])
                rows.append(
                    _row(name, seed, cpu, completions(path, test_tracks(options.tracks), options.trials))
                )
            shares = [statistics.mean(row.values()) for row in rows]
            print(f"{name}: median {statistics.median(shares):.1%}, worst {min(shares):.1%}", flush=True)


def test_tracks(folder: Path) -> list[Track]:
    """Ten tracks that no policy here was trained on."""
    files = [folder / f"{name}.npy" for name in DEEPRACER]
    others = [file if file.exists() else spare for file, spare in zip(files, SPARE, strict=True)]
    return [*exam_tracks(3, seed=1000), *(load_track(ref) for ref in (*BUILTIN, *others))]


def train(path: Path, seed: int, settings: dict[str, Any]) -> float:
    """Train one policy, unless it is there; CPU time [s], or NaN."""
    if path.exists():
        return float("nan")
    command = [sys.executable, "-c", _TRAIN, str(seed), str(path), json.dumps(settings)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def completions(path: Path, tracks: list[Track], trials: int, physics: str = "bullet") -> dict[str, float]:
    """Share of the trials that were completed, by track."""
    subject = open_subject(path)
    return {
        track.name: _completion(subject, track, trials, physics, seed) for seed, track in enumerate(tracks)
    }


def _completion(subject: Subject, track: Track, trials: int, physics: str, seed: int) -> float:
    rng = np.random.default_rng([seed, 7])
    begin = [Start(float(rng.uniform()), ("ccw", "cw")[i % 2]) for i in range(trials)]
    config = world_of(subject.contract, track, physics=physics, randomization=CONDITIONS)
    return run_trials(config, subject.act, begin, seed=seed)[0].completion_rate


def _row(name: str, seed: int, cpu: float, shares: dict[str, float]) -> dict[str, float]:
    print(f"{name}, seed {seed}: {statistics.mean(shares.values()):.1%}, {cpu:.0f} CPU s;", end=" ")
    print(", ".join(f"{track} {share:.0%}" for track, share in shares.items()), flush=True)
    return shares


if __name__ == "__main__":
    main()
