"""`hairpin tracks line`: the fastest way round a track."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hairpin.tracks import Track
    from hairpin.tracks.line import RacingLine


def line(
    track: Annotated[str, typer.Argument(metavar="TRACK", help="A built-in track's name or a track file.")],
    max_speed: Annotated[float, typer.Option(help="The fastest that the car is told to go [m/s].")] = 4.0,
    direction: Annotated[
        str | None, typer.Option(help="ccw or cw; as the track's file has it if not given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A .csv file for the line, or a .py file: a reward function with the line in it."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="A picture's file (.png, .svg, .pdf).")] = None,
    actions: Annotated[
        int | None, typer.Option(help="Propose so many actions for the line (5 to 30), by k-means.")
    ] = None,
    metadata_out: Annotated[
        Path, typer.Option(help="Where the actions go, as DeepRacer's model metadata.")
    ] = Path("model_metadata.json"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, in metres and seconds.")] = False,
) -> None:
    """Find the fastest line round a track, and its lap time: the limit of the simulated car.

    Path and speed are optimised together, within grip, motor, steering and its lag, all wheels on the road.
    x and y are of the car's reference point, as in a reward function's params.

    Example: hairpin tracks line reinvent_2018 --plot line.png --out line.csv --actions 10
    """
    from hairpin.sim.limits import nominal_limits
    from hairpin.tracks import load_track
    from hairpin.tracks.line import racing_line
    from hairpin.tracks.line_file import save_line
    from hairpin.tracks.line_picture import save_line_picture

    road = load_track(track)
    found = racing_line(road, nominal_limits(max_speed), reverse=_reverse(road, direction))
    proposed = _propose(found, actions, metadata_out) if actions is not None else []
    typer.echo(json.dumps(_facts(found, proposed)) if as_json else _describe(found, proposed))
    if out is not None:
        save_line(found, out)
        typer.echo(f"line: {out}", err=True)
    if plot is not None:
        save_line_picture(found, plot)
        typer.echo(f"picture: {plot}", err=True)


def _reverse(road: Track, direction: str | None) -> bool:
    from hairpin.tracks import TrackError

    if direction is None:
        return False
    if direction not in ("ccw", "cw"):
        raise TrackError(f"direction is {direction!r}: give ccw or cw")
    return road.is_ccw != (direction == "ccw")


def _propose(line: RacingLine, count: int, path: Path) -> list[tuple[float, float]]:
    """Choose actions and write them as model metadata."""
    from hairpin.edge.contract import DiscreteActions, ModelMetadata
    from hairpin.tracks.line_actions import line_actions

    from ..errors import RunError
    from ..files import write_text

    chosen = line_actions(line, count)
    try:
        write_text(path, ModelMetadata(DiscreteActions(tuple(chosen))).to_json())
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None
    typer.echo(f"actions: {path}", err=True)
    return chosen


def _facts(line: RacingLine, actions: list[tuple[float, float]]) -> dict[str, object]:
    return {
        "track": line.track.name,
        "direction": "ccw" if line.track.is_ccw else "cw",
        "lap_time": round(line.lap_time, 4),
        "slowest": round(float(line.speed.min()), 3),
        "fastest": round(float(line.speed.max()), 3),
        "points": len(line.speed),
        "actions": [{"steering_angle": steering, "speed": speed} for steering, speed in actions],
    }


def _describe(line: RacingLine, actions: list[tuple[float, float]]) -> str:
    facts = _facts(line, [])
    kind = "lap" if line.track.closed else "run from the start"
    text = [
        f"{line.track.name}, {facts['direction']}: {line.lap_time:.3f} s, the fastest possible {kind}",
        f"speed {facts['slowest']} to {facts['fastest']} m/s, {facts['points']} points",
    ]
    if actions:
        text.append("steering   speed")
        text += [f"{steering:+6.1f} deg  {speed:.2f} m/s" for steering, speed in actions]
    return "\n".join(text)
