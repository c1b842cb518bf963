"""Pictures of tracks, for people. Needs matplotlib, which is imported on use."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .files import write_whole
from .geometry import Array
from .track import Track
from .validate import TrackError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FIELD, _ROAD, _BORDER, _CENTER, _START = "#3f6b4a", "#3a3d42", "#f4f4f0", "#f2a33a", "#e8413c"


def plot_road(axes: Axes, track: Track) -> None:
    """Draw road, borders, dashed centre line, start line and direction of travel on axes in metres."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    ring = (
        (track.outer, track.inner[::-1]) if track.closed else (np.vstack((track.outer, track.inner[::-1])),)
    )
    road = Outline.make_compound_path(*(Outline(part, closed=False) for part in ring))
    axes.add_patch(PathPatch(road, facecolor=_ROAD, edgecolor="none", zorder=1))
    for border in (track.inner, track.outer):
        axes.plot(*border.T, color=_BORDER, linewidth=1.8, zorder=2)
    axes.plot(*track.center.T, color=_CENTER, linewidth=1.0, dashes=(6, 5), zorder=2)
    axes.plot(*np.stack((track.inner[0], track.outer[0])).T, color=_START, linewidth=3.0, zorder=4)
    width = float(np.median(track.width(track.stations)))
    tail, head = track.to_world(np.array([0.15, 0.15 + max(0.8, 1.2 * width)]), 0.25 * width)
    arrow = {"arrowstyle": "-|>", "color": _START, "linewidth": 2.0, "mutation_scale": 14}
    axes.annotate("", xy=tuple(head), xytext=tuple(tail), arrowprops=arrow, zorder=5)
    low, high = _extent(track)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_aspect("equal")
    axes.set_facecolor(_FIELD)
    axes.set_xlabel("x [m]")
    axes.set_ylabel("y [m]")


def save_picture(track: Track, path: str | Path) -> None:
    """Write a picture of a track with every 10th waypoint's index, the centre line coloured by curvature.

    Args:
        track: What to draw.
        path: A .png, .svg or .pdf file, or another kind that matplotlib knows.

    Raises:
        TrackError: If matplotlib is missing, or does not know the suffix, or the file cannot be written.
    """
    try:
        from matplotlib.collections import LineCollection
        from matplotlib.figure import Figure
    except ImportError:
        raise TrackError("pictures need matplotlib: pip install 'hairpin[train]'") from None

    low, high = _extent(track)
    wide, tall = high - low
    scale = 9.5 / max(wide, tall)
    figure = Figure(figsize=(wide * scale + 1.9, tall * scale + 1.3), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    plot_road(axes, track)

    stations = np.linspace(0.0, track.length, max(200, int(track.length / 0.05)))
    points = track.to_world(stations)
    line = LineCollection(
        list(np.stack((points[:-1], points[1:]), axis=1)),
        array=track.curvature(stations[:-1]),
        cmap="coolwarm",
    )
    line.set(linewidth=3.0, zorder=3)
    sharpest = max(1.0, 1 / track.min_radius)
    line.set_clim(-sharpest, sharpest)
    axes.add_collection(line)
    bar = figure.colorbar(line, ax=axes, shrink=0.75, pad=0.015)
    bar.set_label("curvature [1/m], left +, right -")
    _number_waypoints(axes, track)
    axes.set_title(_caption(track), loc="left", fontsize=11)
    write_figure(figure, Path(path))


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's suffix, whole or not at all.

    Raises:
        TrackError: If matplotlib does not know the suffix, or the file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in figure.canvas.get_supported_filetypes():
        raise TrackError(f"{path}: a picture is a .png, .svg or .pdf file, not '{path.suffix}'")
    picture = io.BytesIO()
    figure.savefig(picture, format=kind)
    try:
        write_whole(path, picture.getvalue())
    except OSError as error:
        raise TrackError(f"{path}: {error.strerror or error}") from None


def _number_waypoints(axes: Axes, track: Track) -> None:
    last = len(track.center) - 1 if track.closed else len(track.center)
    for index in range(0, last, 10):
        x, y = track.center[index]
        axes.plot(x, y, "o", color="white", markersize=3.5, markeredgecolor="black", zorder=5)
        beside = track.center[index] + 0.55 * (track.outer[index] - track.center[index])
        axes.annotate(
            str(index), tuple(beside), color="white", fontsize=7, ha="center", va="center", zorder=6
        )


def _caption(track: Track) -> str:
    direction = ("counter-clockwise" if track.is_ccw else "clockwise") if track.closed else "open"
    name = f"{track.name}: {track.title}" if track.title else track.name
    width = np.median(track.width(track.stations))
    size = f"{track.length:.2f} m long, {width:.2f} m wide"
    bends = f"tightest radius {track.min_radius:.2f} m" if np.isfinite(track.min_radius) else "no bends"
    return f"{name}\n{size}, {direction}, {bends}"


def _extent(track: Track) -> tuple[Array, Array]:
    """Lower-left and upper-right corner (2,) [m] of the track with a margin."""
    points = track.waypoints.reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.04 * float((high - low).max()) + 0.1
    return low - margin, high + margin
