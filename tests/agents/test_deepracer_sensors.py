"""DeepRacer's models with stereo cameras and lidars: networks, archives both ways, training."""

from __future__ import annotations

import dataclasses

import numpy as np
import openvino as ov
import pytest
import torch
from gymnasium import spaces

from hairpin.agents import TrainConfig, evaluate, export, open_run, train
from hairpin.agents.config import plan
from hairpin.agents.deepracer_archive import write_archive
from hairpin.agents.deepracer_models import export_deepracer, import_deepracer, policy_graph
from hairpin.agents.deepracer_networks import LAYERS, DeepRacerCNN, layers_of
from hairpin.agents.fusion import FusedFeatures
from hairpin.agents.head import PolicyHead
from hairpin.agents.hyperparameters import Hyperparameters
from hairpin.agents.learner import load_model, make_env, new_model
from hairpin.agents.policy_graph import to_bytes
from hairpin.edge import BundleError, ContinuousActions, DiscreteActions, ModelMetadata
from hairpin.edge.contract import LidarConfig
from hairpin.edge.policy import Policy

SHALLOW, NORMAL, DEEP = LAYERS
DISCRETE = DiscreteActions(((-30, 1), (0, 2), (30, 1)))
CONTINUOUS = ContinuousActions((-30, 1), (30, 2))
FRONT, LEFT, FIRST, STEREO = "FRONT_FACING_CAMERA", "LEFT_CAMERA", "observation", "STEREO_CAMERAS"
CONFIG = LidarConfig(num_sectors=4, num_values_per_sector=3, clipping_dist=1.5)

CASES = [
    ((STEREO,), SHALLOW, "ppo", DISCRETE),
    ((FRONT, "LIDAR"), SHALLOW, "ppo", CONTINUOUS),
    (("SECTOR_LIDAR", LEFT), SHALLOW, "ppo", DISCRETE),
    ((FRONT, "DISCRETIZED_SECTOR_LIDAR"), DEEP, "sac", CONTINUOUS),
    ((STEREO, "LIDAR"), SHALLOW, "ppo", DISCRETE),
    ((FIRST, "SECTOR_LIDAR"), NORMAL, "ppo", DISCRETE),
    ((LEFT, "LIDAR"), NORMAL, "sac", CONTINUOUS),
]


def metadata_of(sensors, network=SHALLOW, algorithm="ppo", actions=DISCRETE) -> ModelMetadata:
    lidar = CONFIG if "DISCRETIZED_SECTOR_LIDAR" in sensors else None
    return ModelMetadata(actions, sensors, network, algorithm, lidar=lidar)


def learner(metadata: ModelMetadata):
    planned = plan(TrainConfig(preset="deepracer", track="oval", model_metadata=metadata, num_envs=1))
    settings = {**planned.preset.sac, "buffer_size": 50, "batch_size": 8, "learning_starts": 20}
    planned = dataclasses.replace(planned, preset=dataclasses.replace(planned.preset, sac=settings))
    env = make_env(planned)
    model = new_model(planned, env, seed=3)
    env.close()
    return model, planned.world.observation


def seen_by(spec, count: int):
    """Made-up observations (count, ...) by the sensors' names."""
    rng = np.random.default_rng(0)
    return {
        name: rng.integers(0, 256, (count, *shape), dtype=np.uint8)
        if dtype is np.uint8
        else rng.uniform(0, 1, (count, *shape)).astype(np.float32)
        for name, (shape, dtype) in spec.ports.items()
    }


def outputs_of(model, spec, seen):
    head = PolicyHead(model)
    with torch.inference_mode():
        return head(*head.inputs(seen if spec.lidar else seen[spec.sensor])).numpy()


@pytest.mark.parametrize(
    ("network", "shape", "flat"),
    [(SHALLOW, (2, 120, 160), 11264), (NORMAL, (2, 30, 40), 2560), (DEEP, (2, 30, 40), 2560)],
)
def test_stereo_networks_have_the_originals_layers(network, shape, flat) -> None:
    # 30x40 frames, since 120x160 ones make a dense layer of 57 million weights.
    net = DeepRacerCNN(spaces.Box(0, 255, shape, np.uint8), network)
    flat = flat if network == SHALLOW else 3 * 5 * 128
    assert net.linear[0].in_features == flat
    assert layers_of(network, shape).embedding == ()
    assert net.features_dim == LAYERS[network].middleware[-1]


