"""DeepRacer's models: networks, settings, and archives both ways."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile

import numpy as np
import openvino as ov
import pytest
import torch
from gymnasium import spaces

from hairpin.agents import RunError, TrainConfig, evaluate, export, open_run, train
from hairpin.agents.config import plan
from hairpin.agents.deepracer_archive import read_archive, write_archive
from hairpin.agents.deepracer_models import export_deepracer, import_deepracer, policy_graph
from hairpin.agents.deepracer_networks import LAYERS, DeepRacerCNN
from hairpin.agents.episodes import Episode, join
from hairpin.agents.hyperparameters import Hyperparameters, parse_hyperparameters
from hairpin.agents.learner import load_model, make_env, new_model
from hairpin.agents.policy_graph import to_bytes
from hairpin.edge import BundleError, ContinuousActions, ContractError, DiscreteActions, ModelMetadata

SHALLOW, NORMAL, DEEP = LAYERS
DISCRETE = DiscreteActions(((-30, 1), (0, 2), (30, 1)))
CONTINUOUS = ContinuousActions((-30, 1), (30, 2))
SMALL_SAC = {"buffer_size": 50, "batch_size": 8, "learning_starts": 20}


def learner(network, algorithm, actions):
    planned = plan(TrainConfig(preset="deepracer", algorithm=algorithm, actions=actions, num_envs=1))
    settings = {**planned.preset.sac, **SMALL_SAC}
    planned = dataclasses.replace(
        planned, preset=dataclasses.replace(planned.preset, network=network, sac=settings)
    )
    env = make_env(planned)
    model = new_model(planned, env, seed=3)
    env.close()
    return model


def frames(count):
    return np.random.default_rng(0).integers(0, 256, (count, 120, 160, 1), dtype=np.uint8)


def archive_of(path, network=SHALLOW, algorithm="ppo", actions=DISCRETE, half=False):
    model = learner(network, algorithm, actions)
    graph = policy_graph(model, ("FRONT_FACING_CAMERA",), discrete=actions is DISCRETE)
    metadata = ModelMetadata(actions, network=network, algorithm=algorithm)
    write_archive(path, graph, metadata)
    return model, graph, metadata, to_bytes(graph, half)


def tar_of(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            header = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("network", "flat", "parameters"),
    [(SHALLOW, 11264, 5_839_520), (NORMAL, 56000, None), (DEEP, 1152, None)],
)
def test_networks_have_the_originals_layers(network, flat, parameters) -> None:
    net = DeepRacerCNN(spaces.Box(0, 255, (1, 120, 160), np.uint8), network)
    assert net.linear[0].in_features == flat
    if parameters:
        assert sum(p.numel() for p in net.parameters()) == parameters


def test_value_and_policy_have_a_network_each() -> None:
    model = learner(SHALLOW, "ppo", DISCRETE)
    assert model.policy.pi_features_extractor is not model.policy.vf_features_extractor
    assert sum(p.numel() for p in model.policy.parameters()) == 2 * 5_839_520 + 512 * 3 + 3 + 512 + 1


@pytest.mark.parametrize(
    ("network", "algorithm", "actions"),
    [
        (SHALLOW, "ppo", DISCRETE),
        (NORMAL, "ppo", CONTINUOUS),
        (DEEP, "sac", CONTINUOUS),
        (DEEP, "ppo", DISCRETE),
    ],
)
def test_the_exported_graph_acts_as_the_network_does(tmp_path, network, algorithm, actions) -> None:
    model, graph, _, content = archive_of(tmp_path / "m.tar.gz", network, algorithm, actions)
    (tmp_path / "model.pb").write_bytes(content)
    core = ov.Core()
    read = core.read_model(tmp_path / "model.pb")
    scope = "main" if algorithm == "ppo" else "policy"
    port = f"main_level/agent/{scope}/online/network_0/FRONT_FACING_CAMERA/FRONT_FACING_CAMERA"
    assert f"{port}:0" in read.inputs[0].names
    head = "ppo_head_0" if algorithm == "ppo" else "sac_policy_head_0"
    trunk = "network_1" if algorithm == "ppo" else "network_0"
    assert f"main_level/agent/{scope}/online/{trunk}/{head}/policy:0" in read.outputs[0].names
    count = 500 if network == SHALLOW else 40
    seen = frames(count)
    read.reshape({read.inputs[0]: [20, 120, 160, 1]})
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    outputs = np.concatenate([compiled(seen[i : i + 20].astype(np.float32))[0] for i in range(0, count, 20)])
    expected, _ = model.predict(np.moveaxis(seen, -1, 1), deterministic=True)
    if actions is DISCRETE:
        assert outputs.sum(1) == pytest.approx(np.ones(count), abs=1e-5)
        assert np.array_equal(outputs.argmax(1), expected)
    else:
        assert np.abs(np.clip(outputs, -1, 1) - expected).max() < 1e-4
    assert graph.algorithm == algorithm


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(
    ("network", "algorithm", "actions"),
    [(SHALLOW, "ppo", DISCRETE), (NORMAL, "ppo", CONTINUOUS), (DEEP, "sac", CONTINUOUS)],
)
def test_an_archive_becomes_a_run_with_the_same_policy(tmp_path, network, algorithm, actions, half) -> None:
    path = tmp_path / "model.tar.gz"
    model, _, metadata, content = archive_of(path, network, algorithm, actions, half)
    if half:
        tar_of(path, {"agent/model.pb": content, "model_metadata.json": metadata.to_json().encode()})
    run = import_deepracer(path, tmp_path / "run", track="oval")
    assert run.contract.network == network and run.settings["imported"]["file"] == "model.tar.gz"
    again = load_model(open_run(run.path).best.path, algorithm)
    seen = np.moveaxis(frames(30), -1, 1)
    first, second = (m.predict(seen, deterministic=True)[0] for m in (model, again))
    if actions is DISCRETE:
        assert (first == second).mean() >= (0.9 if half else 1.0)
    else:
        assert np.abs(first - second).max() < (1e-2 if half else 1e-5)


def test_an_imported_model_is_evaluated_exported_and_trained_on(tmp_path) -> None:
    path = tmp_path / "model.tar.gz"
    archive_of(path, DEEP)
    run = import_deepracer(path, tmp_path / "run", track="oval")
    assert evaluate(run.path, physics="single_track", trials=1, laps=1).report.trials == 1
    assert export(run.path, tmp_path / "bundle.tar.gz").agreement == 1.0
    assert export_deepracer(run.path, tmp_path / "again.tar.gz") > 1e6
    assert (tmp_path / "again.tar.gz").read_bytes() == path.read_bytes()
    further = train(
        TrainConfig(
            track="oval", preset="deepracer", clone=run.path, steps=30, out=tmp_path / "further", num_envs=2,
            model_metadata=run.path / "model/model_metadata.json",
            hyperparameters=Hyperparameters(num_episodes_between_training=1, num_epochs=1, loss_type="huber"),
        )
    )  # fmt: skip
    assert further.last.steps >= 30
    assert json.loads((further.path / "ip/hyperparameters.json").read_text())["loss_type"] == "huber"


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    _, _, metadata, content = archive_of(tmp_path_factory.mktemp("parts") / "m.tar.gz", DEEP)
    return content, metadata.to_json().encode()


def test_a_layer_of_folders_and_other_files_do_no_harm(tmp_path, parts) -> None:
    model, metadata = parts
    members = {
        "my/deep/agent/model.pb": model,
        "my/deep/model_metadata.json": metadata,
        "my/notes.txt": b"x" * 1000,
    }
    found = read_archive(tar_of(tmp_path / "a.tar.gz", members))
    assert (found.metadata.network, found.graph.branches[0].sensor) == (DEEP, "FRONT_FACING_CAMERA")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m, j: {"agent/model.pb": m}, "holds no model_metadata.json"),
        (lambda m, j: {"model_metadata.json": j}, "holds no .pb file"),
        (lambda m, j: {"a.pb": m, "b.pb": m, "model_metadata.json": j}, "a.pb, b.pb"),
        (lambda m, j: {"../a.pb": m, "model_metadata.json": j}, "points out of the archive"),
        (lambda m, j: {"/a.pb": m, "model_metadata.json": j}, "points out of the archive"),
        (lambda m, j: {"a.pb": m[: len(m) // 2], "model_metadata.json": j}, "a.pb: it is truncated"),
        (lambda m, j: {"a.pb": b"junk" * 99, "model_metadata.json": j}, "a.pb: it is"),
        (lambda m, j: {"a.pb": m.replace(b"Relu", b"Selu"), "model_metadata.json": j}, "is 'Selu'"),
        (lambda m, j: {"a.pb": m, "model_metadata.json": b"{"}, "is not JSON"),
        (lambda m, j: {"a.pb": m, "model_metadata.json": j.replace(b'"5"', b'"five"')}, "version is 'five'"),
        (lambda m, j: {"a.pb": m, "model_metadata.json": j.replace(b"_DEEP", b"")}, "mend neural_network"),
    ],
)
def test_unclean_archives_are_refused(tmp_path, parts, change, text) -> None:
    path = tar_of(tmp_path / "a.tar.gz", change(*parts))
    with pytest.raises((BundleError, ContractError), match=text) as refused:
        import_deepracer(path, tmp_path / "run")
    assert "\n" not in str(refused.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar.gz"]


def test_what_is_no_archive_is_refused(tmp_path, parts) -> None:
    good = tar_of(tmp_path / "good.tar.gz", {"a.pb": parts[0], "model_metadata.json": parts[1]}).read_bytes()
    for content in (b"", b"junk", good[:5000]):
        (tmp_path / "bad.tar.gz").write_bytes(content)
        with pytest.raises(BundleError, match=r"bad.tar.gz: it is no .tar.gz|truncated"):
            read_archive(tmp_path / "bad.tar.gz")
    with pytest.raises(BundleError, match="cannot read"):
        read_archive(tmp_path / "nothing.tar.gz")
    for name, fix in (("model.pb", "the archive or the folder"), ("model.zip", "unpack it")):
        (tmp_path / name).write_bytes(b"PK junk")
        with pytest.raises(BundleError, match=fix):
            read_archive(tmp_path / name)
    link = tarfile.TarInfo("a.pb")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(BundleError, match="link or a device"):
        read_archive(tar_of(tmp_path / "link.tar.gz", {"a.pb": link, "model_metadata.json": parts[1]}))


def test_other_networks_are_not_for_the_stock_car(discrete_run, tmp_path) -> None:
    with pytest.raises(RunError, match="--preset stock"):
        export_deepracer(discrete_run, tmp_path / "a.tar.gz")


def test_hyperparameters_of_a_real_file(deepracer_data) -> None:
    found = parse_hyperparameters((deepracer_data / "configs/hyperparameters.json").read_text())
    assert (found.loss_type, found.num_epochs, found.discount_factor) == ("huber", 5, 0.99)
    assert parse_hyperparameters(found.to_json()) == found
    planned = plan(TrainConfig(preset="deepracer", hyperparameters=found))
    assert planned.preset.ppo["value_loss"] == "huber" and planned.preset.ppo["gamma"] == 0.99


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "holds no object"),
        ('{"batch_sise": 64}', "did you mean 'batch_size'"),
        ('{"stack_size": 4}', "write 1"),
        ('{"batch_size": "64"}', "batch_size is '64': write a whole number from 1 to 100000"),
        ('{"lr": "fast"}', "lr is 'fast': write a number"),
        ('{"num_epochs": 2.5}', "whole number"),
        ('{"loss_type": "mse"}', "write one of 'huber'"),
    ],
)
def test_wrong_hyperparameters_are_refused(text, message) -> None:
    with pytest.raises(RunError, match=message):
        parse_hyperparameters(text)
    with pytest.raises(RunError, match="--preset deepracer"):
        plan(TrainConfig(hyperparameters=Hyperparameters()))


def test_advantages_end_with_the_episode() -> None:
    episode = Episode()
    for reward, value in ((1.0, 0.5), (2.0, 1.0)):
        episode.add(np.zeros((1, 2, 2), np.uint8), 0, reward, value, 0.0)
    last = 2.0 - 1.0
    assert episode.advantages(0.9, 0.5).tolist() == pytest.approx([1 + 0.9 * 1.0 - 0.5 + 0.45 * last, last])
    rollout = join([episode, episode], 0.9, 0.5)
    assert (rollout.advantages.mean(), rollout.advantages.std()) == pytest.approx((0, 1), abs=1e-5)
    assert torch.from_numpy(rollout.observations).shape == (4, 1, 2, 2)


@pytest.mark.parametrize("value_after", [0.0, 7.0])
def test_returns_mix_those_of_every_number_of_steps(value_after) -> None:
    gamma, share, steps = 0.95, 0.9, 30
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(1, 2, steps), rng.normal(10, 5, steps)
    episode = Episode(value_after=value_after)
    for reward, value in zip(rewards, values, strict=True):
        episode.add(np.zeros((1, 2, 2), np.uint8), 0, float(reward), float(value), 0.0)
    after = np.append(values, value_after)
    for t, found in enumerate(join([episode], gamma, share).returns):
        # What n steps bring and the value foretold after them, for each n to the episode's end.
        most = steps - t
        bring = [gamma**k * rewards[t + k] for k in range(most)]
        told = [sum(bring[:n]) + gamma**n * after[t + n] for n in range(1, most + 1)]
        weights = [(1 - share) * share ** (n - 1) for n in range(1, most)] + [share ** (most - 1)]
        assert found == pytest.approx(np.dot(weights, told), rel=1e-4)
