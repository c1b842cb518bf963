"""Recordings of `hairpin-car`: what another policy would have done, and where the simulator is wrong."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.beside import Glance, Scan, combine
from hairpin.edge.contract import (
    MAX_STEERING,
    Contract,
    ContractError,
    ObservationSpec,
    Reading,
    observe,
    to_commands,
)
from hairpin.edge.drivers.camera import Image
from hairpin.edge.drivers.jpeg import BadFrameError, decode
from hairpin.edge.latency import Latency
from hairpin.edge.mcap_file import read_about, read_messages
from hairpin.edge.observation import batch_of_one
from hairpin.edge.policy import Policy
from hairpin.edge.throttle import speed as speed_of
from hairpin.sim.physics import make_physics, nominal_car

from ..errors import RunError

SUFFIX: Final = ".mcap"

#: How far ahead the simulator's prediction is compared with the drive [s].
HORIZON: Final = 1.0

_MOST_SHOWN: Final = 5
_APART: Final = 1.0  # between the differences that are shown [s]
_SAME_ANGLE: Final = 0.3  # [deg]: of continuous actions, 0.01 of DeepRacer's range
_SAME_SPEED: Final = 0.02  # [m/s]
_TICK_HZ: Final = 120.0


@dataclass(frozen=True, eq=False)
class Drive:
    """A recording, without its frames; time is in [s] since its first message.

    Attributes:
        path: The file.
        contract: Of the policy that drove; `None` if a person did.
        frames: How many there are.
        stamps: (F,) time of each decided frame.
        commands: (F, 2) what the policy decided: steering [rad], speed [m/s].
        sent: (F, 2) what the guard sent, in [-1, 1]; NaN while it was not armed.
        delays: (F,) from frame to command [s].
        faults: Frames that became no command, by reason.
        stops: Reasons why the car stood, in order: (time, reason).
        latency_ms: Percentiles of each stage [ms].
        poses: (P, 4) time, x, y [m] and yaw [rad]; empty but for rehearsals.
        trials: Times at which trials began.
    """

    path: Path
    contract: Contract | None
    frames: int
    stamps: NDArray[np.float64]
    commands: NDArray[np.float64]
    sent: NDArray[np.float64]
    delays: NDArray[np.float64]
    faults: dict[str, int]
    stops: list[tuple[float, str]]
    latency_ms: dict[str, dict[str, float]]
    poses: NDArray[np.float64]
    trials: list[float] = field(default_factory=list)

    @property
    def duration(self) -> float:
        """From the first decision to the last [s]."""
        return float(self.stamps[-1] - self.stamps[0]) if len(self.stamps) else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The figures as what `json.dump` takes."""
        gaps = np.diff(self.stamps)
        return {
            "recording": str(self.path),
            "frames": self.frames,
            "decided": len(self.stamps),
            "duration": round(self.duration, 3),
            "fps": round(1.0 / float(np.median(gaps)), 2) if len(gaps) else None,
            "longest_gap_ms": round(1e3 * float(gaps.max()), 1) if len(gaps) else None,
            "faults": self.faults,
            "stops": [[round(time, 2), reason] for time, reason in self.stops],
            "latency_ms": self.latency_ms,
            "has_poses": bool(len(self.poses)),
        }


@dataclass(frozen=True)
class Agreement:
    """What another policy would have done on the frames of a recording.

    Attributes:
        bundle: The policy.
        frames: Frames that both decided on.
        agreement: Share of them with the same command.
        steering: Mean size of the difference in steering [deg].
        speed: The same in speed [m/s].
        worst: The largest differences in steering: time [s], both angles [deg] and speeds [m/s].
    """

    bundle: str
    frames: int
    agreement: float
    steering: float
    speed: float
    worst: list[dict[str, float]]


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


