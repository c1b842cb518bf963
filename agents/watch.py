"""Evaluation for people: with a progress bar, a picture and a video."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hairpin.sim import World
from hairpin.sim.laps import laps_done
from hairpin.tracks import Track

from .evaluation import Evaluation, evaluate, open_subject, tracks_of
from .pictures import check_picture, draw_laps
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
            bar.update(task, completed=float(laps_done(world).sum()))
            for watch in watchers:
                watch(world)

        evaluation = evaluate(source, track=track, on_step=on_step, trials=trials, laps=laps, **settings)
    if plot is not None:
        draw_laps(plot, evaluation.world.tracks[0], evaluation.traces, evaluation.report)
    return evaluation


def _first_trial(take: Callable[[World], None]) -> Callable[[World], None]:
    """Film only while the first trial runs."""

    def watch(world: World) -> None:
        if world.active[0]:
            take(world)

    return watch
