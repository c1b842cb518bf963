"""The shortest lap that a policy's car could do, to compare its laps with."""

from __future__ import annotations

from hairpin.edge.contract import MAX_SPEED, MIN_SPEED, ActionSpace, ContinuousActions
from hairpin.sim import WorldConfig
from hairpin.sim.limits import nominal_limits
from hairpin.tracks import TrackError
from hairpin.tracks.line import racing_line


def shortest_lap(world: WorldConfig, direction: str) -> float | None:
    """Time [s] of the racing line at the fastest speed that the actions have.

    Args:
        world: Where it is driven, one track.
        direction: "ccw" or "cw"; of "both" the track's own is taken, which takes as long.

    Returns:
        `None` where there is nothing to compare with: an open track, on which laps begin anywhere, or a road
        that the solver finds no line for, or no solver.
    """
    track = world.tracks[0]
    if not track.closed:
        return None
    limits = nominal_limits(fastest(world.actions))
    reverse = direction != "both" and track.is_ccw != (direction == "ccw")
    try:
        return racing_line(track, limits, reverse=reverse).lap_time
    except TrackError:
        return None


def fastest(actions: ActionSpace) -> float:
    """The fastest speed that a policy can tell the wheels [m/s]."""
    speed = actions.high[1] if isinstance(actions, ContinuousActions) else actions.named[:, 1].max()
    return float(min(max(speed, MIN_SPEED), MAX_SPEED))
