"""`hairpin tracks`: list, look at, convert and make tracks."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .line import line

if TYPE_CHECKING:
    from hairpin.tracks import Track

app = typer.Typer(help="List, draw, convert and generate tracks; find racing lines.", no_args_is_help=True)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, lengths in metres.")]


@app.command("list")
def list_tracks(as_json: _Json = False) -> None:
    """List the built-in tracks."""
    from hairpin.tracks import load_track, track_names

    tracks = [load_track(name) for name in track_names()]
    if as_json:
        typer.echo(json.dumps([_facts(track) for track in tracks]))
        return
    heads = ("name", "length", "width", "direction", "tightest", "")
    typer.echo(_table(heads, [(*_cells(track), track.title) for track in tracks]))


@app.command()
def show(
    track: Annotated[str, typer.Argument(metavar="TRACK", help="A built-in track's name or a track file.")],
    out: Annotated[Path | None, typer.Option(help="The picture's file (.png, .svg, .pdf).")] = None,
    as_json: _Json = False,
) -> None:
    """Print a track's facts and draw it: road, start, direction, waypoint numbers, curvature."""
    from hairpin.tracks import load_track
    from hairpin.tracks.picture import save_picture

    road = load_track(track)
    target = out or Path(f"{road.name}.png")
    typer.echo(json.dumps(_facts(road)) if as_json else _describe(road))
    save_picture(road, target)
    typer.echo(f"picture: {target}", err=True)


@app.command("import")
def import_track(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A .npy (DeepRacer), .csv (centre line, widths) or .track file."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to write, .npy or .csv; else NAME.npy in this folder.")
    ] = None,
    scale: Annotated[
        float, typer.Option(help="Factor on all coordinates, such as 0.001 for millimetres.")
    ] = 1.0,
) -> None:
    """Check a track file, say what it holds, and write it in another format."""
    from hairpin.tracks import TrackError, load_track, save_track

    road = load_track(file, scale=scale)
    target = out or Path(f"{road.name}.npy")
    typer.echo(_describe(road))
    if out is None and target.exists():
        if scale == 1 and target.samefile(file):
            typer.echo(f"{file} needs no conversion: use it as it is", err=True)
            return
        raise TrackError(f"{target} exists already: name the file to write with --out")
    save_track(road, target)
    typer.echo(f"wrote {target}", err=True)


@app.command()
def generate(
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same track.")] = 0,
    length: Annotated[float, typer.Option(help="Of the centre line [m].")] = 20.0,
    width: Annotated[float, typer.Option(help="Of the road [m].")] = 0.8,
    min_radius: Annotated[float, typer.Option(help="No bend is tighter [m].")] = 0.5,
    count: Annotated[int, typer.Option(min=1, help="How many tracks, from consecutive seeds.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="A .npy or .csv file, or a folder for several; else this folder.")
    ] = None,
) -> None:
    """Make random tracks."""
    from hairpin.tracks import TrackError, save_track
    from hairpin.tracks import generate as generate_track
    from hairpin.tracks.files import SUFFIXES

    single = out is not None and out.suffix.lower() in SUFFIXES
    if single and count > 1:
        raise typer.BadParameter(f"{out} is one file, for {count} tracks name a folder", param_hint="--out")
    tracks = [generate_track(seed + k, length, width, min_radius=min_radius) for k in range(count)]
    rows = []
    for track in tracks:
        target = out if single and out else (out or Path()) / f"{track.name}.npy"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"{target.parent}: {error.strerror}; name another folder with --out"
            raise TrackError(text) from None
        save_track(track, target)
        rows.append((*_cells(track), str(target)))
    typer.echo(_table(("name", "length", "width", "direction", "tightest", "file"), rows))


app.command()(line)


def _facts(track: Track) -> dict[str, Any]:
    import numpy as np

    width = track.width(track.stations)
    return {
        "name": track.name,
        "title": track.title,
        "length": round(track.length, 4),
        "width": round(float(np.median(width)), 4),
        "narrowest": round(float(width.min()), 4),
        "widest": round(float(width.max()), 4),
        "direction": _direction(track),
        "closed": track.closed,
        "min_radius": round(track.min_radius, 4) if math.isfinite(track.min_radius) else None,
        "waypoints": len(track.waypoints),
        "digest": track.digest,
    }


def _describe(track: Track) -> str:
    import numpy as np

    facts = _facts(track)
    size = np.ptp(track.waypoints.reshape(-1, 2), axis=0)
    curvature = track.curvature(np.arange(0.0, track.length, 0.05))
    straight = float((np.abs(curvature) < 0.1).mean())
    repeated = int((np.diff(track.stations) == 0).sum())
    lines = {
        "track": f"{track.name}: {track.title}" if track.title else track.name,
        "length": f"{track.length:.2f} m, {_words(track)}, on {size[0]:.1f} x {size[1]:.1f} m of ground",
        "width": f"{facts['width']:.3f} m ({facts['narrowest']:.3f} to {facts['widest']:.3f} m)",
        "bends": f"tightest radius {_radius(track)}, {straight:.0%} straight",
        "waypoints": f"{len(track.waypoints)}, {np.median(np.diff(track.stations)):.3f} m apart"
        + (f", {repeated} repeated" if repeated else ""),
        "digest": track.digest[:16],
    }
    return "\n".join(f"{name:<10} {text}" for name, text in lines.items())


def _cells(track: Track) -> tuple[str, ...]:
    width = _facts(track)["width"]
    return track.name, f"{track.length:.1f} m", f"{width:.2f} m", _direction(track), _radius(track)


def _direction(track: Track) -> str:
    if not track.closed:
        return "open"
    return "ccw" if track.is_ccw else "cw"


def _words(track: Track) -> str:
    return {"open": "open", "ccw": "counter-clockwise", "cw": "clockwise"}[_direction(track)]


def _radius(track: Track) -> str:
    return f"{track.min_radius:.2f} m" if math.isfinite(track.min_radius) else "none"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; numbers, which end in a unit, stand right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for row in (heads, *rows):
        cells = [
            cell.rjust(width) if body.endswith(" m") else cell.ljust(width)
            for cell, width, body in zip(row, widths, rows[0], strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
