"""DeepRacer's model_metadata.json: a model's action space, sensors, network and algorithm; all versions.

The rules are those of the original simulator (markov/boto/s3/files/model_metadata.py): what is missing gets
its default, unknown keys are ignored, and files of versions below 2 have one sensor, whatever they say.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .actions import ActionSpace, ContinuousActions, DiscreteActions, check_speed, check_steering
from .errors import ContractError, check_choice, check_number, check_sequence, hint
from .json_files import parse_object, read_file
from .lidar import LIDAR_SENSORS, LidarConfig, LidarSpec
from .observation import CAMERA_SENSORS

#: Networks of the original, by their names in the file.
NETWORKS: Final = (
    "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
    "DEEP_CONVOLUTIONAL_NETWORK",
    "DEEP_CONVOLUTIONAL_NETWORK_DEEP",
)

_ALGORITHMS: Final = {"clipped_ppo": "ppo", "sac": "sac"}
_KEYS: Final = (
    *("action_space", "action_space_type", "sensor", "neural_network"),
    *("training_algorithm", "version", "lidar_config"),
)
_NEWEST: Final = 6.0  # version of the file's form
_CONFIGURABLE: Final = "DISCRETIZED_SECTOR_LIDAR"


@dataclass(frozen=True)
class ModelMetadata:
    """What a model_metadata.json says.

    Attributes:
        actions: The action space.
        sensors: Names of the sensors: exactly one camera, and at most one lidar.
        network: Name of the network, one of `NETWORKS`.
        algorithm: "ppo" or "sac".
        version: Version of the file's form.
        lidar: How the lidar is discretised, where there is such a one.
    """

    actions: ActionSpace
    sensors: tuple[str, ...] = ("FRONT_FACING_CAMERA",)
    network: str = NETWORKS[0]
    algorithm: str = "ppo"
    version: float = 5.0
    lidar: LidarConfig | None = None

    @property
    def camera(self) -> str:
        """Name of the camera's sensor."""
        return next(name for name in self.sensors if name in CAMERA_SENSORS)

    @property
    def lidar_spec(self) -> LidarSpec | None:
        """The lidar, if there is one."""
        found = [name for name in self.sensors if name in LIDAR_SENSORS]
        return LidarSpec(found[0], self.lidar or LidarConfig()) if found else None

    def to_json(self) -> str:
        """The text of a model_metadata.json, as DeepRacer's own tools write it."""
        data: dict[str, Any] = {
            **_actions_to_json(self.actions),
            "sensor": list(self.sensors),
            "neural_network": self.network,
            "training_algorithm": next(name for name, ours in _ALGORITHMS.items() if ours == self.algorithm),
            "version": f"{self.version:g}",
        }
        if self.lidar is not None:
            data["lidar_config"] = vars(self.lidar)
        return json.dumps(data, indent=4) + "\n"


def read_model_metadata(path: str | Path) -> ModelMetadata:
    """Read a model_metadata.json of any version.

    Raises:
        ContractError: The file cannot be read, or a value in it is wrong; the line names file and key.
    """
    return parse_model_metadata(read_file(Path(path), "model_metadata.json"), str(path))


def parse_model_metadata(text: str | bytes, where: str = "model_metadata.json") -> ModelMetadata:
    """Read the text of a model_metadata.json.

    Args:
        text: The text, in UTF-8.
        where: What messages call it.

    Raises:
        ContractError: A value is missing or wrong.
    """
    data = parse_object(text, where, "{'action_space': [...], 'sensor': [...]}")
    try:
        return _parse(data)
    except ContractError as error:
        raise ContractError(f"{where}: {error}") from None


def _parse(data: Mapping[str, Any]) -> ModelMetadata:
    _refuse_misspelt(data)
    sensors = data.get("sensor") or ()
    version = _version(data.get("version"), has_sensor=bool(sensors))
    sensors = ("observation",) if version < 2 else _sensors(sensors)
    algorithm = check_choice(data.get("training_algorithm", "clipped_ppo"), "training_algorithm", _ALGORITHMS)
    actions = _actions(data)
    if algorithm == "sac" and isinstance(actions, DiscreteActions):
        raise ContractError(
            "training_algorithm is 'sac', which needs continuous actions: write 'clipped_ppo', or "
            "'action_space_type': 'continuous' with bounds"
        )
    return ModelMetadata(
        actions=actions,
        sensors=sensors,
        network=check_choice(data.get("neural_network", NETWORKS[0]), "neural_network", NETWORKS),
        algorithm=_ALGORITHMS[algorithm],
        version=version,
        lidar=_lidar(data.get("lidar_config", {}), sensors),
    )


def _refuse_misspelt(data: Mapping[str, Any]) -> None:
    """Unknown keys are ignored, but not one that is nearly a missing known key: its value would be lost."""
    missing = [key for key in _KEYS if key not in data]
    for key in data:
        near = [] if key in _KEYS else difflib.get_close_matches(key, missing, n=1, cutoff=0.85)
        if near:
            raise ContractError(f"unknown key {key!r}: did you mean {near[0]!r}?")
    if "action_space" in missing:
        raise ContractError("no 'action_space': add a list of {'steering_angle': degrees, 'speed': m/s}")


