"""What a training run is made of."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Final

import numpy as np

from hairpin.edge.contract import (
    NETWORKS,
    STEREO,
    ActionSpace,
    ContinuousActions,
    ModelMetadata,
    ObservationSpec,
    read_model_metadata,
)
from hairpin.sim import (
    CAMERAS,
    DEFAULT_ACTIONS,
    Bots,
    Obstacles,
    Randomization,
    WorldConfig,
    make_config,
)
from hairpin.sim.config import TrackRef
from hairpin.sim.errors import check_whole, choice
from hairpin.tracks import Track

from .circuits import exam_tracks, training_tracks
from .errors import RunError
from .hyperparameters import Hyperparameters, read_hyperparameters
from .presets import Preset, preset

ALGORITHMS: Final = ("ppo", "sac")
#: Among objects a preset's budget is so many times as large (four boxes are avoided after half a million
#: steps, not 10,000), and so many steps lie between evaluations, which are longer then and say more.
_OBJECTS_TAKE, _JUDGED_AMONG_OBJECTS = 2, 32_768
DEFAULT_TRACK: Final = "reinvent_2018"


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run; only track and reward need thought.

    Attributes:
        track: A built-in name, a file or a `Track`; or several: each episode draws one, and the policy has to
            lap on all of them. If not given, "reinvent_2018", or the tracks that the preset generates.
        reward: A built-in name, `file.py`, `file.py:function`, `package.module:function` or a callable; the
            preset's if not given.
        preset: Name of the preset that all else comes from.
        algorithm: "ppo" or "sac"; if not given, what the model metadata says, else "ppo".
        model_metadata: A DeepRacer `model_metadata.json` that action space, sensors and algorithm come from;
            or what it says.
        actions: The action space, instead of `model_metadata`; the preset's if neither is given.
        seed: Of everything random.
        steps: Environment steps to train for, rounded up to whole rounds of learning. If not given, training
            ends as soon as the policy laps from every start, confirmed by a second evaluation, or at the
            preset's budget.
        out: The run's folder; `runs/<track>-<number>` if not given.
        num_envs: Cars that gather experience in lockstep; the preset's if not given.
        physics: "single_track" or "bullet".
        camera: Name of the camera; the preset's if not given.
        direction: "ccw", "cw", "both" (drawn per episode) or "alternate" (each episode the other way
            round); the preset's if not given.
        start: "random", "round_robin" or "line"; the preset's if not given.
        randomization: What differs between episodes; the preset's if not given.
        race: "time_trial", "object_avoidance" or "head_to_bot".
        obstacles: The boxes of "object_avoidance", or how many.
        bots: The slow cars of "head_to_bot", or how many.
        smooth: Weight of what holds the steering from step to step (`SmoothPPO`'s temporal term), such as 2;
            the preset's if not given.
        clone: A run whose policy is the start of this one.
        hyperparameters: A DeepRacer `hyperparameters.json`, or its values; for the preset "deepracer".
    """

    track: TrackRef | Sequence[TrackRef] | None = None
    reward: str | Path | Callable[..., Any] | None = None
    preset: str = "fast"
    algorithm: str | None = None
    model_metadata: str | Path | ModelMetadata | None = None
    actions: ActionSpace | None = None
    seed: int = 0
    steps: int | None = None
    out: str | Path | None = None
    num_envs: int | None = None
    physics: str = "single_track"
    camera: str | None = None
    direction: str | None = None
    start: str | None = None
    randomization: Randomization | str | None = None
    race: str = "time_trial"
    obstacles: Obstacles | int | None = None
    bots: Bots | int | None = None
    smooth: float | None = None
    clone: str | Path | None = None
    hyperparameters: str | Path | Hyperparameters | None = None


