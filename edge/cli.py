"""The command line of the car: `hairpin-car`."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .car_commands import add_commands
from .errors import BundleError, CarError, ContractError, PolicyError

if TYPE_CHECKING:
    from .policy import Policy

app = typer.Typer(
    name="hairpin-car",
    help="The car's side of Hairpin: look at a policy bundle, time it, rehearse with it, drive.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

BundlePath = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A policy bundle, a .tar.gz file.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, and everything else on standard error.")
]


@app.command()
def inspect(bundle: BundlePath, as_json: AsJson = False) -> None:
    """Say what a bundle is, and whether to trust it here.

    Checks every hash, the contract, and that this computer's engine gives for the golden frames
    what the original network gave. Exit status 2 if not.

    Example: hairpin-car inspect runs/demo/policy.tar.gz
    """
    from .report import describe, describe_as_text

    description = describe(_load(bundle))
    print(json.dumps(description) if as_json else describe_as_text(description))


@app.command()
def bench(
    bundle: BundlePath,
    frames: Annotated[int, typer.Option(min=1, help="Frames to measure, after a warm-up.")] = 300,
    threads: Annotated[int, typer.Option(min=1, help="Threads that the engine may use.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Time the way from the camera's JPEG to the command.

    Stage by stage, on this computer, with frames as the car's camera gives them: which frame rates
    fit, which instruction set the engine really uses, how much memory it takes.

    Example: hairpin-car bench policy.tar.gz --frames 1000
    """
    from .bench import measure
    from .report import bench_as_text

    result = measure(_load(bundle, threads), frames)
    print(json.dumps(result) if as_json else bench_as_text(result))


@app.command()
def rehearse(
    bundle: BundlePath,
    track: Annotated[
        str | None, typer.Option(help="A built-in track or a file; the one it was trained on if not given.")
    ] = None,
    laps: Annotated[int, typer.Option(min=1, help="Consecutive laps in a trial.")] = 3,
    trials: Annotated[int, typer.Option(min=1, help="Trials, from places all around the track.")] = 4,
    physics: Annotated[str, typer.Option(help="bullet or single_track.")] = "bullet",
    direction: Annotated[str, typer.Option(help="ccw, cw or both.")] = "both",
    seed: Annotated[int, typer.Option(help="Of everything random in the simulator.")] = 0,
    speed_limit: Annotated[
        float | None, typer.Option(help="Highest speed [m/s]; the car's own if not given.")
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Drive against the clock, with all that runs on the car.")
    ] = False,
    latency_ms: Annotated[float, typer.Option(min=0.0, help="Let frames come this much later [ms].")] = 0.0,
    drop: Annotated[
        float | None, typer.Option(help="With --real-time: share of the frames that get lost.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="With --real-time: frames per second; 30, as on the car.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="With --real-time: record the drive in this .mcap file, with poses.")
    ] = None,
    latency_sweep: Annotated[
        bool, typer.Option("--latency-sweep", help="Find how much later frames may come.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Drive the simulator with the car's own runtime.

    Time stands still while the policy thinks, so that the result is the same on every computer.
    With --real-time it does not: camera, deadlines and guard run as on the car. --latency-sweep
    lets frames come later and later until a trial fails.

    Needs the simulator on this computer: pip install 'hairpin[train]'

    Example: hairpin-car rehearse policy.tar.gz --real-time --latency-ms 20 --drop 0.02 --laps 1
    """
    from . import report
    from .rehearsal import run, sweep

    if latency_sweep and (real_time or latency_ms):
        raise ContractError("--latency-sweep tries latencies by itself, in simulated time: leave out others")
    live: dict[str, Any] = {
        name: value for name, value in (("drop", drop), ("fps", fps), ("record", record)) if value is not None
    }
    if live and not real_time:
        raise ContractError(
            f"--{next(iter(live))} needs --real-time: in simulated time no frame is lost or late"
        )
    policy = _load(bundle)
    settings: dict[str, Any] = {
        "track": track,
        "laps": laps,
        "trials": trials,
        "physics": physics,
        "direction": direction,
        "seed": seed,
        "speed_limit": speed_limit,
    }
    with _stdout_to_stderr():
        if latency_sweep:
            print(report.SWEEP_HEAD, file=sys.stderr)
            result = sweep(
                policy, on_row=lambda row: print(report.sweep_row(row), file=sys.stderr), **settings
            )
        elif real_time:
            from .real_time import run as run_live

            result = run_live(policy, latency=latency_ms / 1e3, **live, **settings)
        else:
            result = run(policy, latency=latency_ms / 1e3, **settings)
    as_text = report.sweep_as_text if latency_sweep else report.rehearsal_as_text
    print(json.dumps(result) if as_json else as_text(result))


add_commands(app)


def main() -> None:
    """Run the command line; bad input gives one line on standard error and exit status 2."""
    try:
        app()
    except (BundleError, CarError, ContractError, PolicyError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1 if isinstance(error, PolicyError) else 2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _load(bundle: Path, threads: int = 1) -> Policy:
    from .policy import Policy

    return Policy.load(bundle, threads=threads)


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Send what anything prints to standard error, C libraries too: PyBullet greets on standard output."""
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        ctypes.CDLL(None).fflush(
            None
        )  # what C libraries have buffered would come out on standard output later
        os.dup2(saved, 1)
        os.close(saved)
