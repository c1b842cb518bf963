"""Where the simulator is wrong: its car, told what the recorded one was told, beside that one's path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import MAX_STEERING, Contract
from hairpin.edge.throttle import speed as speed_of
from hairpin.sim.physics import make_physics, nominal_car

from .recordings import Drive

HORIZON: Final = 1.0
"""How far ahead the simulator's prediction is compared with the drive [s]."""
_TICK_HZ: Final = 120.0


@dataclass(frozen=True)
class Prediction:
    """How far the simulator's car, told what the recorded one was told, is from it after `HORIZON`.

    Attributes:
        windows: How many stretches of that length.
        median: Distance [m].
        p90: Distance that nine of ten stay below [m].
        travelled: What the recorded car travelled in such a stretch, at the median [m].
        worst_at: Time at which the worst stretch begins [s].
        worst: Its distance [m].
    """

    windows: int
    median: float
    p90: float
    travelled: float
    worst_at: float
    worst: float


def predict(drive: Drive) -> Prediction | None:
    """Compare the driven path with what the fast physics makes of the same commands.

    The model's motion depends on its commands alone, so one pass over all of them gives the motion within
    each stretch. Both motions are looked at from where the stretch begins.

    Returns:
        The comparison; `None` where no pose was recorded, as on any real car, or none is long enough.
    """
    if drive.contract is None:
        return None
    top = float(np.max(_fastest(drive.contract)))
    ends = [*drive.trials[1:], np.inf]
    starts = drive.trials or [0.0]
    distances, travelled, begun = [], [], []
    for begin, end in zip(starts, ends, strict=True):
        poses = drive.poses[(drive.poses[:, 0] >= begin) & (drive.poses[:, 0] < end)]
        rows = (drive.stamps >= begin) & (drive.stamps < end) & np.isfinite(drive.sent[:, 0])
        if len(poses) < 2 or not rows.any():
            continue
        expected = _integrate(drive, rows, poses[:, 0], top)
        later = np.searchsorted(poses[:, 0], poses[:, 0] + HORIZON)
        for i in np.flatnonzero(later < len(poses)).tolist():
            j = int(later[i])
            real, model = _motion(poses[i, 1:], poses[j, 1:]), _motion(expected[i], expected[j])
            distances.append(float(np.hypot(*(real - model))))
            travelled.append(float(np.hypot(*real)))
            begun.append(float(poses[i, 0]))
    if not distances:
        return None
    worst = int(np.argmax(distances))
    return Prediction(
        len(distances),
        float(np.median(distances)),
        float(np.quantile(distances, 0.9)),
        float(np.median(travelled)),
        begun[worst],
        distances[worst],
    )


def _integrate(
    drive: Drive, rows: NDArray[np.bool_], times: NDArray[np.float64], top: float
) -> NDArray[np.float64]:
    """(P, 3) poses of the model at some times, told what the guard sent, from rest."""
    since = drive.stamps[rows] + drive.delays[rows]
    told = np.array(
        [[np.radians(MAX_STEERING) * turn, speed_of(push, top)] for turn, push in drive.sent[rows].tolist()]
    )
    physics = make_physics("single_track", 1, _TICK_HZ)
    physics.reset(np.array([0]), np.zeros((1, 3)), nominal_car(1))
    ticks = np.arange(times[0], times[-1] + 2 / _TICK_HZ, 1 / _TICK_HZ)
    newest = np.searchsorted(since, ticks, side="right") - 1
    path = np.zeros((len(ticks) + 1, 3))
    for k, n in enumerate(newest.tolist()):
        physics.step(told[n : n + 1] if n >= 0 else np.zeros((1, 2)))
        path[k + 1] = physics.pose[0]
    physics.close()
    path[:, 2] = np.unwrap(path[:, 2])
    at = np.append(ticks, ticks[-1] + 1 / _TICK_HZ)
    return np.column_stack([np.interp(times, at, path[:, c]) for c in range(3)])


def _motion(begin: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) where `end` is, forward and left of `begin` [m]."""
    dx, dy = end[:2] - begin[:2]
    cos, sin = np.cos(begin[2]), np.sin(begin[2])
    return np.array([dx * cos + dy * sin, dy * cos - dx * sin])


def _fastest(contract: Contract) -> NDArray[np.float64]:
    """Speeds of the action space [m/s]."""
    space = contract.actions
    named = space.high[1:] if hasattr(space, "high") else [speed for _, speed in space.actions]
    return np.asarray(named, dtype=np.float64)
