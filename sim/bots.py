"""Bots: cars that drive along their lane at a steady speed and change lanes now and then."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.compiled import compiled

from .lanes import lane_pose
from .light import mix
from .routes import CENTER, Lines

BOT_DTYPE: Final = np.dtype(
    [
        ("s", np.float64),  # along the centre line [m]
        ("inner", np.float64),  # the lane that it is in or comes from: 1 inner, 0 outer
        ("wait", np.float64),  # until the next change of lane [s]
        ("done", np.float64),  # share of the change that runs; below 0 if none does
        ("seed", np.uint64),  # of the times between its changes
    ]
)
"""How one bot drives."""

_STEP = np.uint64(0x9E3779B97F4A7C15)  # of SplitMix64


@compiled
def drive_bots(
    lines: Lines,
    lanes: Lines,
    route: NDArray[np.int64],
    loop: NDArray[np.bool_],
    active: NDArray[np.bool_],
    bots: NDArray[np.void],
    objects: NDArray[np.void],
    dt: float,
    lane_change: tuple[float, float],
    change_distance: float,
) -> None:
    """Advance the bots of the active cars, and put their objects where they are.

    Args:
        lines: The routes' lines.
        lanes: Their lanes.
        route: (N,) each car's route.
        loop: (N,) whether it ends where it begins; at the end of an open road bots stop.
        active: (N,) whether time goes on for the car.
        bots: (N, M) of `BOT_DTYPE`, changed.
        objects: (N, M) of `OBJECT_DTYPE`, whose `speed` is theirs and whose pose is changed.
        dt: Time that passes [s]; 0 just puts them down.
        lane_change: Shortest and longest time between two changes of lane [s].
        change_distance: Way that a change takes [m].
    """
    for i in range(objects.shape[0]):
        if not active[i]:
            continue
        total = lines.total[3 * route[i] + CENTER]
        for m in range(objects.shape[1]):
            bot, seen = bots[i, m], objects[i, m]
            way = seen.speed * dt
            bot.s = (bot.s + way) % total if loop[i] else min(bot.s + way, total)
            if bot.done >= 0.0:
                bot.done += way / change_distance
                if bot.done >= 1.0:
                    bot.inner, bot.done = 1.0 - bot.inner, -1.0
                    bot.seed += _STEP
                    bot.wait = next_wait(bot.seed, lane_change)
            else:
                bot.wait -= dt
                if bot.wait <= 0.0:
                    bot.done = 0.0
            t = max(bot.done, 0.0)
            across = 1.0 - 2.0 * bot.inner
            inner = bot.inner + across * t * t * (3.0 - 2.0 * t)
            slope = across * 6.0 * t * (1.0 - t) / change_distance
            seen.x, seen.y, seen.yaw = lane_pose(lines, lanes, route[i], bot.s, inner, slope, loop[i])


@compiled
def next_wait(seed: np.uint64, lane_change: tuple[float, float]) -> float:
    """Time until a bot's next change of lane [s], drawn by its seed."""
    share = np.float64(mix(seed) >> np.uint64(11)) * 2.0**-53
    return lane_change[0] + share * (lane_change[1] - lane_change[0])
