"""What another policy would have done on the frames of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.beside import Glance, Scan, combine
from hairpin.edge.contract import ContractError, ObservationSpec, Reading, observe, to_commands
from hairpin.edge.drivers.camera import Image
from hairpin.edge.drivers.jpeg import BadFrameError, decode
from hairpin.edge.mcap_file import read_messages
from hairpin.edge.observation import batch_of_one
from hairpin.edge.policy import Policy

from ..errors import RunError
from .recordings import Drive

_MOST_SHOWN: Final = 5
_APART: Final = 1.0  # between the differences that are shown [s]
_SAME_ANGLE: Final = 0.3  # [deg]: of continuous actions, 0.01 of DeepRacer's range
_SAME_SPEED: Final = 0.02  # [m/s]


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
