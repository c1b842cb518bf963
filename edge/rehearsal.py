"""Rehearsal: the runtime drives a simulator as if it were the car."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Final

from .contract import Contract
from .errors import CarError, ContractError
from .latency import Latency
from .policy import Policy
from .runtime import Actuator, DriveReport, FrameSource, Limits, drive

#: Group of the entry points by which an installed simulator offers itself.
GROUP: Final = "hairpin.rehearsal"

#: Between the latencies of a sweep [s].
SWEEP_STEP: Final = 0.02

_MOST_PERIODS: Final = 3
_NEEDS_SIMULATOR: Final = "rehearse needs the simulator: pip install 'hairpin[train]'"


def run(
    policy: Policy,
    *,
    speed_limit: float | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Let the installed simulator play the car, and say how the policy drove.

    A simulator is a function `rehearse(contract, drive, *, track, laps, trials, physics, direction, seed,
    latency)` under the name "simulator" in the entry-point group `GROUP`. It calls `drive(source, actuator)`
    for each trial, with a `FrameSource`
    that ends with the trial and an `Actuator`, and returns a dict that can be written as JSON: `track`,
    `physics`, `direction`, `trials`, `completed`, `completion_rate`, `lap_times`, `best_lap`, `mean_lap` [s],
    `off_tracks` and `mean_speed` [m/s].

    Args:
        policy: What drives.
        speed_limit: Highest speed [m/s].
        settings: `track`, a built-in name or a file, the one that the contract names if not given; `laps`,
            consecutive ones in a trial; `trials`; `physics`, "bullet" or "single_track"; `direction`, "ccw",
            "cw" or "both"; `seed` of everything random; `latency` of the camera [s].

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

    result = call_simulator("simulator", policy.contract, drive_trial, **settings)
    return {**result, "latency_ms": latency.milliseconds()}


def sweep(policy: Policy, *, on_row: Callable[[Mapping[str, Any]], None], **settings: Any) -> dict[str, Any]:
    """How much latency, over that of its training, a policy survives; in simulated time, so it is repeatable.

    Latencies grow by `SWEEP_STEP` until a trial fails, or three control periods are reached, which is the
    most that simulators are asked for.

    Args:
        policy: What drives.
        on_row: Told of each latency's result.
        settings: As for `run`.

    Returns:
        `rows`: of each latency its `latency_ms`, and `completed`, `trials`, `mean_lap` and `wheels_out` of
        `run`; and `survives_ms`: the largest latency up to which all trials were completed, or `None`.
    """
    rows: list[dict[str, Any]] = []
    survives = None
    most = _MOST_PERIODS / policy.contract.control_hz
    for k in range(int(most / SWEEP_STEP + 1e-9) + 1):
        latency = k * SWEEP_STEP
        result = run(policy, latency=latency, **settings)
        names = ("completed", "trials", "mean_lap", "wheels_out")
        rows.append({"latency_ms": round(1e3 * latency), **{name: result.get(name) for name in names}})
        on_row(rows[-1])
        if result["completed"] < result["trials"]:
            break
        survives = round(1e3 * latency)
    return {"track": result["track"], "physics": result["physics"], "rows": rows, "survives_ms": survives}


def call_simulator(name: str, contract: Contract, drive: Callable[..., object], **settings: Any) -> Any:
    """What the installed simulator of a name in `GROUP` returns.

    Raises:
        ContractError: There is none, or a setting is not one that it takes.
    """
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise ContractError(_NEEDS_SIMULATOR)
    try:
        return found[0].load()(contract, drive, **settings)
    except ImportError as error:
        raise ContractError(f"{_NEEDS_SIMULATOR} ({error})") from None
    except CarError:
        raise
    except ValueError as error:  # the simulator's errors of input, whose names the car does not know
        raise ContractError(str(error)) from error
