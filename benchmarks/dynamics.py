"""Cost of both physics, and how far the single-track model drives from PyBullet's car on the same commands.

Each car gets random commands, a new one every 0.2 s: steering over its whole range, speed from 0.3 m/s to the
row's limit. The error is the distance between the two cars at the end. The seeds are not those that the model
was fitted with.

    python -m benchmarks.dynamics [--cars 32] [--seeds 3] [--seconds 3] [--plot FILE.png]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hairpin.sim.chassis import GRAVITY, MAX_STEERING, WHEELBASE
from hairpin.sim.physics import CONTROL_HZ, PHYSICS, make_physics, nominal_car

_SPEED_LIMITS: Final = (1.2, 2.0, 3.0, 4.0)
_HOLD: Final = 3  # control periods that a command lasts
_FIRST_SEED: Final = 1000


def random_commands(seed: int, steps: int, cars: int, max_speed: float) -> NDArray[np.float64]:
    """Commands (steps, cars, 2): steering [rad] and speed [m/s]."""
    rng = np.random.default_rng(seed)
    shape = (-(-steps // _HOLD), cars)
    steering, speed = rng.uniform(-MAX_STEERING, MAX_STEERING, shape), rng.uniform(0.3, max_speed, shape)
    return np.repeat(np.stack([steering, speed], axis=-1), _HOLD, axis=0)[:steps]


def drive(name: str, commands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Poses (steps + 1, cars, 3) of nominal cars that start at rest at the origin."""
    physics = make_physics(name, commands.shape[1])
    poses = [physics.pose.copy()]
    for command in commands:
        physics.step(command)
        poses.append(physics.pose.copy())
    physics.close()
    return np.array(poses)


def cost(name: str, cars: int) -> float:
    """CPU time of one car's control period [us], the best of three rounds."""
    physics = make_physics(name, cars)
    steps = max(1, (20_000 if name == "single_track" else 300) // cars)
    commands = random_commands(0, steps, cars, 2.0)
    physics.step(commands[0])
    rounds = []
    for _ in range(3):
        start = time.process_time()
        for command in commands:
            physics.step(command)
        rounds.append((time.process_time() - start) / (steps * cars))
    physics.close()
    return 1e6 * min(rounds)


def print_cost() -> None:
    print(f"{'us per car and control period':34s}{'N=1':>10s}{'N=64':>10s}")
    for name in PHYSICS:
        print(f"{name:34s}{cost(name, 1):10.1f}{cost(name, 64):10.1f}")


def print_errors(cars: int, seeds: int, seconds: float) -> None:
    steps = round(seconds * CONTROL_HZ)
    title = f"position error after {seconds:g} s [m]"
    print(f"\n{title:34s}{'median':>8s}{'p90':>8s}{'path':>8s}   medians by seed")
    for limit in _SPEED_LIMITS:
        errors, lengths = [], []
        for seed in range(_FIRST_SEED, _FIRST_SEED + seeds):
            commands = random_commands(seed, steps, cars, limit)
            single_track, bullet = (drive(name, commands)[..., :2] for name in PHYSICS)
            errors.append(np.linalg.norm(single_track[-1] - bullet[-1], axis=-1))
            lengths.append(np.linalg.norm(np.diff(bullet, axis=0), axis=-1).sum(axis=0))
        spread = " ".join(f"{np.median(error):.3f}" for error in errors)
        median, high = np.percentile(errors, [50, 90])
        print(f"  up to {limit:.1f} m/s{'':19s}{median:8.3f}{high:8.3f}{np.mean(lengths):8.2f}   {spread}")


def plot(path: Path, seconds: float) -> None:
    """Paths of both physics side by side for each speed limit, and steady circles up to the limit of grip."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(15, 10), layout="constrained")
    for axis, limit in zip(axes.flat, _SPEED_LIMITS, strict=False):
        commands = random_commands(_FIRST_SEED, round(seconds * CONTROL_HZ), 6, limit)
        paths = [drive(name, commands) for name in PHYSICS]
        for car in range(6):
            for poses, style in zip(paths, ("-", "--"), strict=True):
                axis.plot(poses[:, car, 0], poses[:, car, 1], style, color=f"C{car}")
        axis.set(title=f"up to {limit} m/s", xlabel="x [m]", ylabel="y [m]")
        axis.axis("equal")
    _plot_circles(axes[1, 1])
    _plot_steps(axes[1, 2])
    figure.suptitle(f"{PHYSICS[0]}: solid, {PHYSICS[1]}: dashed")
    figure.savefig(path, dpi=80)
    print(f"\nwrote {path}")


def _plot_circles(axis) -> None:  # type: ignore[no-untyped-def]
    speeds = np.arange(0.25, 4.01, 0.25)
    grip = float(nominal_car(1)["friction"][0]) * GRAVITY
    for color, steering in enumerate((0.1, 0.2, 0.3, 0.5)):
        command = np.stack([np.full(len(speeds), steering), speeds], axis=-1)
        for name, style in zip(PHYSICS, ("-", "--"), strict=True):
            poses = drive(name, np.repeat(command[None], 75, axis=0))
            rate = (np.diff(np.unwrap(poses[-16:, :, 2], axis=0), axis=0) * CONTROL_HZ).mean(axis=0)
            axis.plot(
                speeds, rate, style, color=f"C{color}", label=f"{steering} rad" if style == "-" else None
            )
        axis.plot(speeds, np.minimum(speeds * np.tan(steering) / WHEELBASE, grip / speeds), ":", color="gray")
    axis.set(
        title="steady circles; dotted: kinematic, then grip",
        xlabel="command [m/s]",
        ylabel="yaw rate [rad/s]",
    )
    axis.set_ylim(0.0, 8.0)
    axis.legend()


def _plot_steps(axis) -> None:  # type: ignore[no-untyped-def]
    times = np.arange(1, 31) / CONTROL_HZ
    for color, speed in enumerate((1.0, 2.0, 4.0)):
        command = np.zeros((30, 1, 2))
        command[:20, :, 1] = speed
        for name, style in zip(PHYSICS, ("-", "--"), strict=True):
            moved = np.linalg.norm(np.diff(drive(name, command)[:, 0, :2], axis=0), axis=-1) * CONTROL_HZ
            axis.plot(times, moved, style, color=f"C{color}")
    axis.set(title="speed after a step and a stop", xlabel="time [s]", ylabel="speed [m/s]")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cars", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--plot", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    print_cost()
    print_errors(arguments.cars, arguments.seeds, arguments.seconds)
    if arguments.plot:
        plot(arguments.plot, arguments.seconds)


if __name__ == "__main__":
    main()
