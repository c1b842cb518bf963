"""The whole job in one go: train, evaluate, export, rehearse, film."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from hairpin.edge.policy import Policy
from hairpin.edge.runtime import drive
from hairpin.sim.rehearsal import rehearse

from .config import TrainConfig, plan
from .evaluation import Evaluation
from .exporting import export
from .history import evaluations_of
from .pictures import draw_learning
from .run import RUN_FILE
from .training import train
from .watch import evaluate_and_show

_TRIALS = 16  # 8 places, both directions
_LAPS = 3
_POLICY, _BUNDLE = "the policy", "its bundle"
_LEFT = {
    "policy.tar.gz": "the bundle that the car drives",
    "laps.mp4": "a drive in PyBullet, seen from behind",
    "laps-bullet.png": "the driven laps in PyBullet",
    "laps-single_track.png": "the driven laps in the fast simulator",
    "learning.png": "the learning curves; more in tensorboard/",
}


def run_demo(out: Path, *, track: str, reward: str, seed: int, replace: bool) -> bool:
    """Train, evaluate in both physics, export, rehearse with the car's runtime; leave all in one folder.

    Args:
        out: The run's folder.
        track: Where.
        reward: What for.
        seed: Of everything random.
        replace: Whether a former run in the folder is removed first.

    Returns:
        Whether the policy did all its laps in both physics with every wheel on the road.

    Raises:
        RunError: The folder is in use.
    """
    config = TrainConfig(track=track, reward=reward, seed=seed, out=out)
    plan(config)  # what is wrong with the settings must not cost the former run
    if replace and (out / RUN_FILE).exists():
        shutil.rmtree(out)
    began = time.monotonic()
    console = Console()
    say = partial(console.print, highlight=False, soft_wrap=True)
    say(f"training on {track} for the reward {reward}: 80x60 gray camera frames, one core", markup=False)
    run = train(config, console=console)
    trained = time.monotonic() - began

    evaluations: dict[str, Evaluation] = {}
    for physics in ("single_track", "bullet"):
        (evaluations[physics],) = evaluate_and_show(
            run.path,
            physics=physics,
            trials=_TRIALS,
            laps=_LAPS,
            plot=out / f"laps-{physics}.png",
            video=out / "laps.mp4" if physics == "bullet" else None,
            console=console,
        )
    bundle = out / "policy.tar.gz"
    parity = export(run, bundle)
    rehearsal = _rehearse(bundle)
    draw_learning(out / "learning.png", run, evaluations_of(run))

    reports = [(_POLICY, evaluation.report.to_dict()) for evaluation in evaluations.values()]
    reports.append((_BUNDLE, rehearsal))
    console.print(_table(reports))
    good = all(report["completed"] == report["trials"] and not report["wheels_out"] for _, report in reports)
    say("all laps driven, every wheel on the road" if good else "not all laps were driven: see the pictures")
    say(f"training {trained:.0f} s, all {time.monotonic() - began:.0f} s; {parity.summary()}")
    for name, what in _LEFT.items():
        say(f"  {out / name}: {what}", markup=False)
    return good


def _rehearse(bundle: Path) -> dict[str, Any]:
    """The exported bundle, driven by the car's runtime in PyBullet's physics."""
    policy = Policy.load(bundle)
    return rehearse(
        policy.contract,
        lambda camera, car: drive(policy, camera, car),
        laps=_LAPS,
        trials=2,
        physics="bullet",
    )


def _table(reports: Sequence[tuple[str, dict[str, Any]]]) -> Table:
    laps = "1 lap" if _LAPS == 1 else f"{_LAPS} laps in a row"
    table = Table(title=f"{reports[0][1]['track']}: {laps} from each start", box=SIMPLE)
    for heading in ("driven by", "physics", "completed", "wheel out", "best lap", "mean speed"):
        table.add_column(heading, justify="left" if heading in ("driven by", "physics") else "right")
    for driver, report in reports:
        best = "-" if report["best_lap"] is None else f"{report['best_lap']:.2f} s"
        completed = f"{report['completed']} of {report['trials']}"
        wheels, speed = f"{report['wheels_out']} steps", f"{report['mean_speed']:.2f} m/s"
        table.add_row(driver, report["physics"], completed, wheels, best, speed)
    return table
