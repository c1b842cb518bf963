"""Fits the simulated car to logs of DeepRacer's own simulator, and says how far it then drives from them.

The car's parameters (`CAR_DTYPE`) and the age of a command are chosen so that the four-wheel model, told what
the log's car was told, moves as that car did: the mean distance between the two after a second, over all
seconds of every other episode, seen from where the second begins. The figures are of the episodes in between,
and of other logs. The first 6 s of each episode count; the model starts at rest as the log's car does.

    python -m benchmarks.real_logs LOGS [OTHER_LOGS ...] [--plot FILE.png]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from hairpin.agents.logs.log import Log
from hairpin.agents.logs.read import read_logs
from hairpin.sim.chassis import FRONT_POINT
from hairpin.sim.physics import make_physics, nominal_car

TICK_HZ: Final = 120.0
SECONDS: Final = 6.0
HORIZON: Final = 1.0
FITTED: Final = {
    "speed_gain": (0.5, 1.5),
    "speed_tau": (0.0, 2.0),
    "steering_gain": (0.4, 1.5),
    "steering_tau": (0.0, 0.6),
    "delay": (0.0, 0.3),
}
"""What is fitted, and within what; ``delay`` is the age of a command when the car obeys [s]."""


@dataclass(frozen=True)
class Episode:
    """What one car was told, and where it was.

    Attributes:
        time: (R,) since the start [s].
        command: (R, 2) steering [rad] and speed [m/s] that led to each row.
        pose: (R, 3) the car's front point [m] and yaw [rad], unwrapped.
    """

    time: NDArray[np.float64]
    command: NDArray[np.float64]
    pose: NDArray[np.float64]


def episodes_of(log: Log) -> list[Episode]:
    """Those of a log that last longer than the horizon, up to the car's first pause."""
    found = []
    for rows in log.slices():
        driven = np.isin(log.status[rows], ("prepare", "in_progress"))
        count = len(driven) if driven.all() else int(driven.argmin())
        time = log.time[rows][:count] - log.time[rows][0]
        count = int(np.searchsorted(time, SECONDS))
        if count < 2 or time[count - 1] < 1.5 * HORIZON or (np.diff(time[:count]) <= 0.0).any():
            continue
        part = slice(rows.start, rows.start + count)
        command = np.column_stack([np.radians(log.steering[part]), log.speed[part]])
        pose = np.column_stack([log.x[part], log.y[part], np.unwrap(np.radians(log.yaw[part]))])
        found.append(Episode(time[:count], command, pose))
    return found


def drive(episodes: list[Episode], car: NDArray[np.void], delay: float) -> list[NDArray[np.float64]]:
    """Poses (R, 3) of the front point of the simulated car, at the rows' times."""
    ticks = np.arange(round(SECONDS * TICK_HZ)) / TICK_HZ
    commands = np.zeros((len(ticks), len(episodes), 2))
    for i, episode in enumerate(episodes):
        # A row's command is sent when the row before is seen.
        row = np.searchsorted(episode.time[:-1] + delay, ticks, side="right")
        commands[:, i] = np.where((row > 0)[:, None], episode.command[row], 0.0)
    physics = make_physics("single_track", len(episodes), TICK_HZ)
    physics.reset(np.arange(len(episodes)), physics.pose.copy(), np.repeat(car, len(episodes)))
    path = np.zeros((len(ticks) + 1, len(episodes), 3))
    for k, command in enumerate(commands):
        physics.step(command)
        path[k + 1] = physics.pose
    path[..., 2] = np.unwrap(path[..., 2], axis=0)
    path[..., 0] += FRONT_POINT * np.cos(path[..., 2])
    path[..., 1] += FRONT_POINT * np.sin(path[..., 2])
    at = np.arange(len(ticks) + 1) / TICK_HZ
    return [
        np.column_stack([np.interp(episode.time, at, path[:, i, c]) for c in range(3)])
        for i, episode in enumerate(episodes)
    ]


def errors(
    episodes: list[Episode], poses: list[NDArray[np.float64]], horizon: float = HORIZON
) -> NDArray[np.float64]:
    """Columns: distance of model and log after the horizon [m], the log's way [m], turn's error [rad]."""
    rows = []
    for episode, pose in zip(episodes, poses, strict=True):
        later = np.searchsorted(episode.time, episode.time + horizon)
        first = np.flatnonzero(later < len(episode.time))
        there, mine = (_motion(path[first], path[later[first]]) for path in (episode.pose, pose))
        rows.append(
            np.column_stack(
                [
                    np.hypot(*(there - mine)[:, :2].T),
                    np.hypot(*there[:, :2].T),
                    np.abs(there[:, 2] - mine[:, 2]),
                ]
            )
        )
    return np.concatenate(rows)


