"""Training: from a track and a reward function to a run folder with a policy that laps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from shlex import quote

import numpy as np
import torch
from rich.console import Console
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.vec_env import VecNormalize

from hairpin.edge.contract import ContinuousActions
from hairpin.sim.sb3 import SB3VecEnv

from .bar import Bar
from .callbacks import Evaluations, Traces, checkpoint
from .config import Plan, TrainConfig, plan
from .contract import make_contract, make_metadata
from .errors import RunError
from .exploration import Narrowing
from .gate import Gate, Verdict
from .imitation import WARM_UP, CriticFirst, imitate
from .learner import clone_model, make_env, new_model
from .repainting import Repainting
from .run import Run, create_run, open_run


class Stopped(KeyboardInterrupt):
    """Training was stopped by Ctrl-C; what was learned is saved.

    Attributes:
        run: The run, to go on with by `resume`.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(f"stopped and saved; go on with: hairpin train --resume {quote(str(run.path))}")
        self.run = run


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread: for small networks two are slower, and five times so beside other work.

    A seed also repeats only with as many threads, from the first weights on.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train(config: TrainConfig, *, console: Console | None = None) -> Run:
    """Train a policy.

    Args:
        config: What to train, on what, and for how long.
        console: Where progress is shown; nowhere if not given.

    Returns:
        The run. Its best checkpoint is the best of all evaluations.

    Raises:
        RunError, SimError, TrackError, RewardError, ContractError: A setting cannot be used; nothing was
            written.
        RewardError: The reward function failed during training; what was learned until then is saved.
        Stopped: Ctrl-C; what was learned until then is saved.
    """
    planned = plan(config)
    env = make_env(planned)
    model = first_model(planned, env)
    run = create_run(planned, make_contract(planned), make_metadata(planned))
    learn(planned, run, model, env, console, best=None)
    return run


@_one_thread()
def first_model(planned: Plan, env: VecNormalize) -> BaseAlgorithm:
    """The learner that a run begins with: one that knows nothing yet, or that of the run to clone.

    Raises:
        RunError: The run to clone is none, has no policy yet, or sees or says something else than this one.
    """
    seed = seed_of(planned.config.seed, 0)
    if planned.config.clone is None:
        return new_model(planned, env, seed)
    parent = open_run(planned.config.clone)
    _check_parent(parent, planned)
    return clone_model(planned, parent.best.path, env, seed)


@_one_thread()
def learn(
    planned: Plan,
    run: Run,
    model: BaseAlgorithm,
    env: VecNormalize,
    console: Console | None,
    best: Verdict | None,
) -> None:
    """Let a model learn until its plan is done; whatever ends it, what was learned is saved.

    Args:
        planned: The settings.
        run: The folder that everything is written to.
        model: The learner.
        env: Its cars; closed at the end.
        console: Where progress is shown, if anywhere.
        best: The best verdict so far, of a run that goes on.
    """
    total = _whole_rounds(model, planned.steps)
    model.tensorboard_log = str(run.path / "tensorboard")
    cars = env.unwrapped
    assert isinstance(cars, SB3VecEnv)
    preset = planned.preset
    gate = Gate(planned.judged, preset.randomization, thorough=preset.exam_tracks > 0, racing=preset.racing)
    traces = Traces(run, cars)
    evaluations = Evaluations(
        run,
        gate,
        planned.preset.evaluate_every,
        stop=planned.stops_when_it_laps,
        prefer_later=not planned.preset.stops and not planned.preset.racing,
        best=best,
        traces=traces,
    )
    bar = Bar(total, evaluations, console) if console is not None else None
    watches = preset.watch > 0 and planned.config.clone is None
    watch, warm_up = min(preset.watch, total // 3), min(WARM_UP, total // 8)
    first = [CriticFirst(watch + warm_up)] if watches else []
    callbacks = CallbackList(
        [
            *first,
            *_narrowing(planned, total),
            evaluations,
            traces,
            *_repainting(planned, cars, model),
            *([bar] if bar else []),
        ]
    )
    try:
        if watches and model.num_timesteps < watch:
            with bar.watching() if bar is not None else nullcontext():
                imitate(model, cars, watch, planned.config.seed)
        model.learn(
            total - model.num_timesteps,
            callback=callbacks,
            reset_num_timesteps=False,
            tb_log_name="learning",
        )
        evaluations.finish()
    except KeyboardInterrupt:
        _rescue(run, model)
        raise Stopped(run) from None
    except Exception as error:
        _rescue(run, model)
        error.add_note(
            f"what was learned in {model.num_timesteps:,} steps is saved; mend that, then go on with: "
            f"hairpin train --resume {quote(str(run.path))}"
        )
        raise
    finally:
        if bar is not None:
            bar.stop()
        evaluations.close()
        traces.finish()
        gate.close()
        env.close()


def _narrowing(planned: Plan, total: int) -> list[Narrowing]:
    """What lets exploration die down, if the preset asks for it and there is a spread to narrow."""
    preset = planned.preset
    if preset.last_log_std is None or not isinstance(planned.world.actions, ContinuousActions):
        return []
    return [Narrowing(preset.log_std, preset.last_log_std, total)]


def _repainting(planned: Plan, cars: SB3VecEnv, model: BaseAlgorithm) -> list[Repainting]:
    """What gives the tracks new colours, if the preset asks for it and colours are randomised at all."""
    if not (planned.preset.repaint and planned.world.randomization.styles):
        return []
    seed = seed_of(planned.config.seed, model.num_timesteps)
    return [Repainting(cars.env.world, planned.preset.repaint, seed)]


def seed_of(seed: int, steps: int) -> int:
    """Seed of the part of a run that begins after some steps; the same starts again would teach nothing."""
    return int(np.random.SeedSequence([seed, steps]).generate_state(1)[0])


def _whole_rounds(model: BaseAlgorithm, steps: int) -> int:
    """Steps after which training ends: the model learns after each round of experience, not in mid-round."""
    a_round = model.n_envs * getattr(model, "n_steps", 1)
    return model.num_timesteps + math.ceil((steps - model.num_timesteps) / a_round) * a_round


def _rescue(run: Run, model: BaseAlgorithm) -> None:
    """Save what was learned before training broke off, unless that is what broke."""
    if all(bool(torch.isfinite(weights).all()) for weights in model.policy.parameters()):
        checkpoint(run, model)


def _check_parent(parent: Run, planned: Plan) -> None:
    """A clone must see and say what its parent does."""
    contract = parent.contract
    both = planned.world.observation, contract.observation
    if both[0].lidar is not None and both[0].sensor != both[1].sensor:
        raise RunError(
            f"cannot clone {parent.path}: its camera is {both[1].sensor}, and beside a lidar the network's "
            f"inputs are named: write that sensor instead of {both[0].sensor}"
        )
    for name, ours, theirs in (
        ("frame", planned.world.observation.shape, contract.observation.shape),
        ("lidar", planned.world.observation.lidar, contract.observation.lidar),
        ("action space", planned.world.actions, contract.actions),
        ("algorithm", planned.algorithm, contract.algorithm),
        ("network", planned.preset.network, contract.network),
    ):
        if ours != theirs:
            raise RunError(
                f"cannot clone {parent.path}: it has another {name} ({theirs}) than this run ({ours}); "
                "use its settings, and its model/model_metadata.json"
            )
