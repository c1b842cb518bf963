"""`hairpin evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .options import BOTS, DIRECTION, JSON, OBSTACLES, PHYSICS, RACES, TRACK
from .options import given as given_options

if TYPE_CHECKING:
    from hairpin.sim.laps import LapReport


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(evaluate)


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
    mercy: Annotated[
        int,
        typer.Option(
            "--mercy", help="Which reset in a row at the same box goes ahead of it, such as 3; 0 never."
        ),
    ] = 0,
    randomization: Annotated[
        str,
        typer.Option("--randomization", help="none, light, mild, full, deepracer: what varies by trial."),
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
            "--stress",
            help="Drive under 17 disturbances, each alone, then all, ever stronger: how robust?",
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
        given = {name: context.params[name] for name in given_options(context)}
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
        mercy=mercy,
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


def _print_report(report: LapReport, shortest: float | None) -> None:
    """Print a report as a table, and the shortest time that a lap could take [s]."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    laps = "1 lap" if report.laps == 1 else f"{report.laps} laps in a row"
    best, mean = ("-" if time is None else f"{time:.2f} s" for time in (report.best_lap, report.mean_lap))
    cells = {
        "completed": f"{report.completed} of {report.trials}",
        "off track": str(report.off_tracks),
        **({} if report.race == "time_trial" else {"crashed": str(report.crashes)}),
        "wheel out": f"{report.wheels_out} steps",
        "best lap": best,
        "mean lap": mean,
        "m/s": f"{report.mean_speed:.2f}",
        "steering": f"{report.steering_change:.1f} deg",
    }
    where = f"{report.track}, {report.physics} physics, direction {report.direction}"
    table = Table(title=f"{where}: {laps} in each trial", box=SIMPLE, padding=(0, 0, 0, 1))
    for name in cells:
        table.add_column(name, no_wrap=True)
    table.add_row(*cells.values())
    Console().print(table)
    if shortest is not None and report.best_lap is not None:
        ratio = report.best_lap / shortest
        line = f"the best lap took {ratio:.2f} times the shortest possible one, {shortest:.2f} s"
        Console().print(line, highlight=False)
