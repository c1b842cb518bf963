"""A reward drawn over the track: what it pays where, at chosen speeds and headings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .call import evaluate
from .earlier import step_before
from .errors import RewardError
from .params import RewardParams
from .resolve import Reward

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def evaluate_grid(
    reward: Reward,
    grid: Sequence[Sequence[RewardParams | None]],
    *,
    stateful: bool = False,
) -> tuple[NDArray[np.float64], list[RewardError]]:
    """What a reward function pays at each place of a grid.

    A function that keeps state is first shown the step before (`step_before`), as the first of an episode.

    Args:
        reward: The reward function.
        grid: H rows of W params, None where the reward is not asked for.
        stateful: The function keeps state.

    Returns:
        Rewards (H, W), NaN where there is none, and the failures.
    """
    values = np.full((len(grid), len(grid[0])), np.nan)
    failures: list[RewardError] = []
    for row, line in enumerate(grid):
        for column, params in enumerate(line):
            if params is None:
                continue
            try:
                if stateful:
                    evaluate(reward, step_before(params))
                values[row, column] = evaluate(reward, params)[0]
            except RewardError as error:
                failures.append(error)
    return values, failures


def draw(
    waypoints: NDArray[np.float64],
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    values: NDArray[np.float64],
    speeds: Sequence[float],
    headings: Sequence[float],
    path: Path,
    title: str,
) -> None:
    """Write a picture: one panel for each speed (rows) and heading (columns), all on one colour scale.

    Args:
        waypoints: (N, 6) centre line, inner and outer border [m], in the direction of travel.
        xs: (W,) grid columns [m].
        ys: (H,) grid rows [m].
        values: (S, G, H, W) rewards for S speeds and G headings, NaN where there is none.
        speeds: S speeds [m/s].
        headings: G headings relative to the track [rad], left positive.
        path: The picture's file; its suffix says the format.
        title: Printed above.

    Raises:
        RewardError: matplotlib is not installed or does not know the format, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure  # no pyplot: no window, no global state
    except ImportError as error:
        raise RewardError("drawing needs matplotlib", fix="pip install 'hairpin[train]'") from error
    aspect = float(np.ptp(ys) / np.ptp(xs))
    width = 4.8 if len(headings) > 1 else 7.0
    figure = Figure(
        figsize=(width * len(headings) + 1.2, width * aspect * len(speeds) + 1.0),
        layout="constrained",
        dpi=110,
    )
    axes = figure.subplots(len(speeds), len(headings), squeeze=False, sharex=True, sharey=True)
    on_road = _inside(waypoints, xs, ys)
    scale = _colour_scale(values)
    for s, speed in enumerate(speeds):
        for h, heading in enumerate(headings):
            panel = axes[s, h]
            for mask, alpha in ((~on_road, 0.35), (on_road, 1.0)):
                shown = np.ma.masked_invalid(np.where(mask, values[s, h], np.nan))
                mesh = panel.pcolormesh(xs, ys, shown, shading="nearest", alpha=alpha, **scale)
            _decorate(panel, waypoints, heading)
            panel.set_title(f"{speed:g} m/s, {_heading_text(heading)}", fontsize=9)
    figure.colorbar(mesh, ax=axes, label="reward", extend="both", shrink=0.85, pad=0.015)
    figure.suptitle(title, fontsize=11)
    _save(figure, path)


def _colour_scale(values: NDArray[np.float64]) -> dict[str, Any]:
    """Shared by all panels, without the outermost hundredth; centred on zero when both signs occur."""
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [1, 99]) if known.size else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    if low < -0.05 * (high - low) and high > 0:
        bound = float(max(-low, high))
        return {"cmap": "RdYlGn", "vmin": -bound, "vmax": bound}
    return {"cmap": "viridis", "vmin": float(low), "vmax": float(high)}


def _inside(
    waypoints: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(H, W): which grid points lie between the borders."""
    from matplotlib.path import Path as Outline

    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    one, other = (
        Outline(waypoints[:, columns]).contains_points(points) for columns in (slice(2, 4), slice(4, 6))
    )
    return (one ^ other).reshape(len(ys), len(xs))


def _decorate(panel: Axes, waypoints: NDArray[np.float64], heading: float) -> None:
    center, inner, outer = waypoints[:, :2], waypoints[:, 2:4], waypoints[:, 4:]
    for border in (inner, outer):
        panel.plot(border[:, 0], border[:, 1], color="black", linewidth=0.9)
    panel.plot(center[:, 0], center[:, 1], color="black", linewidth=0.5, linestyle=(0, (6, 6)))
    panel.plot(*np.stack([inner[0], outer[0]], axis=1), color="black", linewidth=2.5)
    # An arrow along the track shows the direction of travel; a shorter red one the car's heading.
    step = _direction(center)
    size = float(np.linalg.norm(inner[0] - outer[0]))
    turn = np.array([[np.cos(heading), -np.sin(heading)], [np.sin(heading), np.cos(heading)]])
    for way, color, length in ((step, "black", 1.6), (turn @ step, "crimson", 1.0)):
        tip = center[0] + way * size * length
        panel.annotate("", tip, center[0], arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.6})
    panel.set_aspect("equal")
    panel.set_axis_off()


def _direction(center: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = np.diff(center, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    first = int(np.argmax(lengths > 1e-9))  # rows may repeat a point
    return steps[first] / max(lengths[first], 1e-9)


def _heading_text(heading: float) -> str:
    degrees = round(float(np.degrees(heading)), 1)
    if degrees == 0:
        return "along the track"
    return f"{abs(degrees):g}° to the {'left' if degrees > 0 else 'right'}"


def _save(figure: Any, path: Path) -> None:
    kind = path.suffix.lstrip(".").lower() or "png"
    if kind not in figure.canvas.get_supported_filetypes():
        raise RewardError(
            f"no picture format '{kind}'", file=str(path), fix="name the file .png, .svg or .pdf"
        )
    if not path.absolute().parent.is_dir():
        raise RewardError("there is no folder for the picture", file=str(path), fix="make it first")
    try:
        _write_whole(path.absolute(), kind, figure)
    except OSError as error:
        raise RewardError(
            f"the picture cannot be written: {error.strerror or error}",
            file=str(path),
            fix="name another file with --out",
        ) from error


def _write_whole(path: Path, kind: str, figure: Any) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=f".{kind}")
    try:
        with os.fdopen(handle, "wb") as stream:
            figure.savefig(stream, format=kind)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