def _motion(begin: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K, 3) where `end` is, forward and left of `begin` [m], and the turn [rad]."""
    dx, dy, turn = (end - begin).T
    cos, sin = np.cos(begin[:, 2]), np.sin(begin[:, 2])
    return np.column_stack([dx * cos + dy * sin, dy * cos - dx * sin, turn])


def car_of(values: dict[str, float]) -> NDArray[np.void]:
    """A nominal car (1,) with some values of its own."""
    car = nominal_car(1)
    for name, value in values.items():
        if name != "delay":
            car[name] = value
    return car


def fit(episodes: list[Episode], start: dict[str, float]) -> dict[str, float]:
    """The values that drive nearest to the episodes, by the simplex method."""
    low, high = np.array(list(FITTED.values())).T

    def values(point: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(FITTED, np.clip(point, low, high).tolist(), strict=True))

    def cost(point: NDArray[np.float64]) -> float:
        chosen = values(point)
        return float(errors(episodes, drive(episodes, car_of(chosen), chosen["delay"]))[:, 0].mean())

    first = np.array([start[name] for name in FITTED])
    simplex = np.vstack([first, *(first + np.diag(0.25 * first + 0.02))])
    options = {"initial_simplex": simplex, "maxfev": 300, "xatol": 1e-3, "fatol": 1e-5}
    return values(minimize(cost, first, method="Nelder-Mead", options=options).x)


def figures(episodes: list[Episode], values: dict[str, float]) -> str:
    """Cells of a table: median and 90th percentile of the distance, way, and turn's error."""
    found = errors(episodes, drive(episodes, car_of(values), values["delay"]))
    median, high = np.percentile(found[:, 0], [50, 90])
    turn = np.degrees(np.median(found[:, 2]))
    return f"{median:.3f} m | {high:.3f} m | {np.median(found[:, 1]):.2f} m | {turn:.1f} deg | {len(found):,}"


def held_speed(logs: list[Log], command: float, rows: int) -> float:
    """Median measured speed where a speed command has been the same for so many rows [m/s]."""
    measured = []
    for log in logs:
        for part in log.slices():
            speed = log.speed[part]
            changed = np.flatnonzero(np.diff(speed, prepend=np.nan) != 0.0)
            since = (
                np.arange(len(speed)) - changed[np.searchsorted(changed, np.arange(len(speed)), "right") - 1]
            )
            chosen = (speed == command) & (since >= rows) & (np.arange(len(speed)) > 8)
            measured.append(log.measured_speed[part][chosen])
    return float(np.median(np.concatenate(measured)))


def draw(path: Path, episodes: list[Episode], cars: dict[str, dict[str, float]]) -> None:
    """Six episodes from above, log and models, and the error against time."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(12, 6), layout="constrained")
    longest = sorted(episodes, key=lambda episode: -len(episode.time))[:: max(1, len(episodes) // 12)][:6]
    driven = {name: drive(longest, car_of(values), values["delay"]) for name, values in cars.items()}
    for k, axis in enumerate([*axes[0, :3], *axes[1, :3]]):
        axis.plot(*longest[k].pose[:, :2].T, "k", label="log")
        for name, poses in driven.items():
            # Laid on the log's start.
            start, yaw = longest[k].pose[0], longest[k].pose[0, 2]
            x, y = (poses[k][:, :2] - poses[k][0, :2]).T
            axis.plot(
                start[0] + x * np.cos(yaw) - y * np.sin(yaw),
                start[1] + x * np.sin(yaw) + y * np.cos(yaw),
                label=name,
            )
        axis.set_aspect("equal", "datalim")
        axis.set(xlabel="x [m]", ylabel="y [m]")
    axes[0, 0].legend(fontsize=8)
    horizons = np.arange(0.2, 3.01, 0.2)
    for name, values in cars.items():
        poses = drive(episodes, car_of(values), values["delay"])
        medians = [np.median(errors(episodes, poses, horizon)[:, 0]) for horizon in horizons]
        axes[0, 3].plot(horizons, medians, label=name)
    axes[0, 3].set(title="median distance", xlabel="after [s]", ylabel="[m]")
    axes[0, 3].legend(fontsize=8)
    axes[1, 3].set_axis_off()
    figure.suptitle("The first 6 s of episodes that were not fitted")
    figure.savefig(path, dpi=60)
    plt.close(figure)
    print(f"\nwrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", type=Path, help="fitted to every other episode of their training")
    parser.add_argument("others", type=Path, nargs="*", help="logs to compare with")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    read = read_logs(arguments.logs)
    episodes = episodes_of(read["training"])
    nominal = {name: float(nominal_car(1)[name][0]) if name != "delay" else 0.0 for name in FITTED}
    parts = [episodes[0::6], episodes[2::6], episodes[4::6]]
    fits = [fit(part, {**nominal, "steering_tau": 0.3, "delay": 0.05}) for part in parts]
    fitted = {name: float(np.median([values[name] for values in fits])) for name in FITTED}
    print("| | nominal | fitted | three fits to a sixth of the episodes each |\n|---|---|---|---|")
    for name in FITTED:
        spread = ", ".join(f"{values[name]:.3f}" for values in fits)
        print(f"| {name} | {nominal[name]:g} | {fitted[name]:.3f} | {spread} |")
    sets = {"fitted to": episodes[::2], "held out": episodes[1::2]}
    if "evaluation" in read:
        sets["evaluation"] = episodes_of(read["evaluation"])
    others = [log for other in arguments.others for log in read_logs(other).values()]
    if others:
        sets["others"] = [episode for log in others for episode in episodes_of(log)]
    print(
        "\n| after 1 s | car | median | 90th percentile | way | turn | seconds |\n"
        "|---|---|---|---|---|---|---|"
    )
    for name, chosen in sets.items():
        print(f"| {name} | nominal | {figures(chosen, nominal)} |")
        print(f"| | fitted | {figures(chosen, fitted)} |")
    print("\n| speed commanded | measured, all rows | same for 5 rows | for 8 rows |\n|---|---|---|---|")
    for command in np.unique(read["training"].speed).tolist():
        speeds = [held_speed([*read.values(), *others], command, rows) for rows in (0, 5, 8)]
        print(f"| {command:g} | " + " | ".join(f"{speed:.2f}" for speed in speeds) + " |")
    if arguments.plot:
        draw(arguments.plot, episodes[1::2], {"nominal": nominal, "fitted": fitted})


if __name__ == "__main__":
    main()
