"""model_metadata.json in all its versions, real ones among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hairpin.edge import (
    ContinuousActions,
    ContractError,
    DiscreteActions,
    ModelMetadata,
    parse_model_metadata,
    read_model_metadata,
)
from hairpin.edge.json_files import parse_object
from hairpin.edge.lidar import LidarConfig, LidarSpec

ACTIONS = [{"steering_angle": -30, "speed": 0.6, "index": 0}, {"steering_angle": 30, "speed": 1.2}]
BOUNDS = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 1, "high": 2}}


def parse(**data: Any) -> ModelMetadata:
    return parse_model_metadata(json.dumps(data))


def test_real_files_read(deepracer_data: Path) -> None:
    paths = sorted(deepracer_data.glob("**/*model_metadata*.json"))
    assert len(paths) >= 6
    for path in paths:
        metadata = read_model_metadata(path)
        assert metadata.sensors == ("FRONT_FACING_CAMERA",)
        assert metadata.network == "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"
        assert metadata.algorithm == ("sac" if "sac" in path.name else "ppo")
        assert isinstance(metadata.actions, ContinuousActions) == ("cont" in path.name or "sac" in path.name)
        assert parse_model_metadata(metadata.to_json()) == metadata


@pytest.mark.parametrize(
    ("given", "version", "sensors"),
    [
        ({}, 1.0, ("observation",)),
        ({"sensor": []}, 1.0, ("observation",)),
        ({"sensor": ["LEFT_CAMERA"]}, 2.0, ("LEFT_CAMERA",)),
        ({"sensor": ["LEFT_CAMERA"], "version": 1}, 1.0, ("observation",)),
        ({"sensor": ["LEFT_CAMERA"], "version": "1.9"}, 1.9, ("observation",)),
        ({"sensor": ["LEFT_CAMERA"], "version": "5"}, 5.0, ("LEFT_CAMERA",)),
        ({"sensor": ["STEREO_CAMERAS", "LIDAR"], "version": 4}, 4.0, ("STEREO_CAMERAS", "LIDAR")),
    ],
)
def test_version_and_sensors_default_as_in_the_original(
    given: dict[str, Any], version: float, sensors: tuple[str, ...]
) -> None:
    metadata = parse(action_space=ACTIONS, **given)
    assert (metadata.version, metadata.sensors) == (version, sensors)


def test_defaults() -> None:
    metadata = parse(action_space=ACTIONS, comment="ignored")
    assert metadata.actions == DiscreteActions(((-30, 0.6), (30, 1.2)))
    assert metadata.algorithm == "ppo"
    assert metadata.network == "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"
    assert metadata.lidar is None


def test_lidar_config_counts_for_a_discretised_lidar_alone() -> None:
    sensors = ["FRONT_FACING_CAMERA", "DISCRETIZED_SECTOR_LIDAR"]
    metadata = parse(action_space=ACTIONS, sensor=sensors, lidar_config={"num_sectors": 4})
    assert metadata.lidar == LidarConfig(num_sectors=4)
    assert parse_model_metadata(metadata.to_json()) == metadata
    assert parse(action_space=ACTIONS, sensor=["LEFT_CAMERA"], lidar_config={"num_sectors": 4}).lidar is None
    assert metadata.camera == "FRONT_FACING_CAMERA" and metadata.lidar_spec.size == 4 * 8
    default = {"num_sectors": 8, "num_values_per_sector": 8, "clipping_dist": 2.0}
    metadata = parse(action_space=ACTIONS, sensor=["LIDAR", "LEFT_CAMERA"], lidar_config=default)
    assert metadata.lidar is None and metadata.lidar_spec == LidarSpec("LIDAR")
    assert metadata.camera == "LEFT_CAMERA" and "lidar_config" not in metadata.to_json()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({}, "no 'action_space'"),
        ({"action_spaces": ACTIONS}, "did you mean 'action_space'"),
        ({"action_space": ACTIONS, "sensors": ["LEFT_CAMERA"]}, "did you mean 'sensor'"),
        ({"action_space": []}, "number of actions is 0"),
        ({"action_space": "left"}, "action_space is 'left'"),
        ({"action_space": [{"speed": 1}]}, "action_space\\[0\\] has no 'steering_angle'"),
        (
            {"action_space": [*ACTIONS, {"steering_angle": 0, "speed": "1"}]},
            "action_space\\[2\\].speed is '1'",
        ),
        ({"action_space": [{"steering_angle": 0, "speed": -1}]}, "action_space\\[0\\].speed is -1"),
        ({"action_space": [{"steering_angle": 300, "speed": 1}]}, "steering_angle is 300"),
        ({"action_space": BOUNDS}, "'action_space_type': 'continuous'"),
        ({"action_space": ACTIONS, "action_space_type": "continuous"}, "no bounds of 'steering_angle'"),
        ({"action_space": ACTIONS, "action_space_type": "discreet"}, "did you mean 'discrete'"),
        (
            {"action_space": {**BOUNDS, "speed": {"low": 2, "high": 2}}, "action_space_type": "continuous"},
            "action_space.speed goes from 2 to 2",
        ),
        (
            {"action_space": {**BOUNDS, "speed": {"low": 2}}, "action_space_type": "continuous"},
            "action_space.speed has no 'high'",
        ),
        ({"action_space": ACTIONS, "training_algorithm": "sac"}, "needs continuous actions"),
        ({"action_space": ACTIONS, "training_algorithm": "ppo"}, "did you mean 'clipped_ppo'"),
        ({"action_space": ACTIONS, "neural_network": "DEEP_CONVOLUTIONAL_NETWORK_SHALOW"}, "SHALLOW"),
        ({"action_space": ACTIONS, "version": "five"}, "version is 'five'"),
        ({"action_space": ACTIONS, "version": 7}, "version is 7, and 6 is the newest known: write '6'"),
        (
            {"action_space": ACTIONS, "sensor": ["LEFT_CAMERA", "LIDAR"], "lidar_config": {"num_sectors": 4}},
            "leave lidar_config out, or write 'DISCRETIZED_SECTOR_LIDAR'",
        ),
        (
            {
                "action_space": ACTIONS,
                "sensor": ["LEFT_CAMERA", "DISCRETIZED_SECTOR_LIDAR"],
                "lidar_config": {"sectors": 4},
            },
            "did you mean 'num_sectors'",
        ),
        (
            {
                "action_space": ACTIONS,
                "sensor": ["LEFT_CAMERA", "DISCRETIZED_SECTOR_LIDAR"],
                "lidar_config": {"num_sectors": 5},
            },
            "num_sectors is 5: give 1, 2, 4",
        ),
        ({"action_space": ACTIONS, "sensor": "LEFT_CAMERA"}, "sensor is 'LEFT_CAMERA'"),
        ({"action_space": ACTIONS, "sensor": ["CAMERA"]}, "unknown sensor 'CAMERA'"),
        ({"action_space": ACTIONS, "sensor": ["LIDAR"]}, "no camera: name exactly one camera"),
        ({"action_space": ACTIONS, "sensor": ["LEFT_CAMERA", "STEREO_CAMERAS"]}, "exactly one camera"),
        ({"action_space": ACTIONS, "sensor": ["LEFT_CAMERA", "LIDAR", "SECTOR_LIDAR"]}, "at most one lidar"),
    ],
)
def test_refuses_in_one_line(data: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint) as caught:
        parse(**data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_read_in_what_editors_write(encoding) -> None:
    assert parse_object('{"name": "fünf"}'.encode(encoding), "it", "{}") == {"name": "fünf"}


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "model_metadata.json"
    with pytest.raises(ContractError, match=r"cannot read .*No such file"):
        read_model_metadata(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContractError, match="not JSON"):
        read_model_metadata(path)
    path.write_text("[]")
    with pytest.raises(ContractError, match="no object"):
        read_model_metadata(path)
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"action_space": ACTIONS}).encode())
    assert read_model_metadata(path).actions.size == 2
