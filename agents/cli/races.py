"""`hairpin race`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JSON, PHYSICS, TRACK

if TYPE_CHECKING:
    from ..races import RaceReport


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(race)


def race(
    sources: Annotated[
        list[str], typer.Argument(metavar="RUN_OR_BUNDLE...", help="Two to four runs' folders or bundles.")
    ],
    track: Annotated[str | None, TRACK] = None,
    physics: Annotated[str, PHYSICS] = "bullet",
    laps: Annotated[int, typer.Option("--laps", help="Laps of each heat.")] = 3,
    heats: Annotated[
        int | None,
        typer.Option("--heats", help="How many; else one per policy, each in front once."),
    ] = None,
    direction: Annotated[
        str | None, typer.Option("--direction", help="ccw or cw; else in the order of the track's rows.")
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option("--video", help="Film the first heat, from behind the last car, into this .mp4."),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Let two to four policies race each other, each seeing the others.

    They start one behind the other, and in each heat another one is in front. Who runs into a car in front
    stands for 5 s, who leaves the road for 2 s.

    Example: hairpin race runs/mine runs/yours --track reinvent_2018 --laps 3 --video race.mp4
    """
    from ..races import run_race
    from ..video import film

    with ExitStack() as stack:
        take = None if video is None else stack.enter_context(film(video, fps=15.0, car=len(sources) - 1))
        report = run_race(
            sources, track=track, physics=physics, laps=laps, heats=heats, direction=direction, on_step=take
        )
    if as_json:
        typer.echo(json.dumps(report.to_dict()))
    else:
        _print_report(report)


def _print_report(report: RaceReport) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    heats = f"{len(report.heats)} heats" if len(report.heats) > 1 else "1 heat"
    title = f"{report.track}, {report.physics} physics: {heats} of {report.laps} laps"
    columns = ("policy", "wins", "mean place", "finished", "best race", "best lap", "crashes", "off track")
    table = Table(*columns, title=title, box=SIMPLE)
    for one in report.standings:
        race_time, lap = ("-" if time is None else f"{time:.2f} s" for time in (one.best_time, one.best_lap))
        table.add_row(
            one.name,
            str(one.wins),
            f"{one.mean_place:.1f}",
            f"{one.finished} of {len(report.heats)}",
            race_time,
            lap,
            str(one.crashes),
            str(one.off_tracks),
        )
    Console().print(table)
