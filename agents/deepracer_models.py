"""Models from and to DeepRacer: a run's policy as the archive that the stock car takes, and back as a run."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import nn

from hairpin.edge.contract import DiscreteActions, read_model_metadata
from hairpin.edge.errors import BundleError

from .config import TrainConfig, network_of, plan
from .contract import make_contract, make_metadata
from .deepracer_archive import DeepRacerModel, read_archive, write_archive
from .deepracer_networks import LAYERS
from .errors import RunError
from .evaluation import BUNDLE_SUFFIX
from .files import write_json
from .fusion import FusedFeatures
from .hyperparameters import Hyperparameters, parse_hyperparameters
from .learner import load_model, make_env, new_model, save_model
from .policy_graph import Branch, Layer, PolicyGraph, to_bytes
from .run import METADATA_FILE, RUN_FILE, Run, create_run, open_run, save_checkpoint

FRAME = (120, 160)


def export_deepracer(run: Run | str | Path, out: str | Path) -> int:
    """Write the best policy of a run as the archive that the stock car takes.

    Returns:
        Size of the archive [bytes].

    Raises:
        RunError: The run's network is none that the stock car has a place for.
        BundleError: The archive cannot be written.
    """
    run = run if isinstance(run, Run) else open_run(run)
    out = Path(out)
    if not out.name.endswith(BUNDLE_SUFFIX):
        raise RunError(f"archive {out}: give a name that ends in {BUNDLE_SUFFIX}")
    contract = run.contract
    if contract.network not in LAYERS or contract.observation.shape[:2] != FRAME:
        raise RunError(
            f"the stock car drives DeepRacer's own networks on whole frames of 160x120 alone, and "
            f"{run.path} has {contract.network!r}: train with --preset stock, or use hairpin-car "
            "(hairpin export RUN --out FILE)"
        )
    metadata = read_model_metadata(run.path / METADATA_FILE)
    model = load_model(run.best.path, contract.algorithm)
    graph = policy_graph(
        model, contract.observation.sensors, discrete=isinstance(contract.actions, DiscreteActions)
    )
    write_archive(out, graph, metadata)
    return out.stat().st_size


def import_deepracer(
    archive: str | Path,
    out: str | Path,
    *,
    track: str | Path = "reinvent_2018",
    reward: str | Path = "center_line",
    model_metadata: str | Path | None = None,
) -> Run:
    """Make a run of a DeepRacer model, whose policy can be evaluated, exported and trained on.

    The archive holds the policy alone: the value network, and what continuous actions explore, start anew.

    Args:
        archive: The `.tar.gz` file, or the folder of a model of deepracer-for-cloud.
        out: The run's folder.
        track: The track that it is for.
        reward: The reward function to train on with; one in the archive is not run.
        model_metadata: Used instead of the archive's own.

    Returns:
        The run; `settings["imported"]` says what was taken from where, and what could not be used.

    Raises:
        BundleError, ContractError: The archive cannot be used; nothing was written.
        RunError, TrackError, RewardError: A setting cannot be used.
    """
    found = read_archive(archive, None if model_metadata is None else read_model_metadata(model_metadata))
    graph, metadata = found.graph, found.metadata
    hyperparameters, unused = _hyperparameters(found)
    config = TrainConfig(
        track=track,
        reward=reward,
        preset="deepracer",
        model_metadata=metadata,
        out=out,
        hyperparameters=hyperparameters,
    )
    planned = plan(config)
    env = make_env(dataclasses.replace(planned, config=dataclasses.replace(config, num_envs=1)))
    try:
        model = new_model(planned, env, seed=0)
        try:
            fill(model, graph, metadata.sensors, network_of(metadata))
        except BundleError as error:
            raise BundleError(f"{archive}: {found.chosen}: {error}") from None
        run = create_run(planned, make_contract(planned), make_metadata(planned))
        origin = {
            "file": Path(archive).resolve().name,
            "model": found.chosen,
            "models": found.found,
            "sha256": hashlib.sha256(to_bytes(graph)).hexdigest(),
            "reward": found.reward,
            "unused": unused,
        }
        run = Run(run.path, {**run.settings, "imported": origin})
        write_json(run.path / RUN_FILE, dict(run.settings))
        save_checkpoint(run, 0, lambda path: save_model(model, path), best=None)
    finally:
        env.close()
    return run


def _hyperparameters(found: DeepRacerModel) -> tuple[Hyperparameters, str | None]:
    """The archive's settings, or the original's defaults and why those of the archive cannot be used."""
    if found.hyperparameters is None:
        return Hyperparameters(), None
    try:
        read = parse_hyperparameters(found.hyperparameters)
    except RunError as error:
        return Hyperparameters(), str(error)
    if read.exploration_type == "e-greedy" and not isinstance(found.metadata.actions, DiscreteActions):
        read = dataclasses.replace(
            read, exploration_type="categorical"
        )  # it has no say over continuous actions
    return read, None


def policy_graph(model: BaseAlgorithm, sensors: Sequence[str], *, discrete: bool) -> PolicyGraph:
    """What a learner of the preset "deepracer" drives by, as a graph."""
    branches, joint = _places(model, sensors)
    made = iter([_to_layer(place) for place in (*(p for b in branches for p in b.places), *joint)])
    own = [[next(made) for _ in branch.places] for branch in branches]
    return PolicyGraph(
        algorithm="sac" if isinstance(model, SAC) else "ppo",
        branches=tuple(
            Branch(
                branch.sensor,
                branch.shape,
                tuple(layer for layer in layers if layer.kernel.ndim == 4),
                tuple(layer for layer in layers if layer.kernel.ndim == 2),
            )
            for branch, layers in zip(branches, own, strict=True)
        ),
        dense=tuple(made),
        # The car clamps means; for SAC the simulator squashes them, so the graph does.
        end="Softmax" if discrete else "Tanh" if isinstance(model, SAC) else "Identity",
    )


def fill(model: BaseAlgorithm, graph: PolicyGraph, sensors: Sequence[str], network: str) -> None:
    """Put a graph's weights into the policy of a learner.

    Raises:
        BundleError: They are those of another network than the metadata name.
    """
    kind = "sac" if isinstance(model, SAC) else "ppo"
    if graph.algorithm != kind:
        raise BundleError(
            f"its model is of {graph.algorithm}, its metadata say {kind}: mend training_algorithm"
        )
    branches, joint = _places(model, sensors)
    for name, ours, theirs in (
        ("inputs", [b.sensor for b in branches], [b.sensor for b in graph.branches]),
        ("shapes", [b.shape for b in branches], [b.shape for b in graph.branches]),
    ):
        if ours != theirs:
            raise BundleError(
                f"its {name} are {theirs}, and its metadata ask for {ours}: mend sensor or lidar_config there"
            )
    places = [*(place for branch in branches for place in branch.places), *joint]
    expected = [(_kernel_shape(place.module), _stride(place.module)) for place in places]
    found = [(layer.kernel.shape, layer.stride) for layer in graph.layers]
    if found != expected:
        raise BundleError(
            f"{_describe(found)}, and its metadata ask for {network} with {expected[-1][0][-1]}: "
            "mend neural_network or action_space there"
        )
    with torch.no_grad():
        for place, layer in zip(places, graph.layers, strict=True):
            place.module.weight.copy_(torch.from_numpy(_from_kernel(place, layer.kernel)))
            place.module.bias.copy_(torch.from_numpy(np.ascontiguousarray(layer.bias)))


def _describe(layers: Sequence[tuple[Sequence[int], int]]) -> str:
    """A network by its name, if it is one of DeepRacer's for one camera, else by its layers."""
    convolutions = tuple((shape[3], shape[0], stride) for shape, stride in layers if len(shape) == 4)
    named = next((name for name, of in LAYERS.items() if of.convolutions == convolutions), None)
    outputs = layers[-1][0][-1]
    return f"it is {named or f'a network of the layers {list(layers)}'} with {outputs} outputs"


