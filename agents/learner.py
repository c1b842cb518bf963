"""The learner: stable-baselines3's algorithms over the simulator's cars."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import torch
from gymnasium import spaces
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.utils import FloatSchedule, LinearSchedule
from stable_baselines3.common.vec_env import VecNormalize

from hairpin.edge.contract import ContinuousActions, DiscreteActions
from hairpin.sim.sb3 import SB3VecEnv

from .adam import Adam
from .config import Plan
from .deepracer_networks import SAC_HEAD
from .episodic_ppo import EpisodicPPO
from .errors import RunError
from .networks import AsymmetricPolicy, features_of
from .smooth_ppo import SmoothPPO

_ALGORITHMS: Final[dict[str, type[BaseAlgorithm]]] = {"ppo": PPO, "sac": SAC}
_REWARD_STATISTICS: Final = "reward_statistics"  # kept on the model, so that its archive carries them


def make_env(plan: Plan) -> VecNormalize:
    """The cars that gather experience; most presets scale rewards to unit variance of their returns.

    Users' rewards range from 1e-3 to 1e3 a step; scaling them spares everyone a search for a learning rate.
    The learner seeds the cars.
    """
    preset = plan.preset
    env = SB3VecEnv(
        plan.config.num_envs or preset.num_envs,
        plan.world,
        bootstrap_laps=preset.bootstrap_laps,
        privileged=preset.privileged,
    )
    gamma = getattr(preset, plan.algorithm)["gamma"]
    return VecNormalize(env, norm_obs=False, norm_reward=preset.scale_rewards, gamma=gamma)


def new_model(plan: Plan, env: VecNormalize, seed: int) -> BaseAlgorithm:
    """A learner that knows nothing yet."""
    preset = plan.preset
    policy_kwargs = features_of(preset, env.observation_space)
    # In one pass over the weights Adam takes a fifth of the time.
    policy_kwargs["optimizer_class"] = Adam
    policy_kwargs["optimizer_kwargs"] = {"eps": 1e-5 if plan.algorithm == "ppo" else 1e-8, "fused": True}
    if preset.original:
        # Value and policy have a network each, and the optimizer is as TensorFlow's users set it.
        policy_kwargs["share_features_extractor"] = False
        policy_kwargs["net_arch"] = [] if plan.algorithm == "ppo" else [SAC_HEAD]
    else:
        policy_kwargs["net_arch"] = [] if plan.algorithm == "ppo" else [preset.features]
    if isinstance(plan.world.actions, ContinuousActions) and plan.algorithm == "ppo":
        policy_kwargs["log_std_init"] = preset.log_std
    several = isinstance(env.observation_space, spaces.Dict) and not preset.privileged
    settings = dict(getattr(preset, plan.algorithm))
    if several and settings.pop("optimize_memory_usage", False):
        settings["buffer_size"] //= 2  # every frame is kept twice then
    if preset.decay and plan.algorithm == "ppo":
        settings["learning_rate"] = LinearSchedule(settings["learning_rate"], 0.0, 1.0)
    model = _class_of(plan)(
        AsymmetricPolicy if preset.privileged else "MultiInputPolicy" if several else "CnnPolicy",
        env,
        seed=seed,
        device="cpu",
        policy_kwargs=policy_kwargs,
        **settings,
        **_smoothness(plan),
    )
    _prepare(model)
    return model


def load_model(path: Path, algorithm: str) -> BaseAlgorithm:
    """The learner of a checkpoint, to drive with.

    Raises:
        RunError: The checkpoint cannot be read.
    """
    return _load(path, _ALGORITHMS[algorithm])


def continue_model(plan: Plan, path: Path, env: VecNormalize, seed: int) -> BaseAlgorithm:
    """The learner of a checkpoint, to go on learning from where it was, with the same scaling of rewards.

    Args:
        plan: The settings.
        path: The checkpoint.
        env: The cars.
        seed: Of what is random from now on; the checkpoint's own would repeat what it has seen.

    Raises:
        RunError: The checkpoint cannot be read.
    """
    model = _load(path, _class_of(plan), env=env, seed=seed)
    statistics: RunningMeanStd | None = getattr(model, _REWARD_STATISTICS, None)
    if statistics is not None:
        env.ret_rms = statistics
    _gather_first(plan, model)
    return model


def clone_model(plan: Plan, path: Path, env: VecNormalize, seed: int) -> BaseAlgorithm:
    """As `continue_model`, at step 0 and with rewards scaled anew, since they may be others."""
    model = _load(path, _class_of(plan), env=env, seed=seed)
    _use_own_settings(plan, model)
    model.num_timesteps = 0
    _gather_first(plan, model)
    return model


def _gather_first(plan: Plan, model: BaseAlgorithm) -> None:
    # Checkpoints leave out what the cars have met: SAC has to gather some before it can learn from it.
    if isinstance(model, SAC):
        model.learning_starts = model.num_timesteps + plan.preset.sac["learning_starts"]


def _class_of(plan: Plan) -> type[BaseAlgorithm]:
    if plan.algorithm == "ppo" and plan.preset.original:
        return EpisodicPPO
    return SmoothPPO if _smoothness(plan) else _ALGORITHMS[plan.algorithm]


def _smoothness(plan: Plan) -> dict[str, Any]:
    """The arguments that `SmoothPPO` adds to those of PPO; none if the preset asks for no smoothness."""
    temporal, spatial = plan.preset.caps
    if plan.algorithm != "ppo" or not (temporal or spatial):
        return {}
    actions = plan.world.actions
    steering = None
    if isinstance(actions, DiscreteActions):
        largest = max(abs(angle) for angle, _ in actions.actions) or 1.0
        steering = tuple(angle / largest for angle, _ in actions.actions)
    return {"temporal": temporal, "spatial": spatial, "steering": steering}


def _use_own_settings(plan: Plan, model: BaseAlgorithm) -> None:
    """Give a clone the hyperparameters that its own run asks for, which the parent's checkpoint overwrote."""
    for name, value in _smoothness(plan).items():
        setattr(model, name, value)
    if isinstance(model, EpisodicPPO):
        model.iterations_done = 0
        for name, value in plan.preset.ppo.items():
            setattr(model, name, FloatSchedule(value) if name == "clip_range" else value)
        model._setup_lr_schedule()


def _load(path: Path, kind: type[BaseAlgorithm], **settings: Any) -> BaseAlgorithm:
    try:
        model = kind.load(path, device="cpu", **{"seed": None, **settings})
    except Exception as error:  # anything can be wrong with an archive of pickles
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RunError(
            f"{path} is no readable checkpoint ({reason}): train again or use another run"
        ) from error
    _prepare(model)
    return model


def save_model(model: BaseAlgorithm, path: Path) -> None:
    """Write a checkpoint."""
    path.write_bytes(dump_model(model))


def dump_model(model: BaseAlgorithm) -> bytes:
    """A checkpoint, to be written to a file."""
    env = model.get_vec_normalize_env()
    setattr(model, _REWARD_STATISTICS, env.ret_rms if env is not None else None)
    file = io.BytesIO()
    model.save(file)
    return file.getvalue()


def _prepare(model: BaseAlgorithm) -> None:
    # Convolutions over few channels are a quarter to a half faster in this layout; stable-baselines3 can only
    # be told after it has initialised the weights.
    module: Any = model.policy  # torch's types leave out this argument
    module.to(memory_format=torch.channels_last)