@dataclass(frozen=True)
class Plan:
    """A training run's settings, resolved and checked.

    Attributes:
        config: The settings as given.
        preset: The preset.
        algorithm: "ppo" or "sac".
        world: The world that experience comes from.
        judged: The world that evaluations during the training drive in.
        metadata: The model metadata that was given, if any.
        hyperparameters: Those of DeepRacer's form, where its preset is used.
    """

    config: TrainConfig
    preset: Preset
    algorithm: str
    world: WorldConfig
    judged: WorldConfig
    metadata: ModelMetadata | None
    hyperparameters: Hyperparameters | None = None

    @property
    def stops_when_it_laps(self) -> bool:
        """Whether a policy that laps ends the training, rather than a number of steps."""
        return self.config.steps is None and self.preset.stops

    @property
    def steps(self) -> int:
        """Environment steps to train for at most."""
        return self.config.steps or self.preset.steps


def plan(config: TrainConfig) -> Plan:
    """Resolve the settings of a training run, so that what is wrong with them shows before anything runs.

    Raises:
        RunError, SimError, TrackError, RewardError, ContractError: A setting cannot be used.
    """
    chosen = preset(config.preset)
    metadata = _metadata(config)
    hyperparameters = _hyperparameters(config, chosen)
    if metadata is not None and chosen.network in NETWORKS:
        chosen = dataclasses.replace(chosen, network=network_of(metadata))
    actions = (metadata.actions if metadata else config.actions) or chosen.actions or DEFAULT_ACTIONS
    algorithm = config.algorithm or (metadata.algorithm if metadata else "ppo")
    choice("algorithm", algorithm, ALGORITHMS, RunError)
    check_whole("seed", config.seed, 0, RunError)
    for name in ("steps", "num_envs"):
        if getattr(config, name) is not None:
            check_whole(name, getattr(config, name), 1, RunError)
    tracks, exam = _tracks(config, chosen)
    world = make_config(
        track=tracks,
        reward=chosen.reward if config.reward is None else config.reward,
        observation=_observation(chosen, config.camera or chosen.camera, metadata),
        actions=actions,
        physics=config.physics,
        max_steps=chosen.max_steps,
        start=config.start or chosen.start,
        direction=config.direction or chosen.direction,
        randomization=chosen.randomization if config.randomization is None else config.randomization,
        race=config.race,
        obstacles=config.obstacles,
        bots=config.bots,
    )
    if not getattr(chosen, algorithm):
        raise RunError(f"the preset {config.preset!r} learns with PPO: leave out the algorithm")
    if world.objects is not None:
        chosen = dataclasses.replace(
            chosen,
            steps=_OBJECTS_TAKE * chosen.steps,
            evaluate_every=max(_JUDGED_AMONG_OBJECTS, chosen.evaluate_every),
        )
    if algorithm == "sac" and not isinstance(world.actions, ContinuousActions):
        raise RunError(
            "SAC drives with a continuous action space: give model metadata with "
            "action_space_type 'continuous'"
        )
    if hyperparameters is not None:
        if hyperparameters.exploration_type == "e-greedy" and isinstance(world.actions, ContinuousActions):
            raise RunError("exploration_type 'e-greedy' is for discrete actions: write 'categorical'")
        settings = {**getattr(chosen, algorithm), **hyperparameters.settings(algorithm)}
        chosen = _with_settings(chosen, algorithm, settings)
    if config.smooth is not None:
        chosen = _smoothed(config.smooth, chosen, algorithm, world)
    judged = dataclasses.replace(world, tracks=exam or world.tracks)
    return Plan(config, chosen, algorithm, world, judged, metadata, hyperparameters)


def _tracks(config: TrainConfig, chosen: Preset) -> tuple[Any, tuple[Track, ...]]:
    """What to train on, and what to be judged on if that is something else."""
    exam = exam_tracks(chosen.exam_tracks, config.seed)
    if config.track is None and chosen.tracks:
        return training_tracks(chosen.tracks, config.seed), exam
    return (DEFAULT_TRACK if config.track is None else config.track), exam


