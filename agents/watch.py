"""Evaluation for people: with a progress bar, a picture and a video."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hairpin.sim import World
from hairpin.tracks import Track

from .evaluation import Evaluation, evaluate, open_subject, tracks_of
from .files import check_writable, write_json
from .pictures import check_picture, draw_laps
from .stress import Card, stress
from .stress_card import draw_card
from .video import film


def evaluate_and_show(
    source: str | Path,
    *,
    video: Path | None = None,
    plot: Path | None = None,
    console: Console | None = None,
    track: str | Path | Track | None = None,
    **settings: Any,
) -> list[Evaluation]:
    """Evaluate with a progress bar on standard error; a policy of several tracks on each of them.

    Of several tracks each has its own video and picture, with the track's name in theirs.

    Args:
        source: A run folder or a bundle.
        video: Film the first trial into this file.
        plot: Draw the driven laps into this file.
        console: Where progress is shown; standard error if not given.
        track: As for `evaluate`.
        settings: More of `evaluate`.

    Raises:
        RunError, BundleError, SimError, TrackError: Something cannot be used.
    """
    tracks = tracks_of(open_subject(source), track)
    if len(tracks) == 1:
        return [_evaluate(source, video, plot, console, tracks[0], **settings)]
    return [
        _evaluate(source, _named(video, track), _named(plot, track), console, track, **settings)
        for track in tracks
    ]


def _named(path: Path | None, track: Track) -> Path | None:
    return None if path is None else path.with_name(f"{path.stem}-{track.name}{path.suffix}")


def _evaluate(
    source: str | Path,
    video: Path | None,
    plot: Path | None,
    console: Console | None,
    track: Track,
    *,
    trials: int = 8,
    laps: int = 3,
    **settings: Any,
) -> Evaluation:
    console = console or Console(stderr=True)
    bar = Progress(
        TextColumn("[bold]driving  "),
        BarColumn(bar_width=24),
        TextColumn("laps [bold green]{task.completed:.1f}[/] of {task.total:.0f}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    if plot is not None:
        check_picture(plot)
    with ExitStack() as stack:
        watchers: list[Callable[[World], None]] = []
        if video is not None:
            watchers.append(_first_trial(stack.enter_context(film(video, fps=15.0))))
        stack.callback(bar.stop)
        task = bar.add_task("driving", total=trials * laps)

        def on_step(world: World) -> None:
            bar.start()  # not before the first step: what is wrong with the settings shows without a bar
            bar.update(task, completed=float(world.race.laps_done.sum()))
            for watch in watchers:
                watch(world)

        evaluation = evaluate(source, track=track, on_step=on_step, trials=trials, laps=laps, **settings)
    if plot is not None:
        draw_laps(plot, evaluation.world.tracks[0], evaluation.traces, evaluation.report)
    return evaluation


def stress_and_show(
    source: str | Path, *, plot: Path | None = None, console: Console | None = None, **settings: Any
) -> tuple[Card, list[Path]]:
    """Make a robustness card with a progress bar on standard error; a run's folder keeps it.

    Args:
        source: A run folder or a bundle.
        plot: Draw the card into this file, rather than into the run's folder.
        console: Where progress is shown; standard error if not given.
        settings: More of `stress`.

    Returns:
        The card, and the files that it was written to.

    Raises:
        RunError, BundleError, SimError, TrackError: Something cannot be used.
    """
    run = Path(source) if Path(source).is_dir() else None
    if run is not None:
        check_writable(run, f"the card cannot be kept in {run}", "copy the run, or give a bundle of it")
    if plot is not None:
        check_picture(plot)
    console = console or Console(stderr=True)
    bar = Progress(
        TextColumn("[bold]{task.description}", justify="left"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f} of {task.total:.0f}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    task = bar.add_task("", total=None)

    def on_cell(name: str, done: int, total: int) -> None:
        bar.start()
        bar.update(task, description=f"{name:15s}", completed=done, total=total)

    with ExitStack() as stack:
        stack.callback(bar.stop)
        card = stress(source, on_cell=on_cell, **settings)
    name = f"stress-{card.track}-{card.physics}"
    picture = plot or (run and run / f"{name}.png")
    written = [path for path in (picture, run and run / f"{name}.json") if path is not None]
    if picture is not None:
        draw_card(picture, card)
    if run is not None:
        write_json(run / f"{name}.json", card.to_dict())
    return card, written


def _first_trial(take: Callable[[World], None]) -> Callable[[World], None]:
    """Film only while the first trial runs."""

    def watch(world: World) -> None:
        if world.active[0]:
            take(world)

    return watch
