"""The fast model and PyBullet's car side by side: cost, distance, convergence, what each does at the limit.

Cars get the same commands in both physics, new ones every 0.2 s: steering over its whole range, speed from
0.3 m/s to the row's limit. The error is the distance between the two cars. Nothing in the model is fitted to
PyBullet. The tables are those of docs/dynamics.md; its pictures go where `--pictures` says.

    python -m benchmarks.dynamics [--cars 32] [--seeds 3] [--seconds 3] [--quick] [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from hairpin.sim import bullet, bullet_body, double_track
from hairpin.sim.chassis import GRAVITY, MASS, MAX_STEERING
from hairpin.sim.physics import CONTROL_HZ, PHYSICS, make_physics

SPEED_LIMITS: Final = (1.2, 2.0, 3.0, 4.0)
FIRST_SEED: Final = 1000
_HOLD: Final = 3  # control periods that a command lasts
_FINEST: Final = 1920.0


def random_commands(seed: int, steps: int, cars: int, max_speed: float) -> NDArray[np.float64]:
    """Commands (steps, cars, 2): steering [rad] and speed [m/s]."""
    rng = np.random.default_rng(seed)
    shape = (-(-steps // _HOLD), cars)
    steering, speed = rng.uniform(-MAX_STEERING, MAX_STEERING, shape), rng.uniform(0.3, max_speed, shape)
    return np.repeat(np.stack([steering, speed], axis=-1), _HOLD, axis=0)[:steps]


def drive(name: str, commands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Motion (steps + 1, cars, 6) of nominal cars that start at rest at the origin: pose and velocity."""
    physics = make_physics(name, commands.shape[1])
    rows = [np.concatenate([physics.pose, physics.velocity], axis=1)]
    for command in commands:
        physics.step(command)
        rows.append(np.concatenate([physics.pose, physics.velocity], axis=1))
    physics.close()
    return np.array(rows)


def apart(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance [m] between cars at each step; (steps + 1, cars)."""
    return np.linalg.norm(first[..., :2] - second[..., :2], axis=-1)


def slip(motion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle between where a car points and where it goes [rad]; 0 below 0.3 m/s."""
    forward, left = motion[..., 3], motion[..., 4]
    return np.where(np.hypot(forward, left) > 0.3, np.abs(np.arctan2(left, forward)), 0.0)


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
    print("| CPU time per car and control period | alone | batch of 64 |\n|---|---|---|")
    for name in PHYSICS:
        print(f"| {name} | {cost(name, 1):.1f} us | {cost(name, 64):.1f} us |")


def print_errors(cars: int, seeds: int, seconds: float) -> None:
    steps = round(seconds * CONTROL_HZ)
    print(
        f"\n| after {seconds:g} s | median | 90th percentile | way | medians by seed |\n|---|---|---|---|---|"
    )
    for limit in SPEED_LIMITS:
        errors, lengths = [], []
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            commands = random_commands(seed, steps, cars, limit)
            fast, reference = (drive(name, commands) for name in PHYSICS)
            errors.append(apart(fast, reference)[-1])
            lengths.append(apart(reference[1:], reference[:-1]).sum(axis=0))
        spread = ", ".join(f"{np.median(error):.3f}" for error in errors)
        median, high = np.percentile(errors, [50, 90])
        print(
            f"| up to {limit:g} m/s | {median:.3f} m | {high:.3f} m | {np.mean(lengths):.2f} m | {spread} |"
        )


@contextmanager
def settings(substep_hz: float = bullet.SUBSTEP_HZ, iterations: int = 20, **body: Any) -> Iterator[None]:
    """PyBullet with other settings, in what is made within."""
    with (
        patch.object(bullet, "SUBSTEP_HZ", substep_hz),
        patch.object(bullet_body, "_SOLVER_ITERATIONS", iterations),
        patch.multiple(bullet_body, **body) if body else patch.object(bullet, "SUBSTEP_HZ", substep_hz),
    ):
        yield


def print_convergence(cars: int, seconds: float) -> None:
    """PyBullet against itself: substeps and solver iterations; and the fast model against itself."""
    steps = round(seconds * CONTROL_HZ)
    commands = {limit: random_commands(FIRST_SEED, steps, cars, limit) for limit in SPEED_LIMITS[1:]}
    print(
        f"\n| distance from {_FINEST:g} Hz, 100 iterations | 2 m/s | 3 m/s | 4 m/s | CPU time |\n"
        "|---|---|---|---|---|"
    )
    with settings(_FINEST, 100):
        finest = {limit: drive("bullet", command) for limit, command in commands.items()}
    for substep_hz, iterations in (
        *((hz, 20) for hz in (120.0, 240.0, 480.0, 960.0)),
        *((240.0, count) for count in (5, 10, 50, 100)),
    ):
        cells, start = [], time.process_time()
        for limit, command in commands.items():
            with settings(substep_hz, iterations):
                cells.append(f"{np.median(apart(drive('bullet', command), finest[limit])[-1]):.4f} m")
        each = (time.process_time() - start) / (len(commands) * steps * cars)
        print(f"| PyBullet, {substep_hz:g} Hz, {iterations} | {' | '.join(cells)} | {1e6 * each:.0f} us |")
    with patch.object(double_track, "SUBSTEP_HZ", 3840.0):
        limits = {limit: drive("single_track", command) for limit, command in commands.items()}
    for substep_hz in (60.0, 120.0, 240.0, 480.0):
        with patch.object(double_track, "SUBSTEP_HZ", substep_hz):
            driven = [apart(drive("single_track", commands[limit]), limits[limit])[-1] for limit in commands]
        cells = [f"{np.median(error):.4f} m" for error in driven]
        print(f"| fast model, {substep_hz:g} Hz, from 3840 Hz | {' | '.join(cells)} | |")


def print_artefacts(cars: int, seconds: float) -> None:
    """What PyBullet makes of a heading and of rigid wheels, and what is left of it."""
    steps = round(seconds * CONTROL_HZ)
    turn = bullet.Bullet._turn

    def turn_once(self: bullet.Bullet, i: int) -> None:
        if self._motion[i].position[:2] == (0.0, 0.0):  # as it was put down
            turn(self, i)

    print("\n| median distance | 2 m/s | 3 m/s | 4 m/s |\n|---|---|---|---|")
    rows: dict[str, list[float]] = {"headings of 0 and 45 degrees": [], "rigid wheels and ours": []}
    for limit in SPEED_LIMITS[1:]:
        commands = random_commands(FIRST_SEED, steps, cars, limit)
        ours = drive("bullet", commands)
        with patch.object(bullet.Bullet, "_turn", turn_once):
            turned = drive("bullet", commands)
            with patch.object(bullet, "_HEADING", 0.0):
                straight = drive("bullet", commands)
        with settings(_TYRE_STIFFNESS=-1.0, _TYRE_DAMPING=-1.0):
            rigid = drive("bullet", commands)
        rows["headings of 0 and 45 degrees"].append(float(np.median(apart(turned, straight)[-1])))
        rows["rigid wheels and ours"].append(float(np.median(apart(rigid, ours)[-1])))
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(f'{value:.3f} m' for value in row)} |")
    print(
        "\n| load in a left bend, share of the weight | rear left | rear right | front left | front right |"
    )
    print("|---|---|---|---|---|")
    for name, body in (("rigid wheels", {"_TYRE_STIFFNESS": -1.0, "_TYRE_DAMPING": -1.0}), ("ours", {})):
        with settings(**body):
            print(f"| {name} | {' | '.join(f'{load:.3f}' for load in _loads())} |")


