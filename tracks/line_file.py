"""Racing lines in files: a table for tools, or a reward function with the line in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .files import write_whole
from .line import RacingLine
from .validate import TrackError

_HEADS = "s_m,x_m,y_m,speed_mps,steering_deg,heading_deg,time_s"

_REWARD = '''

def reward_function(params):
    """Pay for the racing line's speed on the racing line."""
    if not params["all_wheels_on_track"]:
        return 1e-3
    x, y, speed = nearest(params["x"], params["y"])
    beside = math.hypot(params["x"] - x, params["y"] - y) / (0.5 * params["track_width"])
    pace = params["speed"] / speed
    # Faster than the line is as wrong as slower: it ends beside the road.
    return max(1e-3, (1 - min(1, beside) ** 2) * max(0, 1 - abs(1 - pace)))


def nearest(x, y):
    return min(RACING_LINE, key=lambda point: (point[0] - x) ** 2 + (point[1] - y) ** 2)
'''


def save_line(line: RacingLine, path: str | Path) -> None:
    """Write a line to a `.csv` file (all there is), or a `.py` file (points and speeds, and a reward).

    Raises:
        TrackError: The suffix is another one, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        text = _csv(line)
    elif path.suffix.lower() == ".py":
        text = _python(line)
    else:
        raise TrackError(f"{path}: write a .csv or .py file, not '{path.suffix}'")
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise TrackError(f"{path}: {error.strerror or error}") from None


def _csv(line: RacingLine) -> str:
    angles = np.degrees((line.steering, line.pose[:, 2]))
    rows = np.column_stack((line.s, line.point, line.speed, *angles, line.time))
    return "\n".join((_HEADS, *(",".join(f"{value:.4f}" for value in row) for row in rows), ""))


def _python(line: RacingLine) -> str:
    title = f"The fastest line on {line.track.name}: a lap in {line.lap_time:.3f} s"
    rows = np.column_stack((line.point, line.speed))
    points = "\n".join(f"    ({x:.3f}, {y:.3f}, {speed:.2f})," for x, y, speed in rows)
    head = f'"""{title}, at up to {line.limits.max_speed:g} m/s."""\n\nimport math\n\n'
    return f"{head}# x [m], y [m], speed [m/s]\nRACING_LINE = [\n{points}\n]\n{_REWARD}"
