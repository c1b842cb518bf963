"""`hairpin import`: models of DeepRacer become runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(name="import")(import_model)


def import_model(
    archive: Annotated[Path, typer.Argument(metavar="MODEL", help="A DeepRacer model, .tar.gz.")],
    out: Annotated[Path, typer.Option("--out", help="The run's folder; made anew.")],
    track: Annotated[
        str, typer.Option("--track", help="The track that it is for: a built-in name or a file.")
    ] = "reinvent_2018",
    reward: Annotated[str, typer.Option("--reward", help="The reward to train on with.")] = "center_line",
) -> None:
    """Make a run of a DeepRacer model: evaluate it, export it as a bundle, train it on.

    Example: hairpin import model.tar.gz --out runs/mine && hairpin evaluate runs/mine
    """
    from ..deepracer_models import import_deepracer

    run = import_deepracer(archive, out, track=track, reward=reward)
    typer.echo(str(run.path))
    contract = run.contract
    typer.echo(f"{contract.algorithm}, {contract.network}, {contract.actions.size} outputs", err=True)
    typer.echo(
        "the archive holds the policy alone: the value network starts anew when training goes on", err=True
    )
    typer.echo(
        f"next: hairpin evaluate {run.path}, or hairpin train --preset deepracer --from {run.path} "
        f"--model-metadata {run.path}/model/model_metadata.json",
        err=True,
    )
