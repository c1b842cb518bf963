"""Cost of a camera frame, and of the preparations, beside PyBullet's TinyRenderer in the same run.

Each row is measured in turn on one core, a short piece at a time, so that what else the machine does falls on
all alike. Poses are random and new each time: what the caches hold is what they hold when many cars drive.

    python -m benchmarks.camera [--rounds 40] [--surfaces 8]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hairpin.sim.bullet_camera import BulletRenderer
from hairpin.sim.camera import CAMERAS, Camera
from hairpin.sim.render import Renderer, nominal_view
from hairpin.tracks import Track, load_track
from hairpin.tracks.style import STYLES, random_style
from hairpin.tracks.surface import Surface, rasterise


@dataclass
class Case:
    """One row of the table; `times` are CPU microseconds a frame."""

    what: str
    camera: Camera
    batch: int
    renderer: Renderer | BulletRenderer
    surfaces: int = 1
    change: dict[str, float] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)

    def run(self, track: Track, rng: np.random.Generator, calls: int) -> None:
        """Render `calls` batches at new poses."""
        view = nominal_view(self.batch)
        for name, value in self.change.items():
            view[name] = value
        out = np.empty((self.batch, *self.camera.shape), np.uint8)
        for _ in range(calls):
            pose = random_poses(track, self.batch, rng)
            surface = rng.integers(self.surfaces, size=self.batch)
            seed = rng.integers(1 << 62, size=self.batch).astype(np.uint64)
            start = time.thread_time()
            self.renderer.render(pose, surface, view, seed, out)
            self.times.append((time.thread_time() - start) / self.batch * 1e6)


def random_poses(track: Track, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    s = rng.uniform(0, track.length, count)
    xy = track.to_world(s, rng.uniform(-0.2, 0.2, count))
    return np.column_stack((xy, track.heading(s) + rng.uniform(-0.3, 0.3, count)))


def _cases(surfaces: list[Surface]) -> list[Case]:
    front, wide = CAMERAS["deepracer"], CAMERAS["wide"]
    cases = []
    for size in ((160, 120), (80, 60), (320, 240)):
        for channels in (1, 3):
            for batch in (1, 64):
                camera = replace(front, width=size[0], height=size[1], channels=channels)
                cases.append(Case("pinhole", camera, batch, Renderer(camera, surfaces[:1])))
    gray = Renderer(front, surfaces)
    cases.append(Case(f"pinhole, {len(surfaces)} surfaces", front, 64, gray, len(surfaces)))
    cases.append(Case("pinhole, light and noise", front, 64, gray, 1, {"gain": 0.9, "noise": 5.0}))
    cases.append(Case("pinhole, pitch and height", front, 64, gray, 1, {"pitch": 0.02, "height": 0.01}))
    cropped = replace(front, crop=(30, 0, 0, 0))
    cases.append(Case("pinhole, 30 rows cropped", cropped, 64, Renderer(cropped, surfaces[:1])))
    for channels in (1, 3):
        tilted, lens = replace(front, channels=channels), replace(wide, channels=channels)
        cases.append(Case("pinhole, roll", tilted, 64, Renderer(tilted, surfaces[:1]), 1, {"roll": 0.02}))
        cases.append(Case("lens with distortion", lens, 64, Renderer(lens, surfaces[:1])))
    cases.append(Case("PyBullet TinyRenderer", front, 1, BulletRenderer(front, surfaces[:1])))
    return cases


def _duration(work: Callable[[], object]) -> float:
    """CPU time [ms]; the second time, when all is compiled."""
    work()
    start = time.thread_time()
    work()
    return (time.thread_time() - start) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--surfaces", type=int, default=8)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rng = np.random.default_rng(0)
    track = load_track("reinvent_2018")
    surfaces = [rasterise(track, random_style(rng)) for _ in range(arguments.surfaces)]
    size = surfaces[0].levels[0].shape
    print(f"{track.name}: picture of {size[1]} x {size[0]} texels of {surfaces[0].texel * 1e3:g} mm")
    print(f"rasterise {_duration(lambda: rasterise(track, STYLES['deepracer'])):6.1f} ms")
    print(f"pack      {_duration(lambda: Renderer(CAMERAS['deepracer'], surfaces[:1])):6.1f} ms\n")

    cases = _cases(surfaces)
    for case in cases:
        case.run(track, rng, 2)  # warm up
        case.times.clear()
    for _ in range(arguments.rounds):
        for case in cases:
            case.run(track, rng, 10 if case.batch == 1 and isinstance(case.renderer, Renderer) else 1)
    reference = float(np.median(cases[-1].times))
    print(f"{'':28s}{'frame':>9s}{'':>6s}{'batch':>7s}", end="")
    print(f"{'us/frame':>10s}{'10 to 90 %':>18s}{'times faster':>14s}")
    for case in cases:
        low, median, high = np.percentile(case.times, [10, 50, 90])
        frame = f"{case.camera.shape[1]}x{case.camera.shape[0]}"
        kind = "RGB" if case.camera.channels == 3 else "gray"
        spread = f"{low:.1f} to {high:.1f}"
        print(f"{case.what:28s}{frame:>9s}{kind:>6s}{case.batch:7d}", end="")
        print(f"{median:10.1f}{spread:>18s}{reference / median:14.0f}")
    cases[-1].renderer.close()


if __name__ == "__main__":
    main()
