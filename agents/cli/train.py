"""`hairpin train` and `demo`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .options import BOTS, OBSTACLES, PHYSICS, RACES, TRACK
from .options import given as given_options

if TYPE_CHECKING:
    from ..run import Run

_DEMO: Final = Path("runs/demo")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (train, demo):
        app.command()(command)


def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="A new folder; runs/demo, made anew, if not given.")
    ] = None,
    track: Annotated[str, TRACK] = "reinvent_2018",
    reward: Annotated[str, typer.Option("--reward", help="A reward file or name.")] = "center_line",
    seed: Annotated[int, typer.Option("--seed", help="Of everything random.")] = 0,
) -> None:
    """The whole job: train, evaluate in PyBullet, export, rehearse with the car's runtime, film."""
    with _no_garbage():
        from ..demo import run_demo

    with _ctrl_c():
        good = run_demo(out or _DEMO, track=track, reward=reward, seed=seed, replace=out is None)
    if not good:
        sys.exit(1)


def train(
    context: typer.Context,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track",
            help="A built-in name (hairpin tracks list) or a .npy, .csv or .track file; several times for "
            "several tracks. If not given, reinvent_2018, or what --preset general generates.",
        ),
    ] = None,
    reward: Annotated[
        str | None,
        typer.Option(
            "--reward",
            help="A file with reward_function(params), or a name (hairpin reward list); else the preset's.",
        ),
    ] = None,
    model_metadata: Annotated[
        Path | None,
        typer.Option(
            "--model-metadata",
            help="A DeepRacer model_metadata.json: action space, sensors (cameras, lidars), algorithm.",
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            help="fast: laps in seconds; race: lap times at up to 4 m/s; general: drives where it has never "
            "been; stock: the stock car's networks; deepracer: those, with DeepRacer's settings.",
        ),
    ] = "fast",
    algorithm: Annotated[
        str | None, typer.Option("--algorithm", help="ppo, or sac for continuous actions.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of everything random.")] = 0,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", help="Steps to train for, in whole rounds of learning; else until the policy laps."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run's folder; runs/TRACK-NUMBER else.")
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option("--direction", help="ccw, cw, both or alternate; the preset's if not given."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", help="random, round_robin or line: where episodes begin."),
    ] = None,
    physics: Annotated[str, PHYSICS] = "single_track",
    camera: Annotated[
        str | None,
        typer.Option("--camera", help="deepracer (64.7 degrees) or wide (120 degrees, as on the car)."),
    ] = None,
    randomization: Annotated[
        str | None,
        typer.Option("--randomization", help="none, light, mild, full, deepracer: what differs by episode."),
    ] = None,
    race: Annotated[str, typer.Option("--race", help=RACES)] = "time_trial",
    obstacles: Annotated[int | None, OBSTACLES] = None,
    bots: Annotated[int | None, BOTS] = None,
    smooth: Annotated[
        float | None,
        typer.Option("--smooth", help="Hold the steering from step to step; try 2, with continuous actions."),
    ] = None,
    num_envs: Annotated[int | None, typer.Option("--num-envs", help="Cars that gather experience.")] = None,
    clone: Annotated[
        Path | None, typer.Option("--from", help="A run whose policy is the start of this one.")
    ] = None,
    hyperparameters: Annotated[
        Path | None,
        typer.Option("--hyperparameters", help="A DeepRacer hyperparameters.json, for --preset deepracer."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="A run to go on with after a stop or kill.")
    ] = None,
) -> None:
    """Train a policy from camera frames with your reward function.

    Training ends when the policy does three laps in a row from 16 starts, twice over; with --steps it goes on
    for that many steps. Ctrl-C saves what was learned and says how to go on.

    Example: hairpin train --track reinvent_2018 --reward my_reward.py --out runs/mine
    """
    with _no_garbage():
        from rich.console import Console

        from .. import TrainConfig
        from .. import resume as resume_run
        from .. import train as train_run

    console = Console(stderr=True)
    config = TrainConfig(
        track=track, reward=reward, preset=preset,
        algorithm=algorithm, model_metadata=model_metadata,
        seed=seed, steps=steps, out=out, num_envs=num_envs, physics=physics, camera=camera,
        direction=direction, start=start, randomization=randomization,
        race=race, obstacles=obstacles, bots=bots,
        smooth=smooth, clone=clone, hyperparameters=hyperparameters,
    )  # fmt: skip
    given = given_options(context)
    if resume is not None and given - {"resume", "steps", "reward"}:
        raise _resume_takes(given)
    with _ctrl_c():
        if resume is not None:
            other = reward if "reward" in given else None
            run = resume_run(resume, steps=steps, reward=other, console=console)
        else:
            run = train_run(config, console=console)
    typer.echo(str(run.path))
    _say_next(run)


def _resume_takes(given: set[str]) -> ValueError:
    from ..errors import RunError

    names = {"clone": "--from"}
    extra = sorted(
        names.get(name, "--" + name.replace("_", "-")) for name in given - {"resume", "steps", "reward"}
    )
    return RunError(
        f"--resume goes on with the run's own settings: leave out {', '.join(extra)} "
        "(only --steps and --reward may change)"
    )


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Imports without the search for garbage, which would take a sixth of their time and find none."""
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()  # nor are the modules looked through during the training
        gc.enable()


@contextmanager
def _ctrl_c() -> Iterator[None]:
    """A training that Ctrl-C stopped says how to go on with it."""
    from ..training import Stopped

    try:
        yield
    except Stopped as stopped:
        typer.echo(str(stopped), err=True)
        sys.exit(130)


def _say_next(run: Run) -> None:
    """What the training came to, and what to do with it."""
    from ..bar import verdict_text
    from ..history import best_verdict

    best, folder = best_verdict(run), quote(str(run.path))
    if best is not None:
        typer.echo(f"best policy, after {best.steps:,} steps: {verdict_text(best)}", err=True)
    if best is None or not best.passed:
        typer.echo(f"to train on: hairpin train --resume {folder} --steps N", err=True)
    typer.echo(f"next: hairpin evaluate {folder} --video {folder}/laps.mp4", err=True)
