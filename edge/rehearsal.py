"""Rehearsal: the runtime drives a simulator as if it were the car."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final

from .errors import ContractError
from .latency import Latency
from .policy import Policy
from .runtime import Actuator, DriveReport, FrameSource, Limits, drive

#: Group of the entry points by which an installed simulator offers itself.
GROUP: Final = "hairpin.rehearsal"

_NEEDS_SIMULATOR: Final = "rehearse needs the simulator: pip install 'hairpin[train]'"


def run(
    policy: Policy,
    *,
    track: str | None = None,
    laps: int = 3,
    trials: int = 4,
    physics: str = "bullet",
    direction: str = "both",
    seed: int = 0,
    speed_limit: float | None = None,
) -> dict[str, Any]:
    """Let the installed simulator play the car, and say how the policy drove.

    A simulator is a function `rehearse(contract, drive, *, track, laps, trials, physics, direction, seed)`
    in the entry-point group `GROUP`. It calls `drive(source, actuator)` for each trial, with a `FrameSource`
    that ends with the trial and an `Actuator`, and returns a dict that can be written as JSON: `track`,
    `physics`, `direction`, `trials`, `completed`, `completion_rate`, `lap_times`, `best_lap`, `mean_lap` [s],
    `off_tracks` and `mean_speed` [m/s].

    Args:
        policy: What drives.
        track: A built-in name or a file; the one that the contract names if not given.
        laps: Consecutive laps in a trial.
        trials: Trials.
        physics: "bullet" or "single_track".
        direction: "ccw", "cw" or "both".
        seed: Of everything random.
        speed_limit: Highest speed [m/s].

    Returns:
        What the simulator returned, and `latency_ms`: percentiles of each stage [ms].

    Raises:
        ContractError: There is no simulator, or a setting is not one that it takes.
        PolicyError: The model gave something that is not a number.
    """
    limits = Limits() if speed_limit is None else Limits(speed_limit)
    latency = Latency()

    def drive_trial(source: FrameSource, actuator: Actuator) -> DriveReport:
        return drive(policy, source, actuator, limits=limits, latency=latency)

    try:
        rehearse = _simulator()
        result = rehearse(
            policy.contract,
            drive_trial,
            track=track,
            laps=laps,
            trials=trials,
            physics=physics,
            direction=direction,
            seed=seed,
        )
    except ImportError as error:
        raise ContractError(f"{_NEEDS_SIMULATOR} ({error})") from None
    except ValueError as error:  # the simulator's errors of input, whose names the car does not know
        raise ContractError(str(error)) from error
    return {**result, "latency_ms": latency.milliseconds()}


def _simulator() -> Any:
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    if not found:
        raise ContractError(_NEEDS_SIMULATOR)
    return found[0].load()
