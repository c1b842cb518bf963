"""Pictures of whole trainings: progress and reward per iteration, and two runs beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks import Track

from ..pictures import save_figure
from .figures import per_group
from .lap_pictures import best_episodes, label_along, plot_along, result_of
from .log import Log

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: Final = ("#1f3b70", "#d9731b")
_FEW: Final = 5  # iterations that are shown as points too: a single one has no line


def draw_iterations(path: Path, log: Log) -> None:
    """Draw how far training episodes came and what they earned, per iteration.

    Raises:
        RunError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 8.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    number = np.unique(log.group[log.bounds[:-1]], return_inverse=True)
    names = number[0].astype(int)[number[1]]  # the iteration of each episode
    far = np.maximum.reduceat(log.progress, log.bounds[:-1])
    upper.plot(names, far, ".", color="#9db4d3", markersize=4, label="one episode")
    lower.plot(names, log.total_reward, ".", color="#9db4d3", markersize=4, label="one episode")
    _curves(upper, lower, log, _COLOURS[0], "")
    share = [100.0 * f.laps / f.episodes for f in per_group(log)]
    upper.plot(_iterations(log), share, color="#2d7a4b", linestyle="--", label="episodes that came round")
    for axes in (upper, lower):
        axes.legend(loc="upper left", fontsize=9)
    episodes = "1 training episode" if log.num_episodes == 1 else f"{log.num_episodes} training episodes"
    figure.suptitle(f"{Path(log.source).name}: {episodes}")
    save_figure(figure, path)


def draw_comparison(path: Path, logs: Mapping[str, Log], tracks: Sequence[Track | None]) -> None:
    """Draw two logs beside each other: progress and reward per iteration, and the best lap of each.

    Of evaluations it is the progress and the time of each lap.

    Args:
        path: The PNG file.
        logs: The two, by what to call them.
        tracks: The track of each, where it is known.

    Raises:
        RunError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 8.0), layout="constrained")
    ((upper, speeds), (lower, steering)) = figure.subplots(2, 2)
    for colour, track, (name, log) in zip(_COLOURS, tracks, logs.items(), strict=True):
        draw = _curves if log.kind == "training" else _laps
        draw(upper, lower, log, colour, f"{name}: ")
        best = best_episodes(log, 1)[0]
        plot_along(speeds, steering, log.one(best), track, colour, f"{name}: {result_of(log, best)}")
    label_along(speeds, steering, known=all(track is not None for track in tracks))
    speeds.set_title("best lap of each", fontsize=11)
    speeds.legend(fontsize=9)
    upper.legend(fontsize=9)
    figure.suptitle(" against ".join(logs))
    save_figure(figure, path)


def _curves(upper: Axes, lower: Axes, log: Log, colour: str, name: str) -> None:
    figures, iterations = per_group(log), _iterations(log)
    line: dict[str, Any] = {"color": colour, "marker": "." if len(iterations) < _FEW else ""}
    upper.plot(iterations, [f.mean_progress for f in figures], **line, label=f"{name}mean progress")
    upper.plot(
        iterations, [f.best_progress for f in figures], **line, alpha=0.4, label=f"{name}best progress"
    )
    lower.plot(iterations, [f.mean_reward for f in figures], **line, label=f"{name}mean reward")
    lower.set_ylabel("reward of an episode")
    _label(upper, lower, "iteration")


def _laps(upper: Axes, lower: Axes, log: Log, colour: str, name: str) -> None:
    """Draw how far each lap of an evaluation came, and how long the whole ones took."""
    number = np.arange(1, log.num_episodes + 1)
    far = np.maximum.reduceat(log.progress, log.bounds[:-1])
    upper.plot(number, far, "o-", color=colour, label=f"{name}{100.0 * log.complete.mean():.0f} % complete")
    lower.plot(number[log.complete], log.lap_time[log.complete], "o-", color=colour)
    lower.set_ylabel("lap time [s]")
    _label(upper, lower, "lap")


def _label(upper: Axes, lower: Axes, counted: str) -> None:
    from matplotlib.ticker import MaxNLocator

    upper.set_ylabel("share of the lap [%]")
    upper.set_ylim(0.0, 103.0)
    for axes in (upper, lower):
        axes.set_xlabel(counted)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)


def _iterations(log: Log) -> list[int]:
    return [int(f.group) for f in per_group(log)]


def draw_rewards(path: Path, log: Log, paid: NDArray[np.float64], name: str, track: Track | None) -> None:
    """Draw what each step of one episode was paid, and what another reward function would have paid.

    Args:
        path: The PNG file.
        log: The log of one episode.
        paid: (S,) what would have been paid.
        name: The reward function's name.
        track: The track, where it is known.

    Raises:
        RunError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 6.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    # Wide, so that it is seen beneath the other where they are equal.
    wide: dict[str, Any] = {
        "linewidth": 5.0,
        "alpha": 0.35,
    }
    upper.plot(
        log.steps, log.reward, color=_COLOURS[0], **wide, label=f"logged, {log.reward.sum():.2f} in all"
    )
    upper.plot(log.steps, paid, color=_COLOURS[1], label=f"{name}, {paid.sum():.2f} in all")
    upper.set_ylabel("reward of the step")
    upper.legend(fontsize=9)
    if track is not None:
        aside = track.to_road(np.column_stack([log.x, log.y]))[1]
        lower.plot(log.steps, aside, color="#2d7a4b", label="left of the centre line [m]")
    lower.plot(log.steps, log.measured_speed, color="#777777", label="speed driven [m/s]")
    lower.set_xlabel("step")
    lower.legend(fontsize=9)
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    figure.suptitle(f"{Path(log.source).name}, {log.kind}, episode {log.episode[0]}")
    save_figure(figure, path)
