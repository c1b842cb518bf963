"""Going on with a run that was stopped, killed, or broken off by its reward function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from hairpin.rewards import Reward, resolve
from hairpin.sim import Randomization

from .config import Plan, TrainConfig, plan
from .errors import RunError
from .files import check_writable, remove_unfinished
from .gate import Verdict, enough
from .history import best_verdict, evaluations_of
from .hyperparameters import Hyperparameters
from .learner import continue_model, make_env
from .run import METADATA_FILE, REWARD_FILE, Checkpoint, Run, amend_run, open_run, race_of
from .training import first_model, learn, seed_of


def resume(
    path: str | Path,
    *,
    steps: int | None = None,
    reward: Any = None,
    console: Console | None = None,
) -> Run:
    """Go on with a run from its last checkpoint; at most the training since then is lost.

    Args:
        path: The run's folder.
        steps: Environment steps in all to train for; as the run was told if not given.
        reward: Another reward function to go on with. If not given, the run's own, as it is now: a file that
            was mended since is used as mended, and the run's copy of it where it is gone.
        console: Where progress is shown; nowhere if not given.

    Returns:
        The run; as it was if it was finished already.

    Raises:
        RunError: The folder is no run, or its settings cannot be used any more.
        RewardError: The reward function cannot be used, or fails.
        Stopped: Ctrl-C; what was learned until then is saved.
    """
    run = open_run(path)
    best, last = best_verdict(run), run.checkpoint("last")
    function = _reward_now(run, reward, console)
    planned = _plan_again(run, function, steps)
    verdicts = [*evaluations_of(run), *([best] if best is not None else [])]
    finished = _finished(planned, verdicts, last)
    if finished:
        _say(console, f"{run.path} is finished: {finished}; to train on, give more steps (--steps N)")
        return run
    if function.digest != run.settings["reward"]["digest"]:
        _say(
            console,
            f"the reward is not the one that the run began with: going on with {function.file} as it is now",
        )
    check_writable(run.path, f"{run.path} cannot be written to", "to go on, copy it to where it can")
    remove_unfinished(run.path)
    run = amend_run(run, function, steps)
    env = make_env(planned)
    if last is None:
        _say(console, f"{run.path} has no checkpoint yet: beginning again")
        model = first_model(planned, env)
    else:
        model = continue_model(planned, last.path, env, seed_of(planned.config.seed, last.steps))
    learn(planned, run, model, env, console, best=best)
    return run


def _reward_now(run: Run, given: Any, console: Console | None) -> Reward:
    """The reward function to go on with."""
    if given is not None:
        return resolve(given)
    entry = run.settings["reward"]
    ref = entry.get("ref")
    if ref is None:
        raise RunError(
            f"the reward {entry.get('name')!r} of {run.path} was given from Python: give it again "
            "(reward=, --reward)"
        )
    file, _, function = ref.rpartition(":")
    if file.endswith(".py") and not Path(file).is_file():
        copy = run.path / REWARD_FILE
        _say(console, f"{file} is gone: going on with the run's copy, {copy}")
        return resolve(f"{copy}:{function}")
    return resolve(ref)


def _plan_again(run: Run, reward: Reward, steps: int | None) -> Plan:
    """The run's settings, resolved again."""
    settings = run.settings["settings"]
    known = {name: settings[name] for name in TrainConfig.__dataclass_fields__ if name in settings}
    if isinstance(known.get("randomization"), dict):
        ranges: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in known["randomization"].items()
        }
        known["randomization"] = Randomization(**ranges)
    if isinstance(known.get("hyperparameters"), dict):
        known["hyperparameters"] = Hyperparameters(**known["hyperparameters"])
    contract = run.contract
    now = {
        "track": run.tracks,
        "reward": reward,
        "model_metadata": run.path / METADATA_FILE,
        "actions": None,
        "algorithm": contract.algorithm,
        "steps": steps if steps is not None else known.get("steps"),
        "out": run.path,
        **race_of(run),
    }
    try:
        return plan(TrainConfig(**{**known, **now}))
    except TypeError as error:
        raise RunError(f"{run.path}: its settings cannot be used ({error}): train again") from error


def _finished(planned: Plan, verdicts: Sequence[Verdict], last: Checkpoint | None) -> str | None:
    """Why there is nothing to go on with, if so."""
    steps = planned.config.steps
    if planned.stops_when_it_laps and last is not None and enough(verdicts, last.steps):
        best = max(verdicts, key=lambda verdict: verdict.rank)
        return f"after {best.steps:,} steps its policy does all laps, confirmed"
    total = steps or planned.preset.steps
    if last is not None and last.steps >= total:
        return f"it has trained for {last.steps:,} of {total:,} steps"
    return None


def _say(console: Console | None, text: str) -> None:
    if console is not None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)
