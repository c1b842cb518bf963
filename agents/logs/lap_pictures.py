"""Pictures of laps in a log: the lines that were driven, where they ended, what was done along the track."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.sim.rules import Status
from hairpin.tracks import Track
from hairpin.tracks.picture import plot_road

from ..pictures import save_figure
from .log import Log
from .roads import along_track

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

LINES: Final = 20  # as many laps as can be told apart
_BEST: Final = 3
_COLOURS: Final = ("#1f3b70", "#d9731b", "#2d7a4b")
_MOST_ACTIONS: Final = 40  # more pairs of steering and speed than this are a continuous action space


def best_episodes(log: Log, count: int) -> list[int]:
    """The episodes with the fastest laps; where there are too few, those that came farthest."""
    far = np.maximum.reduceat(log.progress, log.bounds[:-1])
    order = np.lexsort((log.lap_time, -far.round(6), ~log.complete))
    return order[:count].tolist()


def draw_lines(path: Path, log: Log, track: Track | None) -> None:
    """Draw the best laps over the track, by speed and, where there is one, by reward.

    Raises:
        RunError: The file cannot be written.
    """
    episodes = best_episodes(log, LINES)
    shown = [(log.measured_speed, "speed [m/s]", "viridis")]
    if log.reward.any():  # evaluations of ours compute none
        shown.append((log.reward, "reward of the step", "plasma"))
    figure, panels = _maps(log, track, len(shown))
    for axes, (values, label, colours) in zip(panels, shown, strict=True):
        pieces = _coloured(axes, log, values, episodes, colours)
        figure.colorbar(pieces, ax=axes, label=label, shrink=0.75, pad=0.01)
    laps = int(log.complete[episodes].sum())
    what = (
        f"{laps} fastest laps" if laps == len(episodes) else f"{len(episodes)} farthest episodes, {laps} laps"
    )
    figure.suptitle(f"{Path(log.source).name}, {log.kind}: {what}")
    save_figure(figure, path)


def draw_off_tracks(path: Path, log: Log, track: Track | None) -> int:
    """Draw where cars left the track, as a heat map; nothing is drawn if none did.

    Returns:
        How often they did.

    Raises:
        RunError: The file cannot be written.
    """
    left = log.status == Status.OFF_TRACK.label
    count = int(left.sum())
    if not count:
        return 0
    figure, (axes,) = _maps(log, track, 1)
    x, y = log.x[left], log.y[left]
    axes.set_xlim(min(axes.get_xlim()[0], x.min() - 0.2), max(axes.get_xlim()[1], x.max() + 0.2))
    axes.set_ylim(min(axes.get_ylim()[0], y.min() - 0.2), max(axes.get_ylim()[1], y.max() + 0.2))
    low, high = np.array([axes.get_xlim(), axes.get_ylim()]).T
    cells = np.maximum(((high - low) / 0.2).astype(int), 1)  # of 0.2 m, about a car's width
    counts, xs, ys = np.histogram2d(x, y, bins=cells.tolist(), range=list(zip(low, high, strict=True)))
    shown = np.ma.masked_equal(counts.T, 0)
    mesh = axes.pcolormesh(xs, ys, shown, cmap="YlOrRd", vmin=0, zorder=6)
    figure.colorbar(mesh, ax=axes, label="times off the track, per 0.2 m x 0.2 m", shrink=0.75, pad=0.01)
    axes.set_title(
        f"{Path(log.source).name}, {log.kind}: {count} times off the track in {log.num_episodes} episodes",
        loc="left",
        fontsize=11,
    )
    save_figure(figure, path)
    return count


def draw_laps_along(path: Path, log: Log, track: Track | None) -> None:
    """Draw speed and steering over the distance for the best laps.

    Raises:
        RunError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 6.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for rank, episode in enumerate(best_episodes(log, _BEST)):
        one = log.one(episode)
        name = f"episode {one.group[0]}/{one.episode[0]}: {result_of(log, episode)}"
        places = plot_along(upper, lower, one, track, _COLOURS[rank], name)
        if rank == 0:
            asked = np.insert(one.speed, *_gap_at_the_line(along_track(one, track)))
            upper.plot(places, asked, ":", color=_COLOURS[0], linewidth=1.0, label="speed asked for in it")
    label_along(upper, lower, known=track is not None)
    figure.legend(loc="outside lower center", fontsize=9, ncols=_BEST + 1)
    figure.suptitle(f"{Path(log.source).name}, {log.kind}: the best laps")
    save_figure(figure, path)


def result_of(log: Log, episode: int) -> str:
    """Time of an episode that is a lap, and how far the others came."""
    if log.complete[episode]:
        return f"{log.lap_time[episode]:.2f} s"
    return f"{log.one(episode).progress.max():.0f} %"


def plot_along(
    speeds: Axes, steering: Axes, one: Log, track: Track | None, colour: str, name: str
) -> NDArray[np.float64]:
    """Draw speed and steering of one episode over the distance.

    Returns:
        (S + g,) the distances [m], with NaN where the lap passes the start line.
    """
    along = along_track(one, track)
    gap = _gap_at_the_line(along)
    places = np.insert(along, *gap)
    speeds.plot(places, np.insert(one.measured_speed, *gap), color=colour, label=name)
    steering.plot(places, np.insert(one.steering, *gap), color=colour, linewidth=1.0)
    return places


