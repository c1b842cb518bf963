"""What a world is made of: names and files resolved to things, everything checked, before anything runs."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Final

from hairpin.edge.contract import (
    STEREO,
    ActionSpace,
    DiscreteActions,
    ModelMetadata,
    ObservationSpec,
    read_model_metadata,
)
from hairpin.rewards import Reward, resolve
from hairpin.tracks import Track, load_track

from .camera import CAMERAS, Camera
from .errors import SimError, check_whole, choice
from .obstacles import Bots, Obstacles, Setup, needed_length
from .physics import CONTROL_HZ, PHYSICS
from .randomize import NAMED, NONE, Randomization

RENDERERS: Final = ("raycast", "bullet")
STARTS: Final = ("random", "round_robin", "line")
DEFAULT_CAMERA: Final = "deepracer"
START_DIRECTIONS: Final = ("ccw", "cw")
DIRECTIONS: Final = (*START_DIRECTIONS, "both", "alternate")
RACES: Final = ("time_trial", "object_avoidance", "head_to_bot")
ROUND_ROBIN_ADVANCE: Final = 0.05  # share of the lap between the starts of a car's episodes, as in DeepRacer

TrackRef = str | Path | Track

#: Five steering angles [deg] at two speeds [m/s]: enough to lap any track that a DeepRacer can.
DEFAULT_ACTIONS: Final = DiscreteActions(
    tuple((steering, speed) for speed in (1.0, 1.8) for steering in (-30.0, -15.0, 0.0, 15.0, 30.0))
)


@dataclass(frozen=True)
class WorldConfig:
    """Everything that defines a world, resolved; make it with `make_config`.

    Attributes:
        tracks: Tracks to drive on; each episode draws one.
        reward: The user's reward function, or `None` for a reward of 0.
        observation: What the policy sees.
        camera: The camera that gives it, at the observation's size; one of the two if it is STEREO_CAMERAS.
        actions: What the policy says.
        physics: "single_track" or "bullet".
        renderer: "raycast" or "bullet".
        control_hz: Commands, and frames, per second [Hz].
        laps: Laps in an episode.
        max_steps: Steps after which an episode is truncated.
        start: "random", "round_robin" (0.05 of a lap further each episode) or "line".
        direction: "ccw", "cw", "both" (drawn per episode), "alternate" (each episode of a car the other way
            round) or `None` for the order of the track's rows.
        randomization: What differs between episodes.
        race: "time_trial", "object_avoidance", "head_to_bot" or "head_to_model" (cars that race each other).
        objects: What stands or drives on the track in it; `None` in a time trial.
    """

    tracks: tuple[Track, ...]
    reward: Reward | None
    observation: ObservationSpec
    camera: Camera
    actions: ActionSpace
    physics: str
    renderer: str
    control_hz: float
    laps: int
    max_steps: int
    start: str
    direction: str | None
    randomization: Randomization
    race: str = "time_trial"
    objects: Setup | None = None


def make_config(
    track: TrackRef | Sequence[TrackRef] = "reinvent_2018",
    reward: Any = "center_line",
    *,
    observation: ObservationSpec | None = None,
    camera: str | Camera | None = None,
    actions: ActionSpace | None = None,
    model_metadata: str | Path | None = None,
    physics: str = "single_track",
    renderer: str = "raycast",
    control_hz: float = CONTROL_HZ,
    laps: int = 1,
    max_steps: int = 2000,
    start: str = "random",
    direction: str | None = None,
    randomization: Randomization | str = NONE,
    race: str = "time_trial",
    obstacles: Obstacles | int | None = None,
    bots: Bots | int | None = None,
) -> WorldConfig:
    """Resolve and check the settings of a world.

    Args:
        track: A built-in name, a file or a `Track`; several for a world of several tracks.
        reward: A callable, a built-in name, `file.py`, `file.py:function`, `pkg.module:function` or `None`.
        observation: Size, crop, channels and sensors of what the policy sees; the camera's own frame if not
            given.
        camera: A name in `CAMERAS` or a `Camera`; the observation's own, or "deepracer" (160x120, gray), if
            not given. Its size, crop and channels give way to the observation's.
        actions: The action space; `DEFAULT_ACTIONS` if not given.
        model_metadata: A DeepRacer `model_metadata.json` to take the action space from instead; and the
            sensors, if no observation is given.
        physics: "single_track" or "bullet".
        renderer: "raycast" or "bullet" (PyBullet's own, slow).
        control_hz: Commands per second [Hz].
        laps: Laps in an episode; the last one ends it. An open road has one.
        max_steps: Steps after which an episode is truncated.
        start: "random", "round_robin" or "line".
        direction: "ccw", "cw", "both", "alternate" or `None`: in the order of the track's rows.
        randomization: A `Randomization`, or the name of one: "none", "light", "mild", "full", "deepracer".
        race: "time_trial", "object_avoidance" (boxes) or "head_to_bot" (slow cars).
        obstacles: The boxes, or how many of the default ones; for "object_avoidance".
        bots: The slow cars, or how many of the default ones; for "head_to_bot".

    Raises:
        SimError: A setting is unknown or out of range.
        TrackError: A track cannot be found or read.
        RewardError: The reward function cannot be found or read.
        ContractError: The model metadata cannot be read.
    """
    _check_types(observation, actions)
    named = camera or (observation.camera if observation else DEFAULT_CAMERA)
    model = named if isinstance(named, Camera) else CAMERAS[choice("camera", named, CAMERAS)]
    metadata = None
    if model_metadata is not None:
        if actions is not None:
            raise SimError("both actions and model_metadata are given: give one")
        metadata = read_model_metadata(model_metadata)
        actions = metadata.actions
    spec = observation or _frame_of(model, metadata)
    check_whole("laps", laps)
    check_whole("max_steps", max_steps)
    if not (isinstance(control_hz, Real) and 1.0 <= control_hz <= 1000.0):
        raise SimError(f"control_hz is {control_hz!r}: give 1 to 1000 Hz")
    tracks = _tracks(track)
    return WorldConfig(
        tracks=tracks,
        reward=None if reward is None else resolve(reward),
        observation=dataclasses.replace(spec, camera=model.name),
        camera=dataclasses.replace(
            model,
            width=spec.width,
            height=spec.height,
            crop=spec.crop,
            channels=1 if spec.sensor == STEREO else spec.channels,
        ),
        actions=actions or DEFAULT_ACTIONS,
        physics=choice("physics", physics, PHYSICS),
        renderer=choice("renderer", renderer, RENDERERS),
        control_hz=control_hz,
        laps=laps,
        max_steps=max_steps,
        start=choice("start", start, STARTS),
        direction=None if direction is None else choice("direction", direction, DIRECTIONS),
        randomization=(
            randomization
            if isinstance(randomization, Randomization)
            else NAMED[choice("randomization", randomization, NAMED)]
        ),
        race=choice("race", race, RACES),
        objects=_objects(race, obstacles, bots, tracks),
    )


def one_config(config: WorldConfig | None, settings: Mapping[str, Any]) -> WorldConfig:
    """A finished configuration, or one made of settings.

    Raises:
        SimError: Both are given; or a setting cannot be used.
    """
    if config is not None and settings:
        raise SimError(f"config and {sorted(settings)[0]} are given: give one or the other")
    known = inspect.signature(make_config).parameters
    for name in settings:
        choice("setting", name, known)
    return config or make_config(**settings)


def _objects(
    race: str, obstacles: Obstacles | int | None, bots: Bots | int | None, tracks: Sequence[Track]
) -> Obstacles | Bots | None:
    """What is on the tracks in a race, if it fits there."""
    for name, given, own in (("obstacles", obstacles, RACES[1]), ("bots", bots, RACES[2])):
        if given is not None and race != own:
            raise SimError(f"{name} are given for the race {race!r}: they are for race={own!r}")
    if race == "time_trial":
        return None
    setup: Obstacles | Bots
    if race == "object_avoidance":
        default = Obstacles()
        count = default.count if obstacles is None else obstacles
        setup = count if isinstance(count, Obstacles) else dataclasses.replace(default, count=count)
    else:
        slow = Bots()
        number = slow.count if bots is None else bots
        setup = number if isinstance(number, Bots) else dataclasses.replace(slow, count=number)
    for track in tracks:
        if needed_length(setup) > track.length:
            raise SimError(
                f"{setup.count} objects {setup.min_distance:g} m apart need a track of "
                f"{needed_length(setup):g} m, {track.name} has {track.length:.1f} m: give fewer, or another "
                "min_distance"
            )
    return setup


def _check_types(observation: Any, actions: Any) -> None:
    if not isinstance(observation, ObservationSpec | None):
        raise SimError(f"observation is {observation!r}: give an ObservationSpec")
    if not isinstance(actions, ActionSpace | None):
        raise SimError(
            f"actions are {actions!r}: give DiscreteActions(((steering, speed), ...)) in degrees and m/s, "
            "or ContinuousActions"
        )


def _tracks(track: TrackRef | Sequence[TrackRef]) -> tuple[Track, ...]:
    several = list(track) if isinstance(track, Sequence) and not isinstance(track, str | bytes) else [track]
    if not several:
        raise SimError("no track is given: give a built-in name or a file")
    return tuple(load_track(one) for one in several)


def _frame_of(model: Camera, metadata: ModelMetadata | None) -> ObservationSpec:
    """The camera's own frame, from the sensors of model metadata."""
    spec = ObservationSpec(width=model.width, height=model.height, crop=model.crop, channels=model.channels)
    if metadata is None:
        return spec
    channels = 2 if metadata.camera == STEREO else spec.channels
    return dataclasses.replace(spec, sensor=metadata.camera, channels=channels, lidar=metadata.lidar_spec)
