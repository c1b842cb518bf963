"""Pictures of racing lines. Needs matplotlib, which is imported on use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .line import RacingLine
from .picture import plot_road, write_figure
from .validate import TrackError


def save_line_picture(line: RacingLine, path: str | Path) -> None:
    """Draw a line on its road, coloured by speed, over the speed and steering along it.

    Raises:
        TrackError: matplotlib is missing, does not know the suffix, or the file cannot be written.
    """
    try:
        from matplotlib.collections import LineCollection
        from matplotlib.figure import Figure
    except ImportError:
        raise TrackError("pictures need matplotlib: pip install 'hairpin[train]'") from None

    figure = Figure(figsize=(10, 10), dpi=130, layout="constrained")
    road, profile = figure.subplots(2, 1, height_ratios=(4, 1))
    plot_road(road, line.track)
    points, speed, time = line.pose[:, :2], line.speed, line.time
    if line.track.closed:
        points = np.vstack((points, points[:1]))
        speed, time = np.append(speed, speed[0]), np.append(time, line.lap_time)
    pieces = list(np.stack((points[:-1], points[1:]), axis=1))
    drawn = LineCollection(pieces, array=(speed[:-1] + speed[1:]) / 2, cmap="turbo")
    drawn.set(linewidth=3.5, capstyle="round", zorder=6)
    road.add_collection(drawn)
    figure.colorbar(drawn, ax=road, shrink=0.8, pad=0.015).set_label("speed [m/s]")
    limits = line.limits
    caption = f"{line.track.name}: {line.lap_time:.3f} s at up to {limits.max_speed:g} m/s"
    road.set_title(f"{caption}, friction {limits.friction:g}", loc="left", fontsize=11)
    profile.plot(time, speed, color="#1f5fa8")
    profile.set(xlabel="time [s]", ylabel="speed [m/s]", xlim=(0.0, line.lap_time), ylim=(0.0, None))
    profile.grid(alpha=0.3)
    wheel = profile.twinx()
    steering = np.append(line.steering, line.steering[:1]) if line.track.closed else line.steering
    wheel.plot(time, np.degrees(steering), color="#d9722a", linewidth=1.0)
    wheel.set_ylabel("steering [deg], left +")
    write_figure(figure, Path(path))
