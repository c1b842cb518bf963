"""A discrete action space for a racing line: what a car says to its actuators along it, in a few clusters."""

from __future__ import annotations

import numpy as np

from .geometry import Array
from .line import RacingLine
from .validate import TrackError

FEWEST, MOST = 5, 30  # as many as DeepRacer's console takes
_STEERING_STEP, _SPEED_STEP = 1.0, 0.1  # that values are rounded to [deg], [m/s]
_APART = (2.0, 0.3)  # clusters nearer to each other than this in both are one [deg], [m/s]
_CORRECTION = 0.7  # speed of the corrections, as a share of the line's slowest
_TICK = 1 / 15  # time between two samples of the line, a camera frame each [s]
_LEAD = 0.2  # the car takes so long to reach a speed that it is told [s]


def line_actions(line: RacingLine, count: int, seed: int = 0) -> list[tuple[float, float]]:
    """Choose actions by k-means over steering and speed along a line.

    Always among them: straight on at the line's highest speed, and full lock to either side slower than
    anywhere on the line, so that a car beside it comes back.

    Args:
        line: The line.
        count: How many actions.
        seed: Of the clusters' first centres.

    Returns:
        Steering angle [deg], + = left, and speed [m/s] of each, from left to right; all distinct.

    Raises:
        TrackError: The count is out of range, or scipy is missing.
    """
    if not FEWEST <= count <= MOST:
        raise TrackError(f"{count} actions: give {FEWEST} to {MOST}")
    try:
        from scipy.cluster.vq import kmeans2
    except ImportError:
        raise TrackError("action spaces need scipy: pip install 'hairpin[train]'") from None

    lock = np.degrees(line.limits.max_steering)
    slow = max(_CORRECTION * float(line.speed.min()), 0.2 * line.limits.max_speed)
    needed = [(lock, slow), (0.0, float(line.speed.max())), (-lock, slow)]
    chosen = {_rounded(steering, speed) for steering, speed in needed}
    samples = _samples(line)
    spread = samples.std(axis=0) + np.array([_STEERING_STEP, _SPEED_STEP])
    for clusters in range(count - len(chosen), 4 * count):
        found, _ = kmeans2(
            samples / spread, min(clusters, len(samples)), rng=seed, minit="++", missing="warn"
        )
        for steering, speed in found * spread:
            if len(chosen) < count and _is_apart(steering, speed, chosen):
                chosen.add(_rounded(steering, speed))
    if len(chosen) < count:  # a line as plain as a straight: fill up with milder corrections
        ladder = [(side * share, slow) for share in np.linspace(0.95, 0.05, MOST) for side in (lock, -lock)]
        for steering, speed in ladder:
            if len(chosen) < count:
                chosen.add(_rounded(steering, speed))
    return sorted(chosen, key=lambda action: (-action[0], action[1]))


def _is_apart(steering: float, speed: float, chosen: set[tuple[float, float]]) -> bool:
    gaps = np.abs(np.array(list(chosen)) - (steering, speed))
    return not (gaps < _APART).all(axis=1).any()


def _samples(line: RacingLine) -> Array:
    """Steering [deg] and speed [m/s] (N, 2) at even times along a line."""
    at = np.arange(0.0, line.lap_time, _TICK)
    ahead = np.mod(at + _LEAD, line.lap_time) if line.track.closed else at + _LEAD
    steering = np.degrees(np.interp(at, line.time, line.steering))
    return np.column_stack((steering, np.interp(ahead, line.time, line.speed)))


def _rounded(steering: float, speed: float) -> tuple[float, float]:
    """An action in round numbers, within what the car can do if the given one is."""
    angle = round(float(steering) / _STEERING_STEP) * _STEERING_STEP
    return angle + 0.0, round(max(1, round(float(speed) / _SPEED_STEP)) * _SPEED_STEP, 2)
