"""How long the way from a camera frame to a command takes on this computer."""

from __future__ import annotations

from time import perf_counter
from typing import Any, Final

import numpy as np

from .latency import Latency
from .observation import ObservationSpec
from .policy import Policy
from .runtime import decide

_WARM_UP: Final = 20  # frames
_CAMERA_WIDTH: Final = 640  # of the DeepRacer's camera [pixels]


def measure(policy: Policy, frames: int) -> dict[str, Any]:
    """Time `frames` frames as the car's camera gives them: RGB, at a multiple of the contract's size.

    Returns:
        `p50_ms`, `p90_ms` and `p99_ms` from frame to command, the same of each stage, and what was measured.
    """
    width, height = camera_size(policy.contract.observation)
    images = np.random.default_rng(0).integers(0, 256, (4, height, width, 3), np.uint8)
    for i in range(_WARM_UP):
        policy(images[i % len(images)])
    latency = Latency()
    began = perf_counter()
    for i in range(frames):
        decide(policy, images[i % len(images)], latency)
    duration = perf_counter() - began
    stages = latency.milliseconds()
    return {
        **{f"{name}_ms": value for name, value in stages.pop("total").items()},
        "precision": policy.bundle.precision,
        "frames": frames,
        "fps": round(frames / duration, 1),
        "stages": stages,
        "camera_frame": [width, height],
        "observation": list(policy.contract.observation.shape),
        "engine": policy.engine,
    }


def camera_size(spec: ObservationSpec) -> tuple[int, int]:
    """Width and height of the camera's frame: the smallest multiple of the contract's that is 640 wide."""
    factor = -(-_CAMERA_WIDTH // spec.width)
    return spec.width * factor, spec.height * factor