def label_along(speeds: Axes, steering: Axes, *, known: bool) -> None:
    """Label what `plot_along` drew, on a track that is known or not."""
    speeds.set_ylabel("speed driven [m/s]")
    speeds.set_ylim(bottom=0.0)
    steering.set_ylabel("steering asked for [deg], left +")
    steering.set_xlabel("distance from the start line [m]" if known else "distance of the lap [m]")
    for axes in (speeds, steering):
        axes.grid(alpha=0.3)


def draw_actions(path: Path, log: Log, track: Track | None) -> None:
    """Draw how often each action was taken along the track.

    Raises:
        RunError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    acted = log.status != Status.PREPARE.label
    along, steering, speed = along_track(log, track)[acted], log.steering[acted], log.speed[acted]
    rows, names = _action_rows(steering, speed)
    length = float(np.median(log.track_length))
    places = np.linspace(0.0, length, max(2, round(length / 0.3)) + 1)
    counts, _, _ = np.histogram2d(rows, along, bins=[np.arange(len(names) + 1) - 0.5, places])
    share = 100.0 * counts / np.maximum(counts.sum(axis=0), 1)
    figure = Figure(figsize=(11.5, max(3.5, 1.6 + 0.27 * len(names))), layout="constrained")
    axes, bars = figure.subplots(1, 2, sharey=True, width_ratios=[5, 1])
    mesh = axes.pcolormesh(places, np.arange(len(names) + 1) - 0.5, share, cmap="magma_r", vmin=0)
    figure.colorbar(mesh, ax=axes, label="share of the actions here [%]", pad=0.01)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlabel("distance from the start line [m]" if track is not None else "distance of the lap [m]")
    bars.barh(range(len(names)), 100.0 * counts.sum(axis=1) / max(counts.sum(), 1), color=_COLOURS[0])
    bars.set_xlabel("of all [%]")
    figure.suptitle(f"{Path(log.source).name}, {log.kind}: actions along the track, {len(along):,} steps")
    save_figure(figure, path)


def _action_rows(
    steering: NDArray[np.float64], speed: NDArray[np.float64]
) -> tuple[NDArray[np.int64], list[str]]:
    """The row of each step's action, and the rows' names: the actions themselves, or ranges of steering."""
    pairs, rows = np.unique(np.column_stack([steering, speed]).round(2), axis=0, return_inverse=True)
    if len(pairs) <= _MOST_ACTIONS:
        return rows.ravel(), [f"{s:+.0f} deg, {v:.2f} m/s" for s, v in pairs]
    edges = np.linspace(steering.min(), steering.max(), 13)
    within = np.clip(np.digitize(steering, edges) - 1, 0, 11)
    return within, [f"{a:+.0f} to {b:+.0f} deg" for a, b in pairwise(edges)]


def _maps(log: Log, track: Track | None, count: int) -> tuple[Figure, list[Axes]]:
    """A figure with maps of the track, or without one, of the logged places."""
    from matplotlib.figure import Figure

    points = np.column_stack([log.x, log.y]) if track is None else track.waypoints.reshape(-1, 2)
    wide, tall = np.ptp(points, axis=0) + 1.0
    scale = 8.0 / max(wide, tall)
    figure = Figure(
        figsize=((wide * scale + 1.6) * count, max(tall * scale + 1.0, 3.0)), layout="constrained"
    )
    panels = list(np.atleast_1d(figure.subplots(1, count)))
    for axes in panels:
        if track is not None:
            plot_road(axes, track)
        else:
            axes.set_aspect("equal")
            axes.set_xlim(points[:, 0].min() - 0.5, points[:, 0].max() + 0.5)
            axes.set_ylim(points[:, 1].min() - 0.5, points[:, 1].max() + 0.5)
            axes.set_xlabel("x [m]")
            axes.set_ylabel("y [m]")
    return figure, panels


def _coloured(
    axes: Axes, log: Log, values: NDArray[np.float64], episodes: list[int], colours: str
) -> LineCollection:
    from matplotlib.collections import LineCollection

    segments, shades = [], []
    for episode in episodes:
        rows = slice(int(log.bounds[episode]), int(log.bounds[episode + 1]))
        points = np.column_stack([log.x[rows], log.y[rows]])
        near = np.hypot(*np.diff(points, axis=0).T) < 1.0  # not where a car was put back
        segments.append(np.stack([points[:-1], points[1:]], axis=1)[near])
        shades.append(values[rows][1:][near])
    flat = np.concatenate(shades)
    pieces = LineCollection(list(np.concatenate(segments)), array=flat, cmap=colours)
    pieces.set(linewidth=1.3, zorder=6)
    low, high = np.percentile(flat, (2, 98)) if len(flat) else (0.0, 1.0)
    pieces.set_clim(low, high if high > low else low + 1.0)
    axes.add_collection(pieces)
    return pieces


def _gap_at_the_line(along: NDArray[np.float64]) -> tuple[NDArray[np.intp], float]:
    """What to insert into a line over the distance where the lap passes the start line, and where."""
    span = max(float(np.ptp(along)), 1e-9)
    return np.flatnonzero(np.abs(np.diff(along)) > 0.5 * span) + 1, np.nan
