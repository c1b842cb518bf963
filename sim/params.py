"""The params dict of a reward function, built from what the world knows anyway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .object_params import KEYS, object_columns
from .routes import Routes

if TYPE_CHECKING:
    from hairpin.rewards import RewardParams


def build_params(
    routes: Routes,
    route: NDArray[np.int64],
    places: NDArray[np.void],
    *,
    command: NDArray[np.float64],
    progress: NDArray[np.float64],
    steps: NDArray[np.int64],
    time: NDArray[np.float64],
    which: Sequence[int],
    objects: NDArray[np.void] | None = None,
    crashed: NDArray[np.bool_] | None = None,
) -> list[RewardParams]:
    """What the reward functions of some cars see, key by key as DeepRacer's simulator gives it.

    Every car gets lists of its own, so a function may change what it is given; the waypoints are tuples.

    Args:
        routes: The world's routes.
        route: (N,) route of each car.
        places: (N,) of `PLACE_DTYPE`.
        command: (N, 2) commanded steering [deg] and speed [m/s], as the action space names them.
        progress: (N,) share of the lap done [%].
        steps: (N,) steps of the episode, its preparing one included.
        time: (N,) simulated time [s].
        which: Indices of the cars that are asked for.
        objects: (N, M) of `OBJECT_DTYPE`; none if not given.
        crashed: (N,) whether each car ran into one of them; none did if not given.
    """
    place_rows = places.tolist()
    route_rows = route.tolist()
    headings = np.degrees(places["yaw"]).tolist()
    command_rows = command.tolist()
    progress_rows, step_rows, time_rows = progress.tolist(), steps.astype(float).tolist(), time.tolist()
    lengths, is_reversed = routes.length.tolist(), routes.reverse.tolist()
    result: list[RewardParams] = []
    for i in which:
        x, y, _, position, center_distance, width, before, after, _, left, wheels_on = place_rows[i]
        r = route_rows[i]
        steering, speed = command_rows[i]
        result.append(
            {
                "all_wheels_on_track": wheels_on == 4,
                "x": x,
                "y": y,
                "heading": headings[i],
                "distance_from_center": center_distance,
                "projection_distance": position * lengths[r],
                "progress": progress_rows[i],
                "steps": step_rows[i],
                "speed": speed,
                "steering_angle": steering,
                "track_width": width,
                "track_length": lengths[r],
                "waypoints": routes.waypoints[r].copy(),
                "closest_waypoints": [before, after],
                "is_left_of_center": left,
                "is_reversed": is_reversed[r],
                "is_offtrack": wheels_on == 0,
                "is_crashed": False,
                "closest_objects": [0, 0],
                "objects_location": [],
                "objects_left_of_center": [],
                "objects_speed": [],
                "objects_heading": [],
                "objects_distance": [],
                "objects_distance_from_center": [],
                "object_in_camera": False,
                "sim_time": time_rows[i],
            }
        )
    if objects is not None and objects.shape[1] and result:
        columns = object_columns(routes, route, places, objects)
        crashes = np.zeros(len(places), dtype=bool).tolist() if crashed is None else crashed.tolist()
        for params, i in zip(result, which, strict=True):
            told: Any = {key: column[i] for key, column in zip(KEYS, columns, strict=True)}
            params.update(told)
            params["is_crashed"] = crashes[i]
    return result
