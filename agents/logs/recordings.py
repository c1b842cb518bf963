"""Recordings of `hairpin-car`: how a drive went."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import Contract
from hairpin.edge.latency import Latency
from hairpin.edge.mcap_file import read_about, read_messages

from ..errors import RunError


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


def _contract(path: Path) -> Contract | None:
    about = read_about(path)
    if not about:
        return None
    try:
        return Contract.from_json(json.dumps(json.loads(about["contract"])))
    except (KeyError, ValueError):
        raise RunError(f"{path} does not say which policy drove: it is damaged") from None