def _loads() -> list[float]:
    """Loads of `WHEEL_JOINTS` in a steady bend near the limit, over the car's weight."""
    physics = bullet.Bullet(1, CONTROL_HZ)
    for _ in range(45):
        physics.step(np.array([[0.145, 3.0]]))
    points = physics._bullet.getContactPoints(bodyA=physics._body, physicsClientId=physics._client)
    force = {point[3]: point[9] / (MASS * GRAVITY) for point in points}
    physics.close()
    return [force.get(wheel, 0.0) for wheel in bullet_body.WHEEL_JOINTS]


def manoeuvre(name: str) -> tuple[NDArray[np.float64], list[str]]:
    """Commands (60, cars, 2) of a test at the limit, which begins after 1.67 s, and what each car does."""
    if name == "step steer":
        steering = np.array([0.1, 0.15, 0.2, 0.3, 0.4, 0.5])
        commands = np.stack([np.zeros((60, 6)), np.full((60, 6), 3.0)], axis=-1)
        commands[25:, :, 0] = steering
        return commands, [f"{angle:g} rad at 3 m/s" for angle in steering]
    steering = np.array([0.06, 0.1, 0.12, 0.14])
    commands = np.stack([np.tile(steering, (60, 1)), np.full((60, 4), 3.0)], axis=-1)
    commands[25:, :, 1] = 0.5
    return commands, [f"{angle:g} rad, 3 to 0.5 m/s" for angle in steering]


def print_manoeuvres() -> None:
    print(
        "\n| | largest slip angle: fast | PyBullet | apart after 0.5 s | after 1 s |\n|---|---|---|---|---|"
    )
    for name in ("step steer", "lift-off"):
        commands, labels = manoeuvre(name)
        fast, reference = (drive(physics, commands) for physics in PHYSICS)
        gap = apart(fast, reference)
        peaks = [np.degrees(slip(motion[25:]).max(axis=0)) for motion in (fast, reference)]
        for k, label in enumerate(labels):
            angles = " | ".join(f"{peak[k]:.0f} deg" for peak in peaks)
            print(f"| {name}, {label} | {angles} | {gap[33, k]:.3f} m | {gap[40, k]:.3f} m |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cars", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--quick", action="store_true", help="cost and distance alone")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    print_cost()
    print_errors(arguments.cars, arguments.seeds, arguments.seconds)
    if not arguments.quick:
        few = min(arguments.cars, 16)
        print_manoeuvres()
        print_artefacts(few, arguments.seconds)
        print_convergence(few, arguments.seconds)
    if arguments.pictures:
        from .dynamics_pictures import draw

        draw(arguments.pictures)


if __name__ == "__main__":
    main()
