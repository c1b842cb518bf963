"""`hairpin import`: models of DeepRacer become runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(name="import")(import_model)


def import_model(
    archive: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A DeepRacer model, .tar.gz, or a model folder of deepracer-for-cloud."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The run's folder; made anew.")],
    track: Annotated[
        str, typer.Option("--track", help="The track that it is for: a built-in name or a file.")
    ] = "reinvent_2018",
    reward: Annotated[str, typer.Option("--reward", help="The reward to train on with.")] = "center_line",
    model_metadata: Annotated[
        Path | None,
        typer.Option("--model-metadata", help="A model_metadata.json to use instead of the one in it."),
    ] = None,
) -> None:
    """Make a run of a DeepRacer model: evaluate it, export it as a bundle, train it on.

    Example: hairpin import model.tar.gz --out runs/mine && hairpin evaluate runs/mine
    """
    from ..deepracer_models import import_deepracer

    run = import_deepracer(archive, out, track=track, reward=reward, model_metadata=model_metadata)
    typer.echo(str(run.path))
    contract, origin = run.contract, run.settings["imported"]
    if origin["models"] > 1:
        typer.echo(f"took {origin['model']}, of {origin['models']} policies", err=True)
    if origin["reward"]:
        typer.echo(
            f"its {origin['reward']} is not run unasked: unpack it and give it with --reward", err=True
        )
    if origin["unused"]:
        typer.echo(f"its hyperparameters are not used: {origin['unused']}", err=True)
    typer.echo(f"{contract.algorithm}, {contract.network}, {contract.actions.size} outputs", err=True)
    typer.echo(
        "the archive holds the policy alone: the value network starts anew when training goes on", err=True
    )
    typer.echo(
        f"next: hairpin evaluate {run.path}, or hairpin train --preset deepracer --from {run.path} "
        f"--model-metadata {run.path}/model/model_metadata.json "
        f"--hyperparameters {run.path}/ip/hyperparameters.json",
        err=True,
    )
