"""`hairpin train`, `evaluate`, `export` and `demo`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from hairpin.sim.laps import LapReport

    from ..run import Run

TRACK = typer.Option("--track", help="A built-in name (hairpin tracks list) or a .npy, .csv or .track file.")
JSON = typer.Option("--json", help="Print one JSON object on standard output, all else on standard error.")
PHYSICS = typer.Option("--physics", help="bullet (PyBullet, the reference) or single_track (fast).")
DIRECTION = typer.Option("--direction", help="ccw, cw or both; as in its training if not given.")
RACES = "time_trial, object_avoidance (boxes on the track) or head_to_bot (slow cars)."
OBSTACLES = typer.Option("--obstacles", help="Boxes of object_avoidance, in other places each time; 4 else.")
BOTS = typer.Option("--bots", help="Slow cars of head_to_bot; 3 else.")

_DEMO: Final = Path("runs/demo")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (train, evaluate, export, demo):
        app.command()(command)


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
            "been; deepracer: DeepRacer's own networks.",
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
        Path | None, typer.Option("--out", help="The run's folder; runs/<track>-<number> else.")
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
        typer.Option("--randomization", help="none, light, mild or full: what differs between episodes."),
    ] = None,
    race: Annotated[str, typer.Option("--race", help=RACES)] = "time_trial",
    obstacles: Annotated[int | None, OBSTACLES] = None,
    bots: Annotated[int | None, BOTS] = None,
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
        clone=clone, hyperparameters=hyperparameters,
    )  # fmt: skip
    given = _given(context)
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


def _given(context: typer.Context) -> set[str]:
    """Names of the options that the command line gives."""
    return {
        name
        for name in context.params
        if getattr(context.get_parameter_source(name), "name", None) == "COMMANDLINE"
    }


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

    best = best_verdict(run)
    if best is not None:
        typer.echo(f"best policy, after {best.steps:,} steps: {verdict_text(best)}", err=True)
    if best is None or not best.passed:
        typer.echo(f"to train on: hairpin train --resume {run.path} --steps N", err=True)
    typer.echo(f"next: hairpin evaluate {run.path} --video {run.path}/laps.mp4", err=True)


def evaluate(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="RUN_OR_BUNDLE", help="A run's folder or an exported bundle.")
    ],
    track: Annotated[str | None, TRACK] = None,
    physics: Annotated[str, PHYSICS] = "bullet",
    renderer: Annotated[
        str, typer.Option("--renderer", help="raycast, or bullet for PyBullet's own camera (slow).")
    ] = "raycast",
    trials: Annotated[int, typer.Option("--trials", help="How many; starts are spread over the lap.")] = 8,
    laps: Annotated[
        int, typer.Option("--laps", help="Laps of each trial, without a stop; 1 for a new start each lap.")
    ] = 3,
    direction: Annotated[str | None, DIRECTION] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of what --randomization draws.")] = 0,
    resets: Annotated[
        int,
        typer.Option(
            "--resets", help="Put a car that leaves the track or crashes back, this often, with a penalty."
        ),
    ] = 0,
    off_track_penalty: Annotated[
        float, typer.Option("--off-track-penalty", help="Seconds that leaving the track then costs.")
    ] = 2.0,
    collision_penalty: Annotated[
        float, typer.Option("--collision-penalty", help="Seconds that a crash then costs.")
    ] = 5.0,
    randomization: Annotated[
        str, typer.Option("--randomization", help="none, light, mild or full: what differs between trials.")
    ] = "none",
    race: Annotated[
        str | None, typer.Option("--race", help=RACES + " What the run trained for, if not given.")
    ] = None,
    obstacles: Annotated[int | None, OBSTACLES] = None,
    bots: Annotated[int | None, BOTS] = None,
    video: Annotated[
        Path | None, typer.Option("--video", help="Film the first trial into this .mp4 file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the driven laps into this .png file.")
    ] = None,
    stress: Annotated[
        bool,
        typer.Option(
            "--stress", help="Drive under 18 disturbances, each alone and stronger and stronger: how robust?"
        ),
    ] = False,
    log: Annotated[
        bool, typer.Option("--log/--no-log", help="Log every step into a run's folder, for hairpin analyze.")
    ] = True,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Let a policy drive laps, in PyBullet by default, and report.

    With --stress it prints a robustness card and keeps it in the run's folder: laps completed under lag,
    delay, other grip, another camera pose, other colours and light; in PyBullet if it is installed.

    Example: hairpin evaluate runs/mine --trials 16 --plot laps.png --video laps.mp4
    """
    if stress:
        given = {name: context.params[name] for name in _given(context)}
        _stress(source, {name: value for name, value in given.items() if name != "stress"})
        return
    from ..shortest import shortest_lap
    from ..watch import evaluate_and_show

    evaluations = evaluate_and_show(
        source,
        video=video,
        plot=plot,
        track=track,
        physics=physics,
        renderer=renderer,
        trials=trials,
        laps=laps,
        direction=direction,
        seed=seed,
        resets=resets,
        off_track_penalty=off_track_penalty,
        collision_penalty=collision_penalty,
        randomization=randomization,
        race=race,
        obstacles=obstacles,
        bots=bots,
        log=log,
    )
    shortest = [shortest_lap(evaluation.world, evaluation.report.direction) for evaluation in evaluations]
    for evaluation, limit in zip(evaluations, shortest, strict=True):
        if evaluation.log is not None:
            typer.echo(f"log: {evaluation.log}", err=True)
        if not as_json:
            _print_report(evaluation.report, limit)
    if as_json:
        reports = [
            evaluation.report.to_dict() | {"shortest_lap": limit and round(limit, 4)}
            for evaluation, limit in zip(evaluations, shortest, strict=True)
        ]
        typer.echo(json.dumps(reports[0] if len(reports) == 1 else {"tracks": reports}))


