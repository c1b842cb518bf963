"""Options that several commands take."""

from __future__ import annotations

import typer

TRACK = typer.Option("--track", help="A built-in name (hairpin tracks list) or a .npy, .csv or .track file.")
JSON = typer.Option("--json", help="Print one JSON object on standard output, all else on standard error.")
PHYSICS = typer.Option("--physics", help="bullet (PyBullet, the reference) or single_track (fast).")
DIRECTION = typer.Option("--direction", help="ccw, cw or both; as in its training if not given.")
RACES = "time_trial, object_avoidance (boxes on the track) or head_to_bot (slow cars)."
OBSTACLES = typer.Option("--obstacles", help="Boxes of object_avoidance, in other places each time; 4 else.")
BOTS = typer.Option("--bots", help="Slow cars of head_to_bot; 3 else.")


def given(context: typer.Context) -> set[str]:
    """Names of the options that the command line gives."""
    return {
        name
        for name in context.params
        if getattr(context.get_parameter_source(name), "name", None) == "COMMANDLINE"
    }