@dataclass(frozen=True, eq=False)
class _Place:
    """A layer of a learner, and which of its inputs come first in TensorFlow (rows, columns, channels)."""

    module: Any
    order: NDArray[np.intp] | None = None


@dataclass(frozen=True, eq=False)
class _Own:
    """A sensor's own layers in a learner."""

    sensor: str
    shape: tuple[int, ...]
    places: list[_Place]
    order: NDArray[np.intp]  # of what they give


def _places(model: BaseAlgorithm, sensors: Sequence[str]) -> tuple[list[_Own], list[_Place]]:
    """The layers that lead from the sensors to what the policy says: the sensors' own, and the joint ones."""
    policy: Any = model.policy
    if isinstance(model, SAC):
        extractor, heads = policy.actor.features_extractor, [*policy.actor.latent_pi, policy.actor.mu]
    else:
        extractor, heads = policy.pi_features_extractor, [policy.action_net]
    space: Any = model.observation_space
    if isinstance(extractor, FusedFeatures):
        own = [_own(name, space[name].shape, layers) for name, layers in extractor.sensors.items()]
    else:
        own = [_own(sensors[0], space.shape, extractor.cnn)]
    starts = np.cumsum([0, *(len(one.order) for one in own)])
    order = np.concatenate([start + one.order for start, one in zip(starts, own, strict=False)])
    joint = [m for m in (*extractor.linear, *heads) if isinstance(m, nn.Linear)]
    return own, [_Place(joint[0], order), *(_Place(module) for module in joint[1:])]


def _own(sensor: str, shape: tuple[int, ...], layers: Any) -> _Own:
    places: list[_Place] = []
    size = shape
    order = np.arange(shape[0])
    for module in layers:
        if isinstance(module, nn.Conv2d):
            places.append(_Place(module))
            rows, columns = (
                (n - k) // s + 1 for n, k, s in zip(size[1:], module.kernel_size, module.stride, strict=True)
            )
            size = module.out_channels, rows, columns
            order = np.arange(np.prod(size)).reshape(size).transpose(1, 2, 0).ravel()
        elif isinstance(module, nn.Linear):
            places.append(_Place(module, order))
            order = np.arange(module.out_features)
    return _Own(sensor, shape if len(shape) == 1 else (*shape[1:], shape[0]), places, order)


def _to_layer(place: _Place) -> Layer:
    weight, bias = _numpy(place.module.weight), _numpy(place.module.bias)
    if weight.ndim == 4:
        return Layer(weight.transpose(2, 3, 1, 0), bias, _stride(place.module))
    return Layer(weight.T if place.order is None else weight.T[place.order], bias)


def _from_kernel(place: _Place, kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    if kernel.ndim == 4:
        return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
    rows = np.empty_like(kernel)
    rows[slice(None) if place.order is None else place.order] = kernel
    return np.ascontiguousarray(rows.T)


def _kernel_shape(module: Any) -> tuple[int, ...]:
    if isinstance(module, nn.Conv2d):
        return *module.kernel_size, module.in_channels, module.out_channels
    return module.in_features, module.out_features


def _stride(module: Any) -> int:
    return int(module.stride[0]) if isinstance(module, nn.Conv2d) else 1


def _numpy(tensor: torch.Tensor) -> Any:
    return tensor.detach().contiguous().numpy()