def _version(value: object, has_sensor: bool) -> float:
    if value is None:
        return 2.0 if has_sensor else 1.0
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ContractError(f"version is {value!r}: write a number, such as '5'") from None
    version = check_number(value, "version", 0, 100)
    if version > _NEWEST:
        raise ContractError(
            f"version is {version:g}, and {_NEWEST:g} is the newest known: write '{_NEWEST:g}'"
        )
    return version


def _sensors(value: object) -> tuple[str, ...]:
    sensors = check_sequence(value, "sensor", "a list of names, such as ['FRONT_FACING_CAMERA']")
    for name in sensors:
        if not isinstance(name, str) or name not in (*CAMERA_SENSORS, *LIDAR_SENSORS):
            raise ContractError(f"unknown sensor {name!r}: {hint(name, (*CAMERA_SENSORS, *LIDAR_SENSORS))}")
    for kind, known, least in (("camera", CAMERA_SENSORS, 1), ("lidar", LIDAR_SENSORS, 0)):
        found = [name for name in sensors if name in known]
        if not least <= len(found) <= 1:
            wanted = "exactly one" if least else "at most one"
            names = ", ".join(found) or "no camera"
            raise ContractError(f"sensor has {names}: name {wanted} {kind} of {', '.join(known)}")
    return sensors


def _actions(data: Mapping[str, Any]) -> ActionSpace:
    space = data["action_space"]
    kind = check_choice(
        data.get("action_space_type", "discrete"), "action_space_type", ("discrete", "continuous")
    )
    if kind == "continuous":
        steering, speed = (_bounds(space, key) for key in ("steering_angle", "speed"))
        return ContinuousActions((steering[0], speed[0]), (steering[1], speed[1]))
    if isinstance(space, Mapping):
        raise ContractError(
            "action_space is an object but action_space_type is 'discrete': write 'action_space_type': "
            "'continuous', or a list of {'steering_angle': degrees, 'speed': m/s}"
        )
    rows = check_sequence(space, "action_space", "a list of {'steering_angle': degrees, 'speed': m/s}")
    pairs = [
        (_value(row, f"action_space[{i}]", "steering_angle"), _value(row, f"action_space[{i}]", "speed"))
        for i, row in enumerate(rows)
    ]
    return DiscreteActions(tuple(pairs))


def _bounds(space: object, key: str) -> tuple[float, float]:
    bounds = space.get(key) if isinstance(space, Mapping) else None
    if not isinstance(bounds, Mapping):
        example = f"'{key}': {{'low': ..., 'high': ...}}"
        raise ContractError(f"action_space has no bounds of {key!r}: write {example}")
    where = f"action_space.{key}"
    for side in ("low", "high"):
        if side not in bounds:
            raise ContractError(f"{where} has no {side!r}: add it")
    low, high = (_number(bounds[side], f"{where}.{side}", key) for side in ("low", "high"))
    if not low < high:
        raise ContractError(f"{where} goes from {low:g} to {high:g}: 'low' must be below 'high'")
    return low, high


def _value(row: object, where: str, key: str) -> float:
    if not isinstance(row, Mapping) or key not in row:
        raise ContractError(f"{where} has no {key!r}: write {{'steering_angle': degrees, 'speed': m/s}}")
    return _number(row[key], f"{where}.{key}", key)


def _number(value: object, where: str, key: str) -> float:
    return check_steering(value, where) if key == "steering_angle" else check_speed(value, where)


def _lidar(value: object, sensors: tuple[str, ...]) -> LidarConfig | None:
    """The configuration of a discretised lidar; some tools write the default one whatever the sensors are."""
    if not isinstance(value, Mapping):
        raise ContractError("lidar_config is not an object: write {'num_sectors': 8, ...}")
    lidar = next((name for name in sensors if name in LIDAR_SENSORS), None)
    if lidar is None:
        return None
    known = [field.name for field in dataclasses.fields(LidarConfig)]
    unknown = next((key for key in value if key not in known), None)
    if unknown is not None:
        raise ContractError(f"lidar_config has an unknown key {unknown!r}: {hint(unknown, known)}")
    config = LidarConfig(**value)
    LidarSpec(lidar, config)  # refuses a configuration that this lidar would not heed
    return config if lidar == _CONFIGURABLE else None


def _actions_to_json(space: ActionSpace) -> dict[str, Any]:
    if isinstance(space, DiscreteActions):
        rows = [
            {"steering_angle": steering, "speed": speed, "index": i}
            for i, (steering, speed) in enumerate(space.actions)
        ]
        return {"action_space": rows, "action_space_type": "discrete"}
    keys = ("steering_angle", "speed")
    bounds = {
        key: {"low": low, "high": high} for key, low, high in zip(keys, space.low, space.high, strict=True)
    }
    return {"action_space": bounds, "action_space_type": "continuous"}