def read_drive(path: str | Path) -> Drive:
    """Read a recording.

    Raises:
        CarError: It is none.
        RunError: It holds no decision.
    """
    path = Path(path)
    contract = _contract(path)
    first: float | None = None
    rows: list[tuple[float, ...]] = []
    poses: list[tuple[float, float, float, float]] = []
    trials, stops = [], []
    faults: Counter[str] = Counter()
    latency = Latency()
    frames, reason = 0, ""
    for topic, stamp, value in read_messages(path):
        first = stamp if first is None else first
        now = stamp - first
        if topic == "camera":
            frames += 1
        elif topic == "decision" and "fault" in value:
            faults[str(value["fault"])] += 1
        elif topic == "decision":
            stages = value.get("ms", {})
            for name, duration in stages.items():
                latency.add(name, duration / 1e3)
            sent = value.get("sent") or (np.nan, np.nan)
            rows.append((now, value["steering"], value["speed"], *sent, stages.get("total", 0.0) / 1e3))
        elif topic == "health":
            if not value["armed"] and reason == "armed":
                stops.append((now, str(value["reason"])))
            reason = "armed" if value["armed"] else ""
        elif topic == "pose":
            poses.append((now, value["x"], value["y"], value["yaw"]))
        elif topic == "trial":
            trials.append(now)
    if not rows:
        raise RunError(f"{path}: no frame of it became a command, so there is nothing to replay")
    table = np.array(rows, dtype=np.float64)
    return Drive(
        path, contract, frames, table[:, 0], table[:, 1:3], table[:, 3:5], table[:, 5],
        dict(faults), stops, latency.milliseconds(), np.array(poses).reshape(-1, 4), trials,
    )  # fmt: skip


def compare(drive: Drive, bundle: str | Path) -> Agreement:
    """Let another policy decide on the frames of a recording.

    Raises:
        BundleError: The bundle cannot be used.
        RunError: It needs other frames than the recorded ones.
    """
    policy = Policy.load(bundle)
    spec = policy.contract.observation
    recorded = dict(zip(drive.stamps.tolist(), drive.commands.tolist(), strict=True))
    first: float | None = None
    times, old, new = [], [], []
    seen: dict[str, Any] = {}  # what the sensors gave at the newest frame, by topic
    for topic, stamp, value in read_messages(drive.path):
        first = stamp if first is None else first
        if seen.get("stamp") != stamp:
            seen = {"stamp": stamp}
        seen[topic] = value
        if topic != "decision" or "camera" not in seen or (stamp - first) not in recorded:
            continue
        try:
            observation = observe(_reading(seen, spec), spec)
        except BadFrameError:
            continue
        except ContractError as error:
            raise RunError(f"{bundle} cannot see what {drive.path} recorded: {error}") from None
        times.append(stamp - first)
        old.append(recorded[stamp - first])
        new.append(to_commands(policy.contract.actions, policy.act(batch_of_one(observation)))[0])
    return _agreement(str(bundle), np.array(times), np.array(old), np.array(new))


def _reading(seen: dict[str, Any], spec: ObservationSpec) -> Reading:
    """What `observe` takes of the messages of one frame."""
    right = Image(seen["camera_right"], seen["stamp"]) if "camera_right" in seen else None
    scan = None
    if "lidar" in seen:
        ranges = np.array([np.inf if far is None else far for far in seen["lidar"]["ranges"]])
        scan = Scan(ranges, seen["stamp"], seen["stamp"])
    return combine(decode(seen["camera"], spec), Glance(right, scan), spec)


def _agreement(
    bundle: str, times: NDArray[np.float64], old: NDArray[np.float64], new: NDArray[np.float64]
) -> Agreement:
    degrees = np.degrees(new[:, 0] - old[:, 0])
    faster = new[:, 1] - old[:, 1]
    same = (np.abs(degrees) <= _SAME_ANGLE) & (np.abs(faster) <= _SAME_SPEED)
    order: list[int] = []
    for i in np.argsort(-np.abs(degrees) - np.abs(faster), kind="stable").tolist():
        if len(order) < _MOST_SHOWN and all(abs(times[i] - times[k]) > _APART for k in order):
            order.append(i)
    worst = [
        {
            "time": round(float(times[i]), 2),
            "recorded_steering": round(float(np.degrees(old[i, 0])), 1),
            "steering": round(float(np.degrees(new[i, 0])), 1),
            "recorded_speed": round(float(old[i, 1]), 2),
            "speed": round(float(new[i, 1]), 2),
        }
        for i in order
        if not same[i]
    ]
    return Agreement(
        bundle,
        len(times),
        float(same.mean()),
        float(np.abs(degrees).mean()),
        float(np.abs(faster).mean()),
        worst,
    )


def predict(drive: Drive) -> Prediction | None:
    """Compare the driven path with what the single-track model makes of the same commands.

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


def _contract(path: Path) -> Contract | None:
    about = read_about(path)
    if not about:
        return None
    try:
        return Contract.from_json(json.dumps(json.loads(about["contract"])))
    except (KeyError, ValueError):
        raise RunError(f"{path} does not say which policy drove: it is damaged") from None
