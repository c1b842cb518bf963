"""Pictures of docs/dynamics.md: both physics on the same commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.sim.chassis import GRAVITY, WHEELBASE
from hairpin.sim.physics import CONTROL_HZ, PHYSICS, nominal_car

from .dynamics import FIRST_SEED, SPEED_LIMITS, apart, drive, manoeuvre, random_commands

_STYLES: Final = ("-", "--")
_DPI: Final = 60


def draw(folder: Path) -> None:
    """Write paths.png, steps.png and limit.png."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    title = f"{PHYSICS[0]}: solid, {PHYSICS[1]}: dashed"
    for name, panels in (
        ("paths", [_paths(limit) for limit in SPEED_LIMITS[1:]]),
        ("steps", [_speed_steps, _steering_steps, _error]),
        ("limit", [_circles, _slides("step steer"), _slides("lift-off")]),
    ):
        figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
        for axis, panel in zip(axes, panels, strict=True):
            panel(axis)
        figure.suptitle(title)
        figure.savefig(folder / f"{name}.png", dpi=_DPI)
        plt.close(figure)
    print(f"\nwrote paths.png, steps.png and limit.png to {folder}")


def _paths(limit: float) -> Any:
    def panel(axis: Any) -> None:
        commands = random_commands(FIRST_SEED, 45, 6, limit)
        for name, style in zip(PHYSICS, _STYLES, strict=True):
            motion = drive(name, commands)
            for car in range(6):
                axis.plot(motion[:, car, 0], motion[:, car, 1], style, color=f"C{car}")
        axis.set(title=f"3 s of random commands up to {limit:g} m/s", xlabel="x [m]", ylabel="y [m]")
        axis.set_aspect("equal", "datalim")

    return panel


def _speed_steps(axis: Any) -> None:
    commands = np.zeros((30, 3, 2))
    commands[:20, :, 1] = 1.0, 2.0, 4.0
    _lines(axis, commands, 3, list("124"))
    axis.set(title="a step of the speed, and a stop", xlabel="time [s]", ylabel="speed [m/s]")


def _steering_steps(axis: Any) -> None:
    commands = np.zeros((40, 3, 2))
    commands[..., 1] = 1.5
    commands[20:, :, 0] = 0.1, 0.2, 0.3
    _lines(axis, commands, 5, ["0.1 rad", "0.2 rad", "0.3 rad"], first=18)
    axis.set(title="a step of the steering at 1.5 m/s", xlabel="time [s]", ylabel="yaw rate [rad/s]")


def _lines(axis: Any, commands: NDArray[np.float64], column: int, labels: list[str], first: int = 0) -> None:
    times = np.arange(len(commands) + 1) / CONTROL_HZ
    for name, style in zip(PHYSICS, _STYLES, strict=True):
        motion = drive(name, commands)
        for car, label in enumerate(labels):
            shown = label if style == "-" else None
            axis.plot(times[first:], motion[first:, car, column], style, color=f"C{car}", label=shown)
    axis.legend(fontsize=8)


def _error(axis: Any) -> None:
    times = np.arange(46) / CONTROL_HZ
    for color, limit in enumerate(SPEED_LIMITS):
        commands = random_commands(FIRST_SEED, 45, 24, limit)
        gap = apart(*(drive(name, commands) for name in PHYSICS))
        axis.plot(times, np.median(gap, axis=1), color=f"C{color}", label=f"up to {limit:g} m/s")
        axis.fill_between(times, *np.percentile(gap, [25, 75], axis=1), color=f"C{color}", alpha=0.2)
    axis.set(title="distance between the two: median, quartiles", xlabel="time [s]", ylabel="[m]")
    axis.set_yscale("log")
    axis.set_ylim(1e-4, 2.0)
    axis.legend(fontsize=8)


def _circles(axis: Any) -> None:
    speeds = np.arange(0.25, 4.01, 0.25)
    grip = float(nominal_car(1)["friction"][0]) * GRAVITY
    for color, steering in enumerate((0.05, 0.1, 0.2, 0.4)):
        commands = np.tile(np.stack([np.full(len(speeds), steering), speeds], axis=-1), (75, 1, 1))
        for name, style in zip(PHYSICS, _STYLES, strict=True):
            yaw = np.unwrap(drive(name, commands)[-31:, :, 2], axis=0)
            shown = f"{steering} rad" if style == "-" else None
            rate = (yaw[-1] - yaw[0]) * CONTROL_HZ / 30
            axis.plot(speeds, rate, style, color=f"C{color}", label=shown)
        ideal = np.minimum(speeds * np.tan(steering) / WHEELBASE, grip / speeds)
        axis.plot(speeds, ideal, ":", color="gray")
    axis.set(
        title="circles; dotted: geometry, then grip", xlabel="command [m/s]", ylabel="mean yaw rate [rad/s]"
    )
    axis.legend(fontsize=8)


def _slides(name: str) -> Any:
    def panel(axis: Any) -> None:
        commands, labels = manoeuvre(name)
        times = (np.arange(61) - 25) / CONTROL_HZ
        for physics, style in zip(PHYSICS, _STYLES, strict=True):
            motion = drive(physics, commands)
            angle = np.degrees(np.arctan2(-motion[20:, :, 4], motion[20:, :, 3]))
            for car, label in enumerate(labels):
                shown = label if style == "-" else None
                axis.plot(times[20:], angle[:, car], style, color=f"C{car}", label=shown)
        axis.set(title=name, xlabel="time [s]", ylabel="slip angle of the car [deg]")
        axis.legend(fontsize=7)

    return panel
