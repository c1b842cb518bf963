"""The `hairpin` command: the workstation's door to tracks, rewards, training and evaluation.

What a command needs is imported when it runs, so that `hairpin --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import Final

import typer

from . import evaluate, logs, models, races, reward, tracks, train

app = typer.Typer(
    name="hairpin",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""
Train a 1/18-scale race car from camera pixels, rehearse it, and put the policy on the car.

A first lap:  `hairpin demo`

Your own:  `hairpin reward check my_reward.py --track reinvent_2018`, then
`hairpin train --track reinvent_2018 --reward my_reward.py --out runs/mine`,
`hairpin evaluate runs/mine --video laps.mp4`, and
`hairpin export runs/mine --out mine.tar.gz`, which `hairpin-car` drives.
""",
)
app.add_typer(tracks.app, name="tracks")
app.add_typer(reward.app, name="reward")
train.add_to(app)
evaluate.add_to(app)
logs.add_to(app)
models.add_to(app)
races.add_to(app)


#: What the extra "train" brings; the base is enough for bundles and tracks.
_TRAIN_MODULES: Final = {
    "gymnasium", "stable_baselines3", "torch", "numba", "cv2", "imageio_ffmpeg", "matplotlib", "tensorboard",
}  # fmt: skip


def main() -> None:
    """Run the command line; what is wrong with the input is one line and exit status 2."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _TRAIN_MODULES:
            raise
        typer.echo(f"error: this needs {error.name}: pip install 'hairpin[train]'", err=True)
        sys.exit(2)
    except MemoryError as error:
        typer.echo(f"error: not enough memory ({error}): use fewer cars or trials", err=True)
        sys.exit(2)
    except Exception as error:
        # OSError: a full disk, or a file that may not be read or written; its text names the file.
        if not isinstance(error, (OSError, *_input_errors())):
            raise
        for line in (f"error: {error}", *getattr(error, "__notes__", [])):
            typer.echo(line, err=True)
        sys.exit(2)


def _input_errors() -> tuple[type[Exception], ...]:
    """The errors that are about the user's input; imported only when one was raised."""
    from hairpin.edge import BundleError, ContractError
    from hairpin.edge.errors import CarError
    from hairpin.rewards import RewardError
    from hairpin.tracks import TrackError

    from ..errors import RunError

    found: list[type[Exception]] = [RunError, BundleError, CarError, ContractError, RewardError, TrackError]
    try:
        from hairpin.sim.errors import SimError

        found.append(SimError)
    except ModuleNotFoundError:  # without the extra "train" there is no simulator to complain
        pass
    return tuple(found)
