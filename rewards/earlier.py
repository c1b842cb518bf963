"""The step before a given one, for reward functions that compare the two."""

from __future__ import annotations

import math

from .params import RewardParams

_DT = 1 / 15  # [s] a control step of the original simulator


def step_before(params: RewardParams) -> RewardParams:
    """The same car one control step earlier, as the first step of an episode.

    Shown to a reward function that keeps state before the step in question, it makes progress and changes of
    steering come out as when driving: the car has moved with its commanded speed, along its heading.
    """
    moved = params["speed"] * _DT
    heading = math.radians(params["heading"])
    along = moved * math.cos(heading - _track_heading(params, heading))
    before = params.copy()
    before["steps"] = 2.0
    before["x"] -= moved * math.cos(heading)
    before["y"] -= moved * math.sin(heading)
    before["progress"] -= 100 * along / params["track_length"]
    before["projection_distance"] = (params["projection_distance"] - along) % params["track_length"]
    before["sim_time"] -= _DT
    before["waypoints"] = params["waypoints"].copy()  # the function may change what it is given
    return before


def _track_heading(params: RewardParams, otherwise: float) -> float:
    """Direction of the track at the car [rad]."""
    waypoints, (behind, ahead) = params["waypoints"], params["closest_waypoints"]
    for _ in waypoints:  # a track may repeat a waypoint
        (x0, y0), (x1, y1) = waypoints[behind], waypoints[ahead]
        if (x0, y0) != (x1, y1):
            return math.atan2(y1 - y0, x1 - x0)
        ahead = (ahead + 1) % len(waypoints)
    return otherwise