@pytest.mark.parametrize("network", LAYERS)
def test_sensors_are_joined_by_sorted_names_after_layers_of_their_own(network) -> None:
    frame, lidar = spaces.Box(0, 255, (1, 120, 160), np.uint8), spaces.Box(0, 1, (12,), np.float32)
    net = FusedFeatures(spaces.Dict({FRONT: frame, "DISCRETIZED_SECTOR_LIDAR": lidar}), network)
    assert list(net.sensors) == ["DISCRETIZED_SECTOR_LIDAR", FRONT]
    assert [
        m.out_features for m in net.sensors["DISCRETIZED_SECTOR_LIDAR"] if hasattr(m, "out_features")
    ] == [
        256,
        256,
    ]
    camera = {SHALLOW: 11264, NORMAL: 64, DEEP: 512}[network]
    assert net.linear[0].in_features == 256 + camera
    seen = {FRONT: torch.zeros(2, 1, 120, 160), "DISCRETIZED_SECTOR_LIDAR": torch.zeros(2, 12)}
    assert net(seen).shape == (2, net.features_dim)


def test_value_and_policy_have_a_network_each() -> None:
    model, _ = learner(metadata_of((FRONT, "LIDAR")))
    policy = model.policy
    assert isinstance(policy.pi_features_extractor, FusedFeatures)
    assert policy.pi_features_extractor is not policy.vf_features_extractor


@pytest.mark.parametrize(("sensors", "network", "algorithm", "actions"), CASES)
def test_archives_keep_what_the_policy_does(tmp_path, sensors, network, algorithm, actions) -> None:
    metadata = metadata_of(sensors, network, algorithm, actions)
    model, spec = learner(metadata)
    graph = policy_graph(model, sensors, discrete=actions is DISCRETE)
    path = tmp_path / "model.tar.gz"
    write_archive(path, graph, metadata)
    (tmp_path / "model.pb").write_bytes(to_bytes(graph))
    core = ov.Core()
    read = core.read_model(tmp_path / "model.pb")
    seen, count = seen_by(spec, 20), 20
    root = f"main_level/agent/{'main' if algorithm == 'ppo' else 'policy'}/online"
    ports = {name: f"{root}/network_0/{name}/{name}:0" for name in sensors}
    assert sorted(n for port in read.inputs for n in port.names if n.endswith(":0")) == sorted(ports.values())
    read.reshape({port: ov.PartialShape([count, *seen[name].shape[1:]]) for name, port in ports.items()})
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled({ports[name]: values.astype(np.float32) for name, values in seen.items()})[0]
    expected = outputs_of(model, spec, seen)
    if algorithm == "ppo" and actions is CONTINUOUS:
        found = np.clip(found, -1, 1)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    run = import_deepracer(path, tmp_path / "run", track="oval")
    assert run.contract.observation.sensors == spec.sensors and run.contract.observation.lidar == spec.lidar
    again = load_model(open_run(run.path).best.path, algorithm)
    np.testing.assert_array_equal(outputs_of(again, spec, seen), expected)
    assert run.settings["settings"]["model_metadata"]["sensors"] == list(sensors)


def test_an_imported_model_is_evaluated_exported_and_trained_on(tmp_path) -> None:
    sensors = (STEREO, "DISCRETIZED_SECTOR_LIDAR")
    metadata = metadata_of(sensors)
    model, _ = learner(metadata)
    path = tmp_path / "model.tar.gz"
    write_archive(path, policy_graph(model, sensors, discrete=True), metadata)
    run = import_deepracer(path, tmp_path / "run", track="oval")
    assert evaluate(run.path, physics="single_track", trials=1, laps=1).report.trials == 1
    assert export(run.path, tmp_path / "bundle.tar.gz").agreement == 1.0
    assert Policy.load(tmp_path / "bundle.tar.gz").contract.observation.lidar.config == CONFIG
    export_deepracer(run.path, tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == path.read_bytes()
    further = train(
        TrainConfig(
            track="oval", preset="deepracer", clone=run.path, steps=20, out=tmp_path / "further", num_envs=2,
            model_metadata=run.path / "model/model_metadata.json",
            hyperparameters=Hyperparameters(num_episodes_between_training=1, num_epochs=1),
        )
    )  # fmt: skip
    assert further.last.steps >= 20 and further.contract.observation.sensors == sensors


def test_metadata_that_ask_for_another_sensor_are_refused(tmp_path) -> None:
    metadata = metadata_of((FRONT, "LIDAR"))
    graph = policy_graph(learner(metadata)[0], metadata.sensors, discrete=True)
    for sensors, text in (
        ((FRONT,), "its inputs are"),
        ((LEFT, "LIDAR"), "mend sensor"),
        ((FRONT, "SECTOR_LIDAR"), "mend sensor"),
    ):
        write_archive(tmp_path / "m.tar.gz", graph, metadata_of(sensors))
        with pytest.raises(BundleError, match=text) as refused:
            import_deepracer(tmp_path / "m.tar.gz", tmp_path / "run", track="oval")
        assert "\n" not in str(refused.value)
