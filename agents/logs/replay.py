"""Replays: what a reward function would have paid on the steps of a log, and its car on the track."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.rewards import Reward, RewardParams, resolve
from hairpin.rewards import evaluate as call_reward
from hairpin.sim import World, make_config
from hairpin.sim.chassis import FRONT_POINT
from hairpin.sim.episode import Start
from hairpin.sim.locate import locate
from hairpin.sim.params import build_params
from hairpin.sim.physics import CONTROL_HZ
from hairpin.sim.recording import Recording
from hairpin.sim.routes import Routes, make_routes
from hairpin.sim.trace import PAUSE
from hairpin.tracks import Track

from ..errors import RunError
from ..video import film
from .log import PREPARE, Log
from .read import KINDS, read_logs
from .roads import is_reversed, track_of_log

_UNPAID: Final = (PREPARE, PAUSE)  # on such rows no reward function is called


@dataclass(frozen=True, eq=False)
class Rewards:
    """What a log's episodes were paid, and what another reward function would have paid.

    Attributes:
        log: The log.
        paid: (S,) the reward of each step by the function given; 0 where none is called.
    """

    log: Log
    paid: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """(E,) what each episode would have been paid."""
        return np.add.reduceat(self.paid, self.log.bounds[:-1])


def open_log(source: str | Path, kind: str | None = None) -> Log:
    """The log to replay: the one of the kind asked for, else that of training, if there is one.

    Raises:
        RunError: There is no such log.
    """
    logs = read_logs(source)
    if kind is not None and kind not in KINDS:
        raise RunError(f"unknown kind {kind!r}: give {' or '.join(KINDS)}")
    if kind is not None and kind not in logs:
        raise RunError(f"{source} has no log of {kind}: it has one of {' and '.join(logs)}")
    return logs[kind or next(iter(logs))]


def road_of(log: Log, track: str | Path | None) -> Track:
    """The log's track.

    Raises:
        RunError: It is not known.
        TrackError: The one given cannot be read.
    """
    road = track_of_log(log, track)
    if road is None:
        length = float(np.median(log.track_length))
        named = f", {log.world}," if log.world else ""
        raise RunError(
            f"{log.source}: no built-in track is the {length:.2f} m long one{named} of this log: "
            "give --track FILE.npy"
        )
    return road


def pick(log: Log, episode: int | None) -> int:
    """The place in the log of an episode by its number; the best one if none is given.

    Raises:
        RunError: There is no such episode.
    """
    if episode is None:
        return log.best
    numbers = log.episode[log.bounds[:-1]]
    found = np.flatnonzero(numbers == episode)
    if not len(found):
        raise RunError(
            f"{log.source} has no episode {episode}: give one of {numbers.min()} to {numbers.max()}"
        )
    return int(found[0])


def params_of(log: Log, routes: Routes) -> list[RewardParams]:
    """What a reward function would have seen on each row of one episode, by our rules for places.

    Places come from the logged point and yaw; commands, progress, steps and time are those of the log.
    Objects are not logged, so there are none.

    Args:
        log: The log of one episode.
        routes: Of its track.
    """
    pose = base_poses(log)
    route = np.full(len(pose), int(is_reversed(log, routes.tracks[0])), dtype=np.int64)
    return build_params(
        routes,
        route,
        locate(routes, route, pose),
        command=np.column_stack([log.steering, log.speed]),
        progress=log.progress,
        steps=log.steps.astype(np.int64),
        time=log.time,
        which=range(len(pose)),
    )


def base_poses(log: Log) -> NDArray[np.float64]:
    """(S, 3) x, y [m] and yaw [rad] of the car's base: logs hold the front point."""
    yaw = np.radians(log.yaw)
    return np.column_stack([log.x - FRONT_POINT * np.cos(yaw), log.y - FRONT_POINT * np.sin(yaw), yaw])


def pay(log: Log, track: Track, reward: Any) -> Rewards:
    """What a reward function would have paid on each step of a log.

    It is one function for all episodes, in the order of the log, so one that remembers steps of former calls
    does so here as there.

    Args:
        log: The log.
        track: Its track.
        reward: A file, a built-in name or a callable.

    Raises:
        RewardError: It cannot be found, or fails.
    """
    function: Reward = resolve(reward)
    routes = make_routes([track])
    paid = np.zeros(len(log.x))
    for rows in log.slices():
        one = log.take(rows)
        for k, params in enumerate(params_of(one, routes)):
            if one.status[k] not in _UNPAID:
                paid[rows.start + k] = call_reward(function, params)[0]
    return Rewards(log, paid)


def film_episode(
    path: Path, log: Log, track: Track, on_step: Callable[[int, int], None] | None = None
) -> None:
    """Film the one episode of a log in real time, with what the car's camera would have seen and the map.

    Args:
        path: The MP4 file.
        log: The log of one episode.
        track: Its track.
        on_step: Told of each picture and of how many there are.

    Raises:
        RunError: The file cannot be written.
    """
    poses, commands = evenly(log)
    config = make_config(track=track, reward=None, laps=10**6, max_steps=10**9, start="line")
    world = World(config, 1, physics=Recording(poses, CONTROL_HZ))
    routes = world.routes
    reverse = is_reversed(log, track)
    place = locate(routes, np.array([int(reverse)]), poses[:1])
    share = float((place["position"][0] - log.progress[0] / 100.0) % 1.0)
    ccw = bool(routes.is_ccw[int(reverse)])
    world.reset(np.array([0]), Start(min(share, np.nextafter(1.0, 0.0)), "ccw" if ccw else "cw"))
    with film(path, fps=CONTROL_HZ) as take:
        take(world)
        for k, command in enumerate(commands[1:], start=1):
            world.drive(command[None])
            take(world)
            if on_step is not None:
                on_step(k, len(commands))
    world.close()


def evenly(log: Log) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The one episode of a log at the control rate: logged times are uneven.

    Returns:
        Poses (K, 3) of the base [m, m, rad] and commands (K, 2) [rad, m/s].
    """
    time = np.maximum.accumulate(log.time - log.time[0])
    poses = base_poses(log)
    poses[:, 2] = np.unwrap(poses[:, 2])
    now = np.arange(round(time[-1] * CONTROL_HZ) + 1) / CONTROL_HZ
    even = np.column_stack([np.interp(now, time, poses[:, k]) for k in range(3)])
    row = np.minimum(np.searchsorted(time, now - 1e-9), len(time) - 1)
    return even, np.column_stack([np.radians(log.steering[row]), log.speed[row]])