def _with_settings(chosen: Preset, algorithm: str, settings: Mapping[str, Any]) -> Preset:
    if algorithm == "sac":
        return dataclasses.replace(chosen, sac=settings)
    return dataclasses.replace(chosen, ppo=settings)


def _smoothed(weight: float, chosen: Preset, algorithm: str, world: WorldConfig) -> Preset:
    """The preset with another weight of smooth steering, if it can have one."""
    if not (isinstance(weight, Real) and 0.0 <= weight <= 1000.0):
        raise RunError(f"smooth is {weight!r}: give a weight from 0 to 1000, such as 2")
    if weight and (
        algorithm != "ppo" or chosen.original or chosen.privileged or world.observation.lidar is not None
    ):
        raise RunError("smooth is for PPO with camera frames alone, as in the presets 'fast' and 'general'")
    return dataclasses.replace(chosen, caps=(weight, chosen.caps[1]))


def network_of(metadata: ModelMetadata) -> str:
    """The network that model metadata ask for; for the sensor "observation" there has only been one."""
    return NETWORKS[0] if "observation" in metadata.sensors else metadata.network


def _hyperparameters(config: TrainConfig, chosen: Preset) -> Hyperparameters | None:
    given = config.hyperparameters
    if not chosen.original:
        if given is not None:
            raise RunError(
                f"hyperparameters are for the preset 'deepracer', not {config.preset!r}: "
                "add --preset deepracer, or leave them out"
            )
        return None
    if given is None or isinstance(given, Hyperparameters):
        return given or Hyperparameters()
    return read_hyperparameters(given)


def _metadata(config: TrainConfig) -> ModelMetadata | None:
    """The model metadata that the settings give or name."""
    if config.model_metadata is None:
        return None
    if config.actions is not None:
        raise RunError("both actions and model_metadata are given: give one")
    given = config.model_metadata
    return given if isinstance(given, ModelMetadata) else read_model_metadata(given)


def _observation(chosen: Preset, camera: str, metadata: ModelMetadata | None) -> ObservationSpec:
    """The preset's frame, cropped to what lies below the horizon."""
    spec = ObservationSpec(camera=camera, width=chosen.width, height=chosen.height, channels=1)
    if metadata is not None:
        channels = 2 if metadata.camera == STEREO else 1
        spec = dataclasses.replace(spec, sensor=metadata.camera, channels=channels, lidar=metadata.lidar_spec)
    if camera not in CAMERAS:
        return spec  # make_config names the cameras that there are
    model = dataclasses.replace(CAMERAS[camera], width=spec.width, height=spec.height)
    ground = (model.rays()[:, :, 2] < 0.0).any(axis=1)
    top = max(0, int(np.argmax(ground)) - chosen.keep_sky)
    return dataclasses.replace(spec, crop=(top, 0, 0, 0))


def to_json(plan: Plan) -> dict[str, Any]:
    """A run's settings for people and for `resume`; what a file cannot hold is named by its type."""
    values: Mapping[str, Any] = {
        f.name: getattr(plan.config, f.name) for f in dataclasses.fields(plan.config)
    }
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if name == "track":
            value = [_track_text(one) for one in _several(value)]
            value = value[0] if len(value) == 1 else value or None
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = dataclasses.asdict(value)
        elif isinstance(value, Path):
            value = str(value)
        elif callable(value):
            value = getattr(value, "__qualname__", repr(value))
        plain[name] = value
    if plan.hyperparameters is not None:
        plain["hyperparameters"] = dataclasses.asdict(plan.hyperparameters)
    return json.loads(json.dumps(plain)) | {"algorithm": plan.algorithm}


def _several(track: TrackRef | Sequence[TrackRef] | None) -> list[TrackRef]:
    """The tracks that a setting names, one or many."""
    return [track] if isinstance(track, str | Path | Track) else list(track or ())


def _track_text(track: TrackRef) -> str:
    return track.name if isinstance(track, Track) else str(track)
