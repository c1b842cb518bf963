"""What `hairpin replay` says about a recording of `hairpin-car`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ..logs.agreement import Agreement
    from ..logs.prediction import Prediction
    from ..logs.recordings import Drive


def show_recording(source: Path, bundle: Path | None, as_json: bool) -> None:
    """Print how a drive went, what another policy would have done, and how the simulator compares."""
    from ..logs.agreement import compare
    from ..logs.prediction import predict
    from ..logs.recordings import read_drive

    drive = read_drive(source)
    agreement = None if bundle is None else compare(drive, bundle)
    prediction = predict(drive)
    if as_json:
        facts = drive.to_dict()
        for name, found in (("policy", agreement), ("prediction", prediction)):
            facts[name] = None if found is None else dataclasses.asdict(found)
        typer.echo(json.dumps(facts))
        return
    for line in _drive_lines(drive):
        typer.echo(line)
    for line in [] if agreement is None else _agreement_lines(agreement):
        typer.echo(line)
    typer.echo(_prediction_line(prediction))


def _drive_lines(drive: Drive) -> list[str]:
    facts = drive.to_dict()
    lines = [
        f"{drive.path}: {facts['decided']} of {drive.frames} frames became commands, {drive.duration:.1f} s",
        f"frames/s   {facts['fps'] or 'unknown'}, longest gap {facts['longest_gap_ms'] or 0:g} ms",
    ]
    lines += [f"no command  {count} frames: {reason}" for reason, count in drive.faults.items()]
    lines += [f"stopped     at {time:.1f} s: {reason}" for time, reason in drive.stops]
    lines.append("latency [ms]     p50      p90      p99  longest")
    for stage, values in drive.latency_ms.items():
        cells = (f" {values[name]:8.2f}" for name in ("p50", "p90", "p99", "longest"))
        lines.append(f"{stage:12}" + "".join(cells))
    return lines


def _agreement_lines(agreement: Agreement) -> list[str]:
    lines = [
        f"{agreement.bundle} does the same on {agreement.agreement:.1%} of {agreement.frames} frames; "
        f"mean difference {agreement.steering:.2f} deg, {agreement.speed:.3f} m/s"
    ]
    for row in agreement.worst:
        lines.append(
            f"  at {row['time']:7.2f} s  recorded {row['recorded_steering']:6.1f} deg "
            f"{row['recorded_speed']:4.2f} m/s, now {row['steering']:6.1f} deg {row['speed']:4.2f} m/s"
        )
    return lines


def _prediction_line(prediction: Prediction | None) -> str:
    if prediction is None:
        return "no poses were recorded (a real car knows none): the simulator's path cannot be compared"
    return (
        f"the fast physics, told the same, is {prediction.median:.3f} m off after 1 s at the median, "
        f"{prediction.p90:.3f} m at the 90th percentile, of {prediction.travelled:.2f} m driven; "
        f"{prediction.worst:.2f} m at worst, from {prediction.worst_at:.1f} s on"
    )
