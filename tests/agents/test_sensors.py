"""Every combination of sensors: trained, exported, loaded, rehearsed."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest

from hairpin.agents import RunError, TrainConfig, evaluate, export, train
from hairpin.agents.config import plan
from hairpin.agents.head import act_with
from hairpin.agents.hyperparameters import Hyperparameters
from hairpin.agents.learner import load_model
from hairpin.agents.presets import PRESETS
from hairpin.agents.resumption import resume
from hairpin.edge.bench import measure
from hairpin.edge.bundle import read_bundle
from hairpin.edge.cli import main as car
from hairpin.edge.policy import Policy
from hairpin.edge.real_time import run as real_time
from hairpin.edge.rehearsal import run as rehearse

CAMERAS = ("FRONT_FACING_CAMERA", "LEFT_CAMERA", "observation", "STEREO_CAMERAS")
LIDARS = (None, "LIDAR", "SECTOR_LIDAR", "DISCRETIZED_SECTOR_LIDAR")
ACTIONS = [{"steering_angle": angle, "speed": 1} for angle in (-20, 0, 20)]
CONFIG = {"num_sectors": 4, "num_values_per_sector": 3, "clipping_dist": 1.5}


def metadata(folder, sensors, **changes):
    data = {"action_space": ACTIONS, "sensor": list(sensors), "version": "5", **changes}
    if "DISCRETIZED_SECTOR_LIDAR" in sensors:
        data["lidar_config"] = CONFIG
    (folder / "model_metadata.json").write_text(json.dumps(data))
    return folder / "model_metadata.json"


def observations(spec, count=32):
    rng = np.random.default_rng(0)
    seen = {
        name: rng.integers(0, 256, (count, *shape), dtype=np.uint8)
        if dtype is np.uint8
        else rng.uniform(0, 1, (count, *shape)).astype(np.float32)
        for name, (shape, dtype) in spec.ports.items()
    }
    return seen if spec.lidar else seen[spec.sensor]


@pytest.mark.parametrize(("camera", "lidar"), list(itertools.product(CAMERAS, LIDARS)))
def test_from_metadata_to_rehearsal(tmp_path, camera, lidar) -> None:
    sensors = tuple(name for name in (camera, lidar) if name)
    run = train(
        TrainConfig(
            track="oval", preset="tiny", steps=256, out=tmp_path / "run",
            model_metadata=metadata(tmp_path, sensors),
        )
    )  # fmt: skip
    written = json.loads((run.path / "model/model_metadata.json").read_text())
    assert written["sensor"] == list(sensors)
    assert written.get("lidar_config") == (CONFIG if lidar == LIDARS[3] else None)
    bundle = tmp_path / "policy.tar.gz"
    assert export(run, bundle).agreement == 1.0
    policy = Policy.load(bundle, batch=5)
    spec = policy.contract.observation
    assert spec.sensors == sensors and spec == run.contract.observation
    seen = observations(spec)
    np.testing.assert_array_equal(policy.act(seen), act_with(load_model(run.best.path, "ppo"))(seen))
    if lidar:  # golden samples do not see an empty world alone
        assert len(np.unique(read_bundle(bundle).golden.lidar, axis=0)) > 1
    report = rehearse(Policy.load(bundle), laps=1, trials=1, physics="single_track")
    assert report["trials"] == 1
    assert evaluate(bundle, physics="single_track", trials=1, laps=1).report.trials == 1


@pytest.fixture(scope="module")
def sac_run(tmp_path_factory):
    """SAC with a stereo camera and a lidar."""
    folder = tmp_path_factory.mktemp("sac")
    bounds = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 1, "high": 2}}
    changes = {"action_space": bounds, "action_space_type": "continuous", "training_algorithm": "sac"}
    path = metadata(folder, ("STEREO_CAMERAS", "LIDAR"), **changes)
    return train(TrainConfig(track="oval", preset="tiny", steps=200, model_metadata=path, out=folder / "run"))


def test_sac_learns_with_several_sensors_and_goes_on(sac_run, tmp_path) -> None:
    assert sac_run.contract.algorithm == "sac"
    assert resume(sac_run.path, steps=400).last.steps >= 400
    export(sac_run, tmp_path / "policy.tar.gz", precision="fp16")
    policy = Policy.load(tmp_path / "policy.tar.gz")
    assert measure(policy, 5)["lidar"] == "LIDAR"
    driven = real_time(policy, trials=1, laps=1, physics="single_track", direction="ccw")
    assert driven["trials"] == 1
    assert driven["frames"]["decided"] > 0, driven


def test_the_command_lines_say_what_is_seen(sac_run, tmp_path, capsys, monkeypatch) -> None:
    bundle = tmp_path / "policy.tar.gz"
    export(sac_run, bundle)
    monkeypatch.setattr("sys.argv", ["hairpin-car", "inspect", str(bundle)])
    with pytest.raises(SystemExit) as ended:
        car()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "STEREO_CAMERAS" in said and "left and right" in said and "LIDAR" in said


def test_a_clone_needs_the_same_sensors(sac_run, tmp_path) -> None:
    contract = json.loads((sac_run.path / "model/model_metadata.json").read_text())
    for sensors, text in (
        (["STEREO_CAMERAS"], "another lidar"),
        (["LEFT_CAMERA", "LIDAR"], "another frame|its camera is"),
    ):
        (tmp_path / "m.json").write_text(json.dumps(contract | {"sensor": sensors}))
        config = TrainConfig(
            track="oval", preset="tiny", clone=sac_run.path, steps=10, model_metadata=tmp_path / "m.json"
        )
        with pytest.raises(RunError, match=text) as refused:
            train(config)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("sensors", [("STEREO_CAMERAS",), ("LEFT_CAMERA", "SECTOR_LIDAR")])
def test_deepracers_preset_learns_with_them(tmp_path, sensors) -> None:
    run = train(
        TrainConfig(
            track="oval", preset="deepracer", steps=20, num_envs=2, out=tmp_path / "run",
            model_metadata=metadata(tmp_path, sensors),
            hyperparameters=Hyperparameters(num_episodes_between_training=1, num_epochs=1),
        )
    )  # fmt: skip
    assert run.contract.observation.sensors == sensors
    assert run.contract.observation.shape[:2] == (120, 160)
    assert export(run, tmp_path / "policy.tar.gz").agreement == 1.0


def test_metadata_of_version_1_have_one_camera_whatever_they_say(tmp_path) -> None:
    path = metadata(tmp_path, ("STEREO_CAMERAS", "LIDAR"), version="1.0")
    assert plan(TrainConfig(model_metadata=path)).world.observation.sensors == ("observation",)


def test_steering_is_smoothed_with_several_sensors_too(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(PRESETS, "smooth", dataclasses.replace(PRESETS["tiny"], caps=(0.5, 0.5)))
    config = TrainConfig(
        track="oval", preset="smooth", steps=256, out=tmp_path / "run",
        model_metadata=metadata(tmp_path, ("STEREO_CAMERAS", "LIDAR")),
    )  # fmt: skip
    assert train(config).last.steps == 256