#: What of `evaluate` a robustness card knows.
_STRESS_TAKES: Final = {
    "source",
    "track",
    "physics",
    "trials",
    "laps",
    "direction",
    "seed",
    "plot",
    "as_json",
}


def _stress(source: str, given: dict[str, Any]) -> None:
    """Make and print a robustness card with the options that the command line gives."""
    from rich.console import Console

    from ..errors import RunError
    from ..stress_card import table
    from ..watch import stress_and_show

    extra = sorted(given.keys() - _STRESS_TAKES)
    if extra:
        raise RunError(f"--stress decides by itself what differs between trials: leave out --{extra[0]}")
    given.pop("source", None)
    as_json = given.pop("as_json", False)
    card, written = stress_and_show(source, **given)
    if as_json:
        typer.echo(json.dumps(card.to_dict()))
    else:
        Console().print(table(card))
    for path in written:
        typer.echo(f"written: {path}", err=True)


def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run's folder; its best checkpoint is exported.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="The bundle for hairpin-car, a .tar.gz file.")
    ] = None,
    deepracer: Annotated[
        Path | None,
        typer.Option("--deepracer", help="The archive for the stock car's own software, a .tar.gz file."),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            help="fp32; fp16 for half the file; int8 for small processors (needs NNCF).",
        ),
    ] = "fp32",
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Export a run's policy as a bundle that the car drives, and compare it with the original.

    Example: hairpin export runs/mine --out mine.tar.gz && hairpin-car rehearse mine.tar.gz
    """
    from .. import export as export_run
    from ..errors import RunError

    if (out is None) == (deepracer is None):
        raise RunError("give --out FILE for hairpin-car, or --deepracer FILE for the stock car's software")
    if deepracer is not None:
        from ..deepracer_models import export_deepracer

        size = export_deepracer(run, deepracer)
        typer.echo(json.dumps({"size": size}) if as_json else f"{deepracer}: {size / 1024:.0f} KiB")
        return
    assert out is not None
    parity = export_run(run, out, precision=precision)
    if as_json:
        typer.echo(json.dumps(parity.to_dict()))
    else:
        typer.echo(f"{out}: {parity.summary()}")


def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="A new folder; runs/demo, made anew, if not given.")
    ] = None,
    track: Annotated[str, TRACK] = "reinvent_2018",
    reward: Annotated[str, typer.Option("--reward", help="A reward file or name.")] = "center_line",
    seed: Annotated[int, typer.Option("--seed", help="Of everything random.")] = 0,
) -> None:
    """The whole job: train, evaluate in PyBullet, export, rehearse with the car's runtime, film."""
    from ..demo import run_demo

    with _ctrl_c():
        good = run_demo(out or _DEMO, track=track, reward=reward, seed=seed, replace=out is None)
    if not good:
        sys.exit(1)


def _print_report(report: LapReport, shortest: float | None) -> None:
    """Print a report as a table, and the shortest time that a lap could take [s]."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    laps = "1 lap" if report.laps == 1 else f"{report.laps} laps in a row"
    best, mean = ("-" if time is None else f"{time:.2f} s" for time in (report.best_lap, report.mean_lap))
    cells = {
        "completed": f"{report.completed} of {report.trials}",
        "off track": f"{report.off_tracks} times",
        **({} if report.race == "time_trial" else {"crashed": f"{report.crashes} times"}),
        "wheel out": f"{report.wheels_out} steps",
        "best lap": best,
        "mean lap": mean,
        "mean speed": f"{report.mean_speed:.2f} m/s",
        "steering": f"{report.steering_change:.1f} deg/step",
    }
    where = f"{report.track}, {report.physics} physics, direction {report.direction}"
    table = Table(*cells, title=f"{where}: {laps} in each trial", box=SIMPLE)
    table.add_row(*cells.values())
    Console().print(table)
    if shortest is not None and report.best_lap is not None:
        ratio = report.best_lap / shortest
        line = f"the best lap took {ratio:.2f} times the shortest possible one, {shortest:.2f} s"
        Console().print(line, highlight=False)
