"""Situations to try a reward function on, before any training: single moments, and a grid over the track."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from hairpin.rewards import RewardParams
from hairpin.tracks import Track

from .chassis import FRONT_POINT
from .config import RACES
from .errors import choice
from .locate import locate
from .obstacles import INNER_LANE, OUTER_LANE, Bots, Obstacles
from .params import build_params
from .physics import CONTROL_HZ
from .placing import draw_placement
from .routes import make_routes
from .traffic import Traffic

_OBJECTS = ((0.4, INNER_LANE), (0.9, OUTER_LANE))  # share of the lap and lane


@dataclasses.dataclass(frozen=True)
class _Moment:
    """Where a car is and what it does: share of the lap, left of the line [m], angle to the track [rad]."""

    share: float
    left: float = 0.0
    heading: float = 0.0
    speed: float = 1.0  # [m/s]
    steering: float = 0.0  # [deg]
    steps: int = 100


def reward_situations(track: Track, race: str = "time_trial") -> list[tuple[str, RewardParams]]:
    """Typical moments of a lap, named: start, mid-lap on and beside the line, fast, off the track, finish.

    Args:
        track: The track.
        race: What is raced. With objects there is one before the middle of the lap, boxes in the inner lane
            or a car, and one far away; moments before, beside and in the first one are added.

    Raises:
        SimError: There is no such race.
    """
    half = float(track.width(0.3 * track.length)) / 2
    moments = {
        "start": _Moment(0.0, steps=2),
        "mid-lap, on the line": _Moment(0.5),
        "mid-lap, fast": _Moment(0.5, speed=3.0),
        "mid-lap, steering left": _Moment(0.5, steering=30.0),
        "left of the line": _Moment(0.3, left=half / 2),
        "right of the line": _Moment(0.3, left=-half / 2),
        "near the border": _Moment(0.3, left=0.95 * half),
        "heading off": _Moment(0.3, heading=0.6),
        "facing backwards": _Moment(0.3, heading=np.pi),
        "off the track": _Moment(0.3, left=half + 0.6),
        "three quarters": _Moment(0.75, steps=200),
        "finish": _Moment(1.0, steps=300),
    }
    if choice("race", race, RACES) == "time_trial":
        return list(zip(moments, _params(track, list(moments.values())), strict=True))
    setup: Obstacles | Bots = (
        Bots(positions=_OBJECTS) if race == "head_to_bot" else Obstacles(positions=_OBJECTS)
    )
    place, quarter = _OBJECTS[0][0], float(track.width(_OBJECTS[0][0] * track.length)) / 4
    inner = quarter if track.is_ccw or not track.closed else -quarter
    near = place - 0.6 / track.length
    moments |= {
        "object far ahead": _Moment(place - 3.0 / track.length),
        "object ahead, in its lane": _Moment(near, left=inner),
        "object ahead, in the other lane": _Moment(near, left=-inner),
        "beside an object": _Moment(place, left=-inner),
        "just past an object": _Moment(place + 0.6 / track.length, left=-inner),
        "run into an object": _Moment(place, left=inner),
    }
    return list(zip(moments, _params(track, list(moments.values()), setup), strict=True))


def params_grid(
    track: Track,
    spacing: float,
    speed: float,
    heading: float,
    steering: float = 0.0,
    *,
    reverse: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[list[RewardParams | None]]]:
    """Params for a grid of places of the front point, each looking along the track there.

    Args:
        track: The track.
        spacing: Of the grid [m].
        speed: Commanded speed [m/s].
        heading: Angle to the track, + = left [rad].
        steering: Commanded steering [deg].
        reverse: Whether to drive against the rows of the track's file.

    Returns:
        x (W,) and y (H,) of the grid [m], and H rows of W params; `None` far from the road.
    """
    points = np.concatenate([track.inner, track.outer])
    low, high = points.min(axis=0) - 0.3, points.max(axis=0) + 0.3
    xs, ys = (np.arange(a, b + spacing, spacing) for a, b in zip(low, high, strict=True))
    front = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    driven = track.reversed() if reverse else track
    s, d = driven.to_road(front)
    near = np.flatnonzero(np.abs(d) <= driven.width(s) / 2 + 0.25)
    steps = np.maximum(2, (s / (max(speed, 0.1) / CONTROL_HZ)).astype(np.int64))
    poses = _poses_from_front(front, driven.heading(s) + heading)
    params = _build(
        track, poses[near], np.full(len(near), speed), np.full(len(near), steering), steps[near], reverse
    )
    cells: list[RewardParams | None] = [None] * len(front)
    for cell, one in zip(near.tolist(), params, strict=True):
        cells[cell] = one
    return xs, ys, [cells[row * len(xs) : (row + 1) * len(xs)] for row in range(len(ys))]


def _params(
    track: Track, moments: list[_Moment], setup: Obstacles | Bots | None = None
) -> list[RewardParams]:
    share = np.array([moment.share for moment in moments])
    s = np.minimum(share, 0.999) * track.length
    front = track.to_world(s, np.array([moment.left for moment in moments]))
    heading = track.heading(s) + np.array([moment.heading for moment in moments])
    params = _build(
        track,
        _poses_from_front(front, heading),
        np.array([moment.speed for moment in moments]),
        np.array([moment.steering for moment in moments]),
        np.array([moment.steps for moment in moments]),
        reverse=False,
        setup=setup,
    )
    for one, moment in zip(params, moments, strict=True):
        one["progress"] = min(100.0, 100.0 * moment.share)
    return params


def _poses_from_front(front: NDArray[np.float64], heading: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) poses of the base for places (N, 2) of the front point."""
    base = front - FRONT_POINT * np.column_stack([np.cos(heading), np.sin(heading)])
    return np.column_stack([base, heading])


def _build(
    track: Track,
    poses: NDArray[np.float64],
    speed: NDArray[np.float64],
    steering: NDArray[np.float64],
    steps: NDArray[np.int64],
    reverse: bool,
    setup: Obstacles | Bots | None = None,
) -> list[RewardParams]:
    routes = make_routes([track])
    route = np.full(len(poses), int(reverse))
    places = locate(routes, route, poses)
    traffic = Traffic(setup, routes, len(poses), CONTROL_HZ)
    if setup is not None:
        rng = np.random.default_rng(0)  # nothing is drawn but what is not used here
        placement = draw_placement(setup, routes, traffic.lanes, int(reverse), 0.0, rng, random_colours=False)
        for i in range(len(poses)):
            traffic.begin(i, placement)
    return build_params(
        routes,
        route,
        places,
        command=np.column_stack([steering, speed]),
        progress=100.0 * places["position"],
        steps=steps,
        time=steps / CONTROL_HZ,
        which=range(len(poses)),
        objects=traffic.objects,
        crashed=traffic.judge(np.ones(len(poses), dtype=bool), route, poses, places["position"]),
    )
