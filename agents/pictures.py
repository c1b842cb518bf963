"""Pictures of runs: the driven laps over the track, and the learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.sim.laps import LapReport, Trace
from hairpin.sim.rules import Status
from hairpin.tracks import Track
from hairpin.tracks.picture import plot_road

from .contract import name_of
from .errors import RunError
from .files import check_writable, write_atomically
from .gate import LAPS, Verdict
from .history import read_episodes
from .run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WINDOW: Final = 50  # episodes that the learning curve is smoothed over
_DIRECTIONS: Final = {"both": "both directions", "ccw": "counter-clockwise", "cw": "clockwise"}


def draw_laps(path: Path, track: Track, traces: Sequence[Trace], report: LapReport) -> None:
    """Draw the driven lines over the track, coloured by speed, and where trials began and failed.

    Args:
        path: The PNG file.
        track: The track.
        traces: The trials.
        report: Their figures.

    Raises:
        RunError: The file cannot be written.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    wide, tall = np.ptp(track.waypoints.reshape(-1, 2), axis=0)
    scale = 9.0 / max(wide, tall)
    figure = Figure(
        figsize=(max(wide * scale, 4.0) + 1.6, max(tall * scale, 2.5) + 1.6), layout="constrained"
    )
    axes = figure.add_subplot()
    plot_road(axes, track)
    lines = [np.array([pose[:2] for pose in trace.pose]) for trace in traces]
    speeds = np.concatenate([trace.speed for trace in traces])
    slowest, fastest = np.percentile(speeds, (2, 98))  # without the first steps, from rest
    for line, trace in zip(lines, traces, strict=True):
        pieces = LineCollection(
            list(np.stack([line[:-1], line[1:]], axis=1)), array=np.array(trace.speed[1:]), cmap="cool"
        )
        pieces.set(linewidth=1.3, zorder=6)
        pieces.set_clim(np.floor(2 * slowest) / 2, np.floor(2 * fastest) / 2 + 0.5)
        axes.add_collection(pieces)
    starts = np.array([line[0] for line in lines])
    axes.plot(*starts.T, "o", markersize=6, color="white", markeredgecolor="black", zorder=7, label="start")
    failed = [
        line[-1]
        for line, status in zip(lines, report.statuses, strict=True)
        if status != Status.LAP_COMPLETE.label
    ]
    if failed:
        axes.plot(
            *np.array(failed).T,
            "X",
            markersize=10,
            color="#ff2a2a",
            markeredgecolor="white",
            zorder=8,
            label="failed",
        )
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    figure.colorbar(pieces, ax=axes, label="speed [m/s]", shrink=0.8, pad=0.015)
    axes.set_title(laps_title(report), loc="left", fontsize=11)
    save_figure(figure, path)


def laps_title(report: LapReport) -> str:
    """The report in two lines."""
    best = "no lap" if report.best_lap is None else f"best lap {report.best_lap:.2f} s"
    laps = "a lap" if report.laps == 1 else f"{report.laps} laps in a row"
    return (
        f"{report.track}, {report.physics} physics, {_DIRECTIONS[report.direction]}\n"
        f"{report.completed} of {report.trials} trials did {laps}, {best}, "
        f"mean speed {report.mean_speed:.2f} m/s"
    )


def draw_learning(path: Path, run: Run, verdicts: Sequence[Verdict]) -> None:
    """Draw the learning curves: what training episodes earned, how far they came, what evaluations found.

    Args:
        path: The PNG file.
        run: The run.
        verdicts: Its evaluations.

    Raises:
        RunError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 8.0), layout="constrained")
    upper, middle, lower = figure.subplots(3, 1)
    episodes = read_episodes(run)
    _draw_episodes(upper, episodes[:, 0], episodes[:, 1])
    upper.set_ylabel("reward of the episode")
    _draw_episodes(middle, episodes[:, 0], episodes[:, 2])
    middle.set_ylabel("share of the lap driven [%]")
    middle.set_ylim(0.0, 103.0)
    for axes in (upper, middle):
        axes.set_xlabel("training episode")
    _draw_verdicts(lower, verdicts)
    figure.suptitle(
        f"{run.name}: learning on {name_of(run.tracks)} with the reward {run.settings['reward']['name']}"
    )
    save_figure(figure, path)


def _draw_episodes(axes: Axes, number: NDArray[np.float64], value: NDArray[np.float64]) -> None:
    axes.plot(number, value, ".", color="#9db4d3", markersize=3, label="one episode")
    window = min(_WINDOW, len(value))
    if window > 1:
        smooth = np.convolve(value, np.ones(window) / window, mode="valid")
        axes.plot(number[window - 1 :], smooth, color="#1f3b70", label=f"mean of the last {window}")
        axes.legend(loc="upper left", fontsize=9)
    axes.grid(alpha=0.3)


def _draw_verdicts(axes: Axes, verdicts: Sequence[Verdict]) -> None:
    steps = [verdict.steps for verdict in verdicts]
    axes.plot(steps, [verdict.progress for verdict in verdicts], "o-", color="#2d7a4b", label="evaluation")
    confirmed = [(v.steps, v.progress) for v in verdicts if v.confirmed]
    if confirmed:
        axes.plot(
            *np.array(confirmed).T, "*", markersize=15, color="#d99a1b", label="confirmed by a second one"
        )
    axes.axhline(LAPS, color="#777777", linestyle=":", label=f"goal: {LAPS} laps from each start")
    axes.set_ylim(0.0, LAPS * 1.12)
    axes.set_xlim(0.0, max(steps, default=1) * 1.04)
    axes.set_xlabel("steps of training, all cars together")
    axes.set_ylabel("laps until the first failure")
    axes.legend(loc="center left", fontsize=9)
    axes.grid(alpha=0.3)


def check_picture(path: Path) -> None:
    """Refuse what is no name of a picture, or cannot be written, before time is spent on it.

    Raises:
        RunError: It does not end in .png, or its folder cannot be written to.
    """
    if path.suffix != ".png":
        raise RunError(f"picture {path}: give a name that ends in .png")
    check_writable(path.parent, f"picture {path} cannot be written", "give another folder")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture, whole or not at all.

    Raises:
        RunError: The file cannot be written.
    """
    check_picture(path)
    save: Any = figure.savefig
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: save(file, dpi=130, bbox_inches="tight", pad_inches=0.1))
    except OSError as error:
        raise RunError(f"picture {path} cannot be written: {error.strerror}") from error
