"""Memory stays where it is, however long it drives and however many environments come and go.

`python -m benchmarks.soak` does the same for longer.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from driving import TINY

from hairpin.sim import RacingEnv, RacingVecEnv
from hairpin.sim.trace import TraceRecorder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's books on memory")


def resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def test_many_steps_and_resets() -> None:
    env = RacingVecEnv(64, track="oval", observation=TINY, randomization="mild", max_steps=15)
    env.world.recorder = recorder = TraceRecorder(64)
    env.reset(seed=0)
    rng = np.random.default_rng(0)

    def drive(steps: int) -> None:
        for _ in range(steps):
            env.step(rng.integers(0, 10, 64))
            recorder.take(1000)

    drive(60)
    before = resident_mib()
    drive(20_000 // 64)
    # An info, a frame or a row that is kept at each step would be 15 MiB or more.
    assert resident_mib() - before < 6


@pytest.mark.parametrize("physics", ["single_track", "bullet"])
@pytest.mark.parametrize("closed", [True, False])
def test_many_environments(physics: str, closed: bool) -> None:
    def make(count: int) -> None:
        for k in range(count):
            env = RacingEnv(track="oval", observation=TINY, physics=physics)
            env.reset(seed=k)
            env.step(7)
            if closed:
                env.close()

    make(5)
    grown = []
    for _ in range(4):
        before = resident_mib()
        make(15)
        grown.append(resident_mib() - before)
    # A world that is kept takes 3 MiB or more, PyBullet's client 28: a leak shows in every
    # round. In any one round the allocator may take or give back 50 MiB.
    assert min(grown) < 15
