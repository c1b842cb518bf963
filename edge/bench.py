"""How long the way from a camera's JPEG to a command takes on this computer, and what runs it."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from .drivers.jpeg import decode, encode
from .latency import Latency
from .observation import ObservationSpec
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
    for i in range(_WARM_UP):
        policy(decode(jpegs[i % len(jpegs)], spec))
    whole, parts = Latency(), Latency()
    began = perf_counter()
    for i in range(frames):
        start = perf_counter()
        frame = decode(jpegs[i % len(jpegs)], spec)
        decoded = perf_counter()
        decide(policy, frame, parts)
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
        "engine": policy.engine,
        "instruction_set": instruction_set(kernels),
        "kernels": kernels,
        "cpu": cpu_name(),
        **memory(),
    }


def pictures(policy: Policy) -> list[bytes]:
    """The golden frames as a camera would give them: what it has seen, gray where it does not look."""
    spec = policy.contract.observation
    factor = camera_size(spec)[0] // spec.width
    top, bottom, left, right = spec.crop
    golden = policy.bundle.golden.frames
    border = ((0, 0), (top, bottom), (left, right), (0, 0))
    whole = np.pad(golden, border, constant_values=128).repeat(factor, 1).repeat(factor, 2)
    if spec.channels == 1:
        whole = whole.repeat(3, 3)
    return [encode(np.ascontiguousarray(frame), i) for i, frame in enumerate(whole)]


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
