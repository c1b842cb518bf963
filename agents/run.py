"""Run folders: what a training run leaves behind, written so that a kill at any time loses little.

Layout (what DeepRacer's log tools know lies where they look for it):

    run.json                      settings, versions, contract; the folder is a run if this file is there
    reward_function.py            the reward's source
    track.npy                     the track; further ones are track-2.npy, track-3.npy, ...
    model/model_metadata.json     the action space and sensors, as DeepRacer writes them
    ip/hyperparameters.json       how it learns, as far as DeepRacer's file has words for it
    training-simtrace/            every step, a file per 20 episodes
    metrics/                      TrainingMetrics.json: an entry per episode; EvaluationMetrics-<time>.json
    evaluation-<time>/            every step of an evaluation
    checkpoints/<steps>.zip       policies, named by environment steps
    checkpoints.json              which one is the best and which the last
    evaluations.jsonl             a line per evaluation during training
    tensorboard/                  learning curves
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final

from hairpin.edge.contract import Contract, ContractError, ModelMetadata
from hairpin.rewards import Reward
from hairpin.sim import Bots, Obstacles
from hairpin.tracks import Track, load_track, save_track

from .config import Plan, to_json
from .contract import make_hyperparameters, name_of
from .errors import RunError
from .files import read_json, write_atomically, write_json, write_text
from .provenance import git_commit, versions

RUN_FILE: Final = "run.json"
CHECKPOINTS_FILE: Final = "checkpoints.json"
REWARD_FILE: Final = "reward_function.py"
METADATA_FILE: Final = "model/model_metadata.json"
HYPERPARAMETERS_FILE: Final = "ip/hyperparameters.json"
RUNS: Final = Path("runs")


@dataclass(frozen=True)
class Checkpoint:
    """A saved policy.

    Attributes:
        path: The stable-baselines3 archive.
        steps: Environment steps that it was trained for.
        found: What the evaluation found that made it the best one; empty for the last one.
    """

    path: Path
    steps: int
    found: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """A run folder, opened.

    Attributes:
        path: The folder.
        settings: The run's `run.json`.
    """

    path: Path
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def contract(self) -> Contract:
        """What the run's policies see and say.

        Raises:
            RunError: `run.json` holds none that can be used.
        """
        try:
            return Contract.from_json(json.dumps(self.settings["contract"]))
        except ContractError as error:
            raise RunError(f"{self.path / RUN_FILE}: {error}") from error

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks that the run trains on."""
        return tuple(
            dataclasses.replace(load_track(self.path / _track_file(i)), name=entry["name"])
            for i, entry in enumerate(self.settings["tracks"])
        )

    @property
    def track(self) -> Track:
        """The track that the run trains on, or the first of several."""
        return self.tracks[0]

    @property
    def best(self) -> Checkpoint:
        """The best checkpoint; the last one if none was evaluated.

        Raises:
            RunError: There is none yet.
        """
        return self.checkpoint("best") or self.last

    @property
    def last(self) -> Checkpoint:
        """The newest checkpoint.

        Raises:
            RunError: There is none yet.
        """
        found = self.checkpoint("last")
        if found is None:
            raise RunError(
                f"{self.path} has no checkpoint yet: train it first "
                f"(hairpin train --resume {quote(str(self.path))})"
            )
        return found

    def checkpoint(self, which: str) -> Checkpoint | None:
        """The "best" or the "last" checkpoint, if there is one.

        Raises:
            RunError: `checkpoints.json` is broken, or names a file that is not there.
        """
        file = self.path / CHECKPOINTS_FILE
        entry = read_json(file).get(which) if file.exists() else None
        if entry is None:
            return None
        try:
            found = {name: value for name, value in entry.items() if name not in ("name", "steps")}
            checkpoint = Checkpoint(self.path / "checkpoints" / entry["name"], int(entry["steps"]), found)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{file}: its {which!r} has no name and steps: restore it or train again"
            ) from error
        if not checkpoint.path.is_file():
            raise RunError(f"{file} names {entry['name']}, which is not there: restore it or train again")
        return checkpoint


