"""How long the way from a camera's JPEG to a command takes on this computer, and what runs it."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .drivers.jpeg import decode, encode
from .latency import Latency
from .lidar import FARTHEST, NEAREST, RAYS
from .observation import ObservationSpec, Reading
from .policy import Policy
from .runtime import decide

#: Frame rates that cameras of such cars have.
RATES: Final = (15, 30, 60)

_WARM_UP: Final = 20  # frames
_CAMERA_WIDTH: Final = 640  # of the DeepRacer's camera [pixels]
_ISAS: Final = ("avx512", "avx2", "avx", "sse42")  # as OpenVINO's kernels are named, the best first


def measure(policy: Policy, frames: int) -> dict[str, Any]:
    """Time `frames` frames as the car's camera gives them: JPEG, at a multiple of the contract's size.

    Returns:
        `p50_ms`, `p90_ms` and `p99_ms` from JPEG to command, the same of each stage; `fits`, whether 99 of
        100 frames are done before the next one comes, by frame rate; the instruction set and the kernels of
        the engine; resident memory [MiB], now and at most; and what was measured.

    Raises:
        CarError: simplejpeg is not installed.
    """
    spec = policy.contract.observation
    jpegs = pictures(policy)
    ranges = np.random.default_rng(0).uniform(NEAREST, FARTHEST, RAYS)
    for i in range(_WARM_UP):
        policy(_reading(jpegs[i % len(jpegs)], ranges, spec))
    whole, parts = Latency(), Latency()
    began = perf_counter()
    for i in range(frames):
        start = perf_counter()
        reading = _reading(jpegs[i % len(jpegs)], ranges, spec)
        decoded = perf_counter()
        decide(policy, reading, parts)
        whole.add("decode", decoded - start)
        whole.add("total", perf_counter() - start)
    duration = perf_counter() - began
    stages = {**whole.milliseconds(), **parts.milliseconds(), "total": whole.milliseconds()["total"]}
    total = stages.pop("total")
    kernels = policy.kernels()
    return {
        **{f"{name}_ms": value for name, value in total.items()},
        "precision": policy.bundle.precision,
        "frames": frames,
        "fps": round(frames / duration, 1),
        "fits": {str(rate): total["p99"] <= 1e3 / rate for rate in RATES},
        "stages": stages,
        "camera_frame": list(camera_size(spec)),
        "observation": list(spec.shape),
        "lidar": None if spec.lidar is None else spec.lidar.sensor,
        "engine": policy.engine,
        "instruction_set": instruction_set(kernels),
        "kernels": kernels,
        "cpu": cpu_name(),
        **memory(),
    }


def pictures(policy: Policy) -> list[tuple[bytes, ...]]:
    """The golden frames as each camera would give them: what it has seen, gray where it does not look."""
    spec = policy.contract.observation
    factor = camera_size(spec)[0] // spec.width
    top, bottom, left, right = spec.crop
    golden = policy.bundle.golden.frames
    border = ((0, 0), (top, bottom), (left, right), (0, 0))
    whole = np.pad(golden, border, constant_values=128).repeat(factor, 1).repeat(factor, 2)
    eyes = [whole] if spec.channels == 3 else [whole[..., [c] * 3] for c in range(spec.channels)]
    return [tuple(encode(np.ascontiguousarray(eye[i]), i) for eye in eyes) for i in range(len(whole))]


def _reading(jpegs: tuple[bytes, ...], ranges: NDArray[np.float64], spec: ObservationSpec) -> Reading:
    frames = [decode(jpeg, spec) for jpeg in jpegs]
    frame = frames[0] if len(frames) == 1 else np.concatenate(frames, axis=2)
    return frame if spec.lidar is None else {spec.sensor: frame, spec.lidar.sensor: ranges}


def camera_size(spec: ObservationSpec) -> tuple[int, int]:
    """Width and height of the camera's frame: the smallest multiple of the contract's that is 640 wide."""
    factor = -(-_CAMERA_WIDTH // spec.width)
    return spec.width * factor, spec.height * factor


def instruction_set(kernels: list[str]) -> str:
    """The best instruction set among the kernels, or "unknown" where no name tells."""
    return next((isa for isa in _ISAS if any(f"_{isa}" in kernel for kernel in kernels)), "unknown")


def memory() -> dict[str, float]:
    """Resident memory of this process [MiB]: now and at most; empty if not on Linux."""
    names = {"VmRSS": "resident_mib", "VmHWM": "resident_peak_mib"}
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return {}
    fields = dict(line.split(":", 1) for line in lines)
    return {
        name: round(int(fields[key].split()[0]) / 1024, 1) for key, name in names.items() if key in fields
    }


def cpu_name() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
