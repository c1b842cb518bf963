"""`hairpin import`: models from elsewhere, as they are found, become runs or one clear line."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from foreign_graph import field, model_pb, node, said

from hairpin.agents import TrainConfig, evaluate, export, open_run, train
from hairpin.agents.deepracer_archive import read_archive
from hairpin.agents.deepracer_models import export_deepracer, import_deepracer
from hairpin.agents.graph_reading import from_bytes
from hairpin.agents.hyperparameters import parse_hyperparameters
from hairpin.agents.learner import load_model
from hairpin.edge import BundleError, ContinuousActions, DiscreteActions, ModelMetadata

SHALLOW, NORMAL, DEEP = (f"DEEP_CONVOLUTIONAL_NETWORK{end}" for end in ("_SHALLOW", "", "_DEEP"))
DISCRETE = DiscreteActions(((-30, 1), (0, 2), (30, 1)))
CONTINUOUS = ContinuousActions((-30, 1), (30, 2))
HYPERPARAMETERS = {"lr": 0.001, "num_epochs": 3, "num_episodes_between_training": 1, "batch_size": 32}


def metadata_of(network=DEEP, actions=DISCRETE, **more):
    return ModelMetadata(actions, network=network, **more).to_json().encode()


def tar_of(path, members):
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return path


def folder_of(path, members):
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def frames(count):
    return np.random.default_rng(1).integers(0, 256, (count, 120, 160, 1), dtype=np.uint8)


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        (SHALLOW, {}),
        (NORMAL, {"folded": True}),
        (DEEP, {"backwards": True}),
        (DEEP, {"half": True}),
        (DEEP, {"half": True, "listed": True}),
        (DEEP, {"listed": True}),
        (DEEP, {"prefix": "main_level/agent/main/online/network_0"}),
        (SHALLOW, {"discrete": False, "folded": True, "backwards": True}),
        (DEEP, {"discrete": False, "algorithm": "sac"}),
    ],
)
def test_a_graph_of_tensorflows_drives_as_it_did(tmp_path, network, settings) -> None:
    discrete, sac = settings.get("discrete", True), settings.get("algorithm") == "sac"
    actions = DISCRETE if discrete else CONTINUOUS
    metadata = metadata_of(network, actions, algorithm="sac" if sac else "ppo")
    members = {"agent/model.pb": model_pb(network, actions.size, **settings), "model_metadata.json": metadata}
    run = import_deepracer(tar_of(tmp_path / "model.tar.gz", members), tmp_path / "run", track="oval")
    model = load_model(run.best.path, run.contract.algorithm)
    seen = frames(12)
    expected = said(network, actions.size, seen, sac=sac)
    done, _ = model.predict(np.moveaxis(seen, -1, 1), deterministic=True)
    if discrete:
        gap = np.sort(expected, axis=1)
        clear = gap[:, -1] - gap[:, -2] > 0.01  # half precision decides the others as it likes
        assert clear.sum() > 6 and (done == expected.argmax(1))[clear].all()
    else:
        expected = np.tanh(expected) if sac else np.clip(expected, -1, 1)
        assert np.abs(done - expected).max() < 1e-4


@pytest.fixture(scope="module")
def pb():
    return model_pb(DEEP, 3)


def virtual_model(pb) -> dict[str, bytes]:
    """What deepracer-for-cloud keeps of a model in its bucket."""
    checkpoints = {
        "best_checkpoint": {"name": "12_Step-3456.ckpt", "avg_eval_metric": 71.5, "time_stamp": 1.0},
        "last_checkpoint": {"name": "14_Step-4000.ckpt", "avg_eval_metric": 60.0, "time_stamp": 2.0},
    }
    return {
        **{f"model/model_{n}.pb": model_pb(DEEP, 3, seed=n) if n == 12 else pb for n in (11, 12, 14)},
        "model/12_Step-3456.ckpt.data-00000-of-00001": os.urandom(5000),
        "model/12_Step-3456.ckpt.index": b"x",
        "model/.coach_checkpoint": b"14_Step-4000.ckpt",
        "model/deepracer_checkpoints.json": json.dumps(checkpoints).encode(),
        "model/model_metadata.json": metadata_of(),
        "ip/hyperparameters.json": json.dumps(HYPERPARAMETERS).encode(),
        "reward_function.py": b"raise SystemExit('this was run')\n",
        "metrics/TrainingMetrics.json": b"{}",
    }


@pytest.mark.parametrize("packed", [False, True])
def test_a_virtual_model_gives_its_best_checkpoint_and_settings(tmp_path, pb, packed, hairpin) -> None:
    members = virtual_model(pb)
    source = (
        tar_of(tmp_path / "rl-model.tar.gz", {f"bucket/rl-model/{n}": c for n, c in members.items()})
        if packed
        else folder_of(tmp_path / "rl-model", members)
    )
    code, _, errors = hairpin("import", source, "--out", tmp_path / "run", "--track", "oval")
    assert code == 0, errors
    assert "model_12.pb, of 3 policies" in errors and "reward_function.py is not run unasked" in errors
    run = open_run(tmp_path / "run")
    model = load_model(run.best.path, "ppo")
    seen = frames(8)
    expected = said(DEEP, 3, seen, seed=12).argmax(1)
    assert (model.predict(np.moveaxis(seen, -1, 1), deterministic=True)[0] == expected).mean() > 0.8
    written = json.loads((run.path / "ip/hyperparameters.json").read_text())
    assert (written["lr"], written["num_epochs"], written["discount_factor"]) == (0.001, 3, 0.999)


def test_the_newest_is_taken_where_no_best_one_is_named(tmp_path, pb) -> None:
    members = virtual_model(pb)
    for change in ({}, {"model/deepracer_checkpoints.json": b"{"}):
        left = {n: c for n, c in members.items() if "checkpoints" not in n} | change
        assert read_archive(tar_of(tmp_path / "a.tar.gz", left)).chosen == "model/model_14.pb"


def test_hyperparameters_that_cannot_be_used_are_told_of(tmp_path, pb, hairpin) -> None:
    members = {"m.pb": pb, "model_metadata.json": metadata_of(), "hyperparameters.json": b'{"lr": "high"}'}
    path = tar_of(tmp_path / "a.tar.gz", members)
    code, _, errors = hairpin("import", path, "--out", tmp_path / "run")
    assert code == 0 and "its hyperparameters are not used: hyperparameters.json: lr is 'high'" in errors


def test_metadata_may_be_given_beside(tmp_path, pb, hairpin) -> None:
    path = tar_of(tmp_path / "a.tar.gz", {"a.pb": pb})
    code, _, errors = hairpin("import", path, "--out", tmp_path / "run")
    assert code == 2 and "holds no model_metadata.json" in errors and "--model-metadata" in errors
    (tmp_path / "mine.json").write_bytes(metadata_of())
    code, _, errors = hairpin(
        "import", path, "--out", tmp_path / "run", "--model-metadata", tmp_path / "mine.json"
    )
    assert code == 0, errors


def test_from_import_to_the_car_and_back_and_further_training(tmp_path, pb, hairpin) -> None:
    path = tar_of(tmp_path / "a.tar.gz", {"x/agent/model.pb": pb, "x/model_metadata.json": metadata_of()})
    code, output, errors = hairpin("import", path, "--out", tmp_path / "run", "--track", "oval")
    assert code == 0, errors
    run = open_run(output.strip())
    assert evaluate(run.path, physics="single_track", trials=2, laps=1).report.trials == 2
    assert export(run.path, tmp_path / "bundle.tar.gz").agreement == 1.0
    export_deepracer(run.path, tmp_path / "again.tar.gz")
    again = read_archive(tmp_path / "again.tar.gz")
    first = read_archive(path)
    assert again.metadata == first.metadata
    for ours, theirs in zip(
        again.graph.layers,
        first.graph.layers,
        strict=True,
    ):
        assert np.abs(ours.kernel - theirs.kernel).max() < 1e-6
    further = train(
        TrainConfig(
            track="oval", preset="deepracer", clone=run.path, steps=20, out=tmp_path / "further", num_envs=2,
            model_metadata=run.path / "model/model_metadata.json",
            hyperparameters=parse_hyperparameters(json.dumps(HYPERPARAMETERS)),
        )
    )  # fmt: skip
    assert further.last.steps >= 20


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (
            lambda pb: {"a.pb": pb, "b.pb": pb},
            "must hold one .pb file, or model_<n>.pb alone, but has a.pb, b.pb",
        ),
        (lambda pb: {"m/1_Step-2.ckpt.index": b""}, "only TensorFlow's checkpoints"),
        (lambda pb: {"a.pb": pb, "../b": b""}, "points out of the archive"),
        (lambda pb: {"a.pb": model_pb(DEEP, 3, without="relu1")}, "has no ReLU after it"),
        (
            lambda pb: {"a.pb": model_pb(DEEP, 5)},
            "it is DEEP_CONVOLUTIONAL_NETWORK_DEEP with 5 outputs, and its",
        ),
        (lambda pb: {"a.pb": model_pb(SHALLOW, 3)}, "mend neural_network"),
        (lambda pb: {"a.pb": b""}, "a.pb: it holds no graph"),
        (
            lambda pb: {"a.pb": pb, "model_metadata.json": metadata_of().replace(b'"5"', b'"latest"')},
            "version is 'latest'",
        ),
        (
            lambda pb: {"a.pb": pb, "model_metadata.json": metadata_of(sensors=("STEREO_CAMERAS", "LIDAR"))},
            "its inputs are ['FRONT_FACING_CAMERA'], and its metadata ask for ['LIDAR', 'STEREO_CAMERAS']",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line_and_leaves_nothing(tmp_path, pb, hairpin, members, text) -> None:
    members = {"model_metadata.json": metadata_of(), **members(pb)}
    path = tar_of(tmp_path / "a.tar.gz", members)
    code, output, errors = hairpin("import", path, "--out", tmp_path / "run")
    assert (code, output) == (2, "")
    assert errors.startswith(f"error: {path}: ") and errors.count("\n") == 1 and text in errors, errors
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize("cycle", ["head", "trunk"])
def test_a_graph_in_a_circle_ends(pb, cycle) -> None:
    op = "Identity" if cycle == "head" else "Relu"
    nodes = [node("x/ppo_head_0/policy", "Softmax", ["a"]), node("a", op, ["b"]), node("b", op, ["a"])]
    with pytest.raises(BundleError, match="in a circle"):
        from_bytes(b"".join(field(1, one) for one in nodes))


_IMPORT = """
import sys
from hairpin.agents.cli.main import main
sys.argv = ["hairpin", "import", sys.argv[1], "--out", sys.argv[2]]
main()
"""


def test_large_files_beside_the_model_cost_no_memory(tmp_path, pb) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, size in (("junk.bin", 200 * 2**20), ("a.pb", None), ("model_metadata.json", None)):
            content = {"a.pb": pb, "model_metadata.json": metadata_of()}.get(name, b"")
            header = tarfile.TarInfo(name)
            header.size = size or len(content)
            tar.addfile(header, Path("/dev/zero").open("rb") if size else io.BytesIO(content))  # noqa: SIM115
    read_archive(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read_archive(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # [KiB]


def test_a_bomb_is_given_up(tmp_path) -> None:
    path = tmp_path / "bomb.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        header = tarfile.TarInfo("a.pb")
        header.size = 2**45
        tar.fileobj.write(header.tobuf())  # it claims what it has not
        tar.fileobj.write(bytes(2**20))
    result = subprocess.run(
        [sys.executable, "-c", _IMPORT, path, tmp_path / "run"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 2 and "unpacks to more than 2048 MiB" in result.stderr