def create_run(plan: Plan, contract: Contract, metadata: ModelMetadata) -> Run:
    """Make the folder of a new run.

    Args:
        plan: The settings.
        contract: What its policies will see and say.
        metadata: Its `model_metadata.json`.

    Raises:
        RunError: The folder exists and is not empty, or cannot be made.
    """
    tracks, reward = plan.world.tracks, plan.world.reward
    assert reward is not None
    path = Path(plan.config.out) if plan.config.out is not None else _next_free(RUNS, name_of(tracks))
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            resumable = (path / RUN_FILE).is_file()
            raise RunError(
                f"{path} exists and is not empty: give another --out"
                + (f", or --resume {quote(str(path))}" if resumable else "")
            )
        for folder in ("checkpoints", "ip", "metrics", "model", "training-simtrace"):
            (path / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be made ({error.strerror}): give another --out") from error
    for i, track in enumerate(tracks):
        save_track(track, path / _track_file(i))
    write_text(path / METADATA_FILE, metadata.to_json())
    original = plan.hyperparameters
    write_text(
        path / HYPERPARAMETERS_FILE,
        json.dumps(make_hyperparameters(plan), indent=2) + "\n" if original is None else original.to_json(),
    )
    settings = {
        "format": 1,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "settings": to_json(plan),
        "contract": json.loads(contract.to_json()),
        "reward": _describe(reward),
        "tracks": [{"name": track.name, "digest": track.digest} for track in tracks],
        "versions": versions(),
        "git_commit": git_commit(),
    }
    if reward.source is not None:
        write_text(path / REWARD_FILE, reward.source)
    write_json(path / RUN_FILE, settings)
    return Run(path, settings)


def amend_run(run: Run, reward: Reward, steps: int | None) -> Run:
    """Write down that a run goes on with this reward function, and for this many steps if they are given."""
    settings = dict(run.settings)
    if steps is not None:
        settings["settings"] = {**settings["settings"], "steps": steps}
    if reward.digest != settings["reward"]["digest"]:
        settings["earlier_rewards"] = [*settings.get("earlier_rewards", []), settings["reward"]]
        settings["reward"] = _describe(reward)
        settings["contract"] = {
            **settings["contract"],
            "reward": {"name": reward.name, "digest": reward.digest},
        }
        write_text(run.path / REWARD_FILE, reward.source or "")
    write_json(run.path / RUN_FILE, settings)
    return Run(run.path, settings)


def _describe(reward: Reward) -> dict[str, str | None]:
    ref = reward.ref if isinstance(reward.ref, str) else None  # a function from Python is not found again
    return {"name": reward.name, "digest": reward.digest, "ref": ref}


def open_run(path: str | Path) -> Run:
    """Open a run folder.

    Raises:
        RunError: It is none, or its `run.json` cannot be read.
    """
    path = Path(path)
    file = path / RUN_FILE
    if not path.exists():
        raise RunError(f"no run at {path}: the runs here are {_known_runs()}")
    if not file.is_file():
        raise RunError(f"{path} is not a run: it has no {RUN_FILE}")
    settings = read_json(file)
    for name, kind in (("settings", dict), ("contract", dict), ("reward", dict), ("tracks", list)):
        if not isinstance(settings.get(name), kind) or not settings[name]:
            raise RunError(f"{file} lacks {name!r}: it was not written by this program")
    return Run(path, settings)


def race_of(run: Run) -> dict[str, Any]:
    """What a run trains for, as settings of `hairpin.sim.make_config`: race, and obstacles or bots.

    Raises:
        RunError: `run.json` holds what is none.
    """
    settings = run.settings["settings"]
    race = {name: settings[name] for name in ("race", "obstacles", "bots") if settings.get(name) is not None}
    try:
        for name, kind in (("obstacles", Obstacles), ("bots", Bots)):
            if isinstance(race.get(name), dict):
                race[name] = kind(**race[name])
    except TypeError as error:
        raise RunError(f"{run.path / RUN_FILE}: its race cannot be used ({error}): train again") from error
    return race


def save_checkpoint(
    run: Run, steps: int, save: Callable[[Path], object], *, best: Mapping[str, Any] | None
) -> None:
    """Save a policy as the run's last one, and as its best one if `best` says how good it is.

    Older checkpoints that are neither are removed. A kill at any time leaves the former ones in force.

    Args:
        run: The run.
        steps: Environment steps trained for.
        save: Writes the policy to a path.
        best: What the best checkpoint achieved, or `None` if this is not the best.
    """
    folder = run.path / "checkpoints"
    name = f"{steps:09d}.zip"
    write_atomically(folder / name, save)
    file = run.path / CHECKPOINTS_FILE
    index = read_json(file) if file.exists() else {}
    index["last"] = {"name": name, "steps": steps}
    if best is not None:
        index["best"] = {**best, "name": name, "steps": steps}
    write_json(file, index)
    kept = {entry["name"] for entry in index.values()}
    for old in folder.glob("*.zip"):  # what a kill left unfinished included
        if old.name not in kept:
            old.unlink()


def _track_file(number: int) -> str:
    return "track.npy" if number == 0 else f"track-{number + 1}.npy"


def _next_free(folder: Path, name: str) -> Path:
    parts = [path.name.rpartition("-") for path in folder.glob("*-*")]
    taken = [int(number) for stem, _, number in parts if stem == name and number.isdecimal()]
    return folder / f"{name}-{max(taken, default=0) + 1:03d}"


def _known_runs() -> str:
    names = sorted(str(p.parent) for p in RUNS.glob(f"*/{RUN_FILE}"))
    return ", ".join(names[-5:]) if names else "none (hairpin train makes one)"
