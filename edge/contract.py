"""The contract between trainer, simulator and car: what a policy sees, what it says, and where it comes from.

The one module of this package that the simulator imports, so it also names what it is made of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .actions import (
    MAX_SPEED,
    MAX_STEERING,
    MIN_SPEED,
    ActionSpace,
    Command,
    ContinuousActions,
    DiscreteActions,
    choose,
    to_command,
    to_commands,
    to_metadata_units,
)
from .errors import (
    ContractError,
    check_choice,
    check_fields,
    check_number,
    check_sequence,
    check_text,
)
from .lidar import (
    FARTHEST,
    HALF_VIEW,
    LIDAR_SENSORS,
    NEAREST,
    RAYS,
    LidarConfig,
    LidarSpec,
    lidar_values,
    ray_angles,
)
from .model_metadata import NETWORKS, ModelMetadata, parse_model_metadata, read_model_metadata
from .observation import CAMERA_SENSORS, STEREO, Observation, ObservationSpec, Reading, observe

__all__ = [
    "ALGORITHMS",
    "CAMERA_SENSORS",
    "FARTHEST",
    "HALF_VIEW",
    "LIDAR_SENSORS",
    "MAX_SPEED",
    "MAX_STEERING",
    "MIN_SPEED",
    "NEAREST",
    "NETWORKS",
    "RAYS",
    "STEREO",
    "ActionSpace",
    "Command",
    "ContinuousActions",
    "Contract",
    "ContractError",
    "DiscreteActions",
    "Fingerprint",
    "LidarConfig",
    "LidarSpec",
    "ModelMetadata",
    "Observation",
    "ObservationSpec",
    "Reading",
    "choose",
    "lidar_values",
    "observe",
    "parse_model_metadata",
    "ray_angles",
    "read_model_metadata",
    "to_command",
    "to_commands",
    "to_metadata_units",
]

ALGORITHMS: Final = ("ppo", "sac")

#: Version of the contract's JSON form; it grows when an older reader would misunderstand a newer contract.
FORMAT: Final = 2

#: Versions that can be read; the first knew no lidar and no second camera.
READABLE: Final = (1, 2)


@dataclass(frozen=True)
class Fingerprint:
    """Names a thing exactly.

    Attributes:
        name: What people call it.
        digest: SHA-256 of its content in hex, or empty where there is no content to take it of.
    """

    name: str
    digest: str = ""

    def __post_init__(self) -> None:
        check_text(self.name, "name")
        check_text(self.digest, f"digest of {self.name!r}", 64)
        if self.digest and (len(self.digest) != 64 or set(self.digest) - set("0123456789abcdef")):
            raise ContractError(f"digest of {self.name!r} is {self.digest!r}: give 64 hex digits, or nothing")


@dataclass(frozen=True)
class Contract:
    """What a policy sees and says, and where it comes from.

    Attributes:
        observation: What it sees.
        actions: What it says.
        control_hz: Frames, and commands, per second [Hz].
        algorithm: "ppo" or "sac".
        network: Name of the network.
        track: The track that it was trained on.
        reward: The reward function that it was trained with.
        versions: Versions of the software that made it, by distribution name.

    Raises:
        ContractError: A value is of the wrong kind or out of range.
    """

    observation: ObservationSpec
    actions: ActionSpace
    control_hz: float = 15.0
    algorithm: str = "ppo"
    network: str = ""
    track: Fingerprint = Fingerprint("")
    reward: Fingerprint = Fingerprint("")
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "control_hz", check_number(self.control_hz, "control_hz", 1, 1000))
        check_choice(self.algorithm, "algorithm", ALGORITHMS)
        check_text(self.network, "network")
        if self.algorithm == "sac" and isinstance(self.actions, DiscreteActions):
            raise ContractError("algorithm 'sac' has discrete actions: give continuous ones, or use 'ppo'")
        for name, version in self.versions.items():
            check_text(version, f"version of {check_text(name, 'name of a version', 100)!r}", 200)

    def to_json(self) -> str:
        """The contract as one line of JSON, keys sorted; equal contracts give equal text."""
        return json.dumps(
            {
                "format": FORMAT,
                "observation": _observation_to_json(self.observation),
                "actions": _actions_to_json(self.actions),
                "control_hz": self.control_hz,
                "algorithm": self.algorithm,
                "network": self.network,
                "track": {"name": self.track.name, "digest": self.track.digest},
                "reward": {"name": self.reward.name, "digest": self.reward.digest},
                "versions": dict(self.versions),
            },
            sort_keys=True,
            allow_nan=False,
        )

    def model_metadata(self) -> ModelMetadata:
        """What DeepRacer's tools are told; a network of ours goes by the name of their default one."""
        lidar = self.observation.lidar
        return ModelMetadata(
            actions=self.actions,
            sensors=self.observation.sensors,
            network=self.network if self.network in NETWORKS else NETWORKS[0],
            algorithm=self.algorithm,
            lidar=lidar.config if lidar is not None and lidar.sensor == LIDAR_SENSORS[2] else None,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Contract:
        """Read what `to_json` wrote.

        Raises:
            ContractError: It is not JSON, of another format version, or a value is missing or wrong.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ContractError(f"contract is not JSON: {error}") from None
        if isinstance(data, Mapping) and data.get("format") not in READABLE:
            raise ContractError(
                f"contract has format {data.get('format')!r}, this version of hairpin reads up to {FORMAT}: "
                "export the policy again, or upgrade hairpin"
            )
        check_fields(data, "contract", _CONTRACT)
        versions = data["versions"]
        if not isinstance(versions, Mapping):
            raise ContractError("versions is not an object: give names and versions")
        return cls(
            observation=_observation_from_json(data["observation"], data["format"]),
            actions=_actions_from_json(data["actions"]),
            control_hz=data["control_hz"],
            algorithm=data["algorithm"],
            network=data["network"],
            track=Fingerprint(**check_fields(data["track"], "track", ("name", "digest"))),
            reward=Fingerprint(**check_fields(data["reward"], "reward", ("name", "digest"))),
            versions=dict(versions),
        )


_OBSERVATION: Final = ("sensor", "camera", "width", "height", "crop", "channels")
_LIDAR: Final = ("sensor", "num_sectors", "num_values_per_sector", "clipping_dist")
_CONTRACT: Final = (
    *("format", "observation", "actions", "control_hz", "algorithm"),
    *("network", "track", "reward", "versions"),
)


def _observation_to_json(spec: ObservationSpec) -> dict[str, Any]:
    lidar = spec.lidar
    return {
        **{name: getattr(spec, name) for name in _OBSERVATION},
        "lidar": None if lidar is None else {"sensor": lidar.sensor, **vars(lidar.config)},
    }


def _observation_from_json(value: object, version: int) -> ObservationSpec:
    if version == 1:
        return ObservationSpec(**check_fields(value, "observation", _OBSERVATION))
    fields = dict(check_fields(value, "observation", (*_OBSERVATION, "lidar")))
    if fields["lidar"] is not None:
        lidar = dict(check_fields(fields["lidar"], "observation lidar", _LIDAR))
        fields["lidar"] = LidarSpec(lidar.pop("sensor"), LidarConfig(**lidar))
    return ObservationSpec(**fields)


def _actions_to_json(space: ActionSpace) -> dict[str, Any]:
    if isinstance(space, DiscreteActions):
        return {"type": "discrete", "actions": space.actions}
    return {"type": "continuous", "low": space.low, "high": space.high}


def _actions_from_json(value: object) -> ActionSpace:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind == "discrete":
        rows = check_fields(value, "actions", ("type", "actions"))["actions"]
        return DiscreteActions(check_sequence(rows, "actions", "a list of [steering, speed]"))
    if kind == "continuous":
        bounds = check_fields(value, "actions", ("type", "low", "high"))
        return ContinuousActions(bounds["low"], bounds["high"])
    raise ContractError(f"actions type is {kind!r}: give 'discrete' or 'continuous'")
