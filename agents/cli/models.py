"""`hairpin export` and `import`: runs become bundles and DeepRacer's models, and these become runs."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from .options import JSON


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(export)
    app.command(name="import")(import_model)


def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run's folder; its best checkpoint is exported.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="The bundle for hairpin-car, a .tar.gz file.")
    ] = None,
    deepracer: Annotated[
        Path | None,
        typer.Option("--deepracer", help="The archive for the stock car's own software, a .tar.gz file."),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            help="fp32; fp16 for half the file; int8 for small processors (needs NNCF).",
        ),
    ] = "fp32",
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Export a run's policy as a bundle that the car drives, and compare it with the original.

    Example: hairpin export runs/mine --out mine.tar.gz && hairpin-car rehearse mine.tar.gz
    """
    from .. import export as export_run
    from ..errors import RunError

    if (out is None) == (deepracer is None):
        raise RunError("give --out FILE for hairpin-car, or --deepracer FILE for the stock car's software")
    if deepracer is not None:
        from ..deepracer_models import export_deepracer

        size = export_deepracer(run, deepracer)
        typer.echo(json.dumps({"size": size}) if as_json else f"{deepracer}: {size / 1024:.0f} KiB")
        return
    assert out is not None
    parity = export_run(run, out, precision=precision)
    if as_json:
        typer.echo(json.dumps(parity.to_dict()))
    else:
        typer.echo(f"{out}: {parity.summary()}")


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
    folder = quote(str(run.path))
    typer.echo(
        f"next: hairpin evaluate {folder}, or hairpin train --preset deepracer --from {folder} "
        f"--model-metadata {folder}/model/model_metadata.json "
        f"--hyperparameters {folder}/ip/hyperparameters.json",
        err=True,
    )
