"""Models from and to DeepRacer: a run's policy as the archive that the stock car takes, and back as a run."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import nn

from hairpin.edge.contract import CAMERA_SENSORS, DiscreteActions, ModelMetadata, read_model_metadata
from hairpin.edge.errors import BundleError

from .config import Plan, TrainConfig, network_of, plan
from .contract import make_contract, make_metadata
from .deepracer_archive import DeepRacerModel, read_archive, write_archive
from .deepracer_networks import LAYERS, SAC_HEAD
from .errors import RunError
from .evaluation import BUNDLE_SUFFIX
from .files import write_json
from .hyperparameters import Hyperparameters, parse_hyperparameters
from .learner import load_model, make_env, new_model, save_model
from .policy_graph import Layer, PolicyGraph, to_bytes
from .run import METADATA_FILE, RUN_FILE, Run, create_run, open_run, save_checkpoint

FRAME = (120, 160, 1)


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
    if contract.network not in LAYERS or contract.observation.shape != FRAME:
        raise RunError(
            f"the stock car drives DeepRacer's own networks on whole frames of 160x120 alone, and "
            f"{run.path} has {contract.network!r}: train with --preset deepracer, or use hairpin-car "
            "(hairpin export RUN --out FILE)"
        )
    metadata = read_model_metadata(run.path / METADATA_FILE)
    model = load_model(run.best.path, contract.algorithm)
    graph = policy_graph(
        model, contract.observation.sensor, discrete=isinstance(contract.actions, DiscreteActions)
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
    _check_sensors(archive, metadata)
    actions = metadata.actions
    hyperparameters, unused = _hyperparameters(found)
    config = TrainConfig(
        track=track,
        reward=reward,
        preset="deepracer",
        actions=actions,
        algorithm=metadata.algorithm,
        out=out,
        num_envs=1,
        hyperparameters=hyperparameters,
    )
    planned = plan(config)
    planned = _with_metadata(planned, metadata)
    env = make_env(planned)
    try:
        model = new_model(planned, env, seed=0)
        try:
            fill(model, graph, network_of(metadata), actions.size)
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


def _check_sensors(archive: str | Path, metadata: ModelMetadata) -> None:
    for sensor in metadata.sensors:
        if sensor not in CAMERA_SENSORS:
            raise BundleError(
                f"{archive}: its sensor {sensor} is not simulated yet: import a model of one camera"
            )


def _with_metadata(planned: Plan, metadata: ModelMetadata) -> Plan:
    """The plan for the archive's network and sensor, as if its metadata had been given as a file."""
    world = planned.world
    observation = dataclasses.replace(world.observation, sensor=metadata.sensors[0])
    return dataclasses.replace(
        planned,
        preset=dataclasses.replace(planned.preset, network=network_of(metadata)),
        world=dataclasses.replace(world, observation=observation),
        config=dataclasses.replace(planned.config, num_envs=None),
        metadata=metadata,
    )


def policy_graph(model: BaseAlgorithm, sensor: str, *, discrete: bool) -> PolicyGraph:
    """What a learner of the preset "deepracer" drives by, as a graph."""
    convolutions, dense = _modules(model)
    channels = convolutions[0].in_channels
    height, width = model.observation_space.shape[1:]  # type: ignore[index]
    first, rows, columns = dense[0], height, width
    for layer in convolutions:
        rows, columns = ((size - layer.kernel_size[0]) // layer.stride[0] + 1 for size in (rows, columns))
    flat = _numpy(first.weight).reshape(first.out_features, -1, rows, columns)
    kernels = [flat.transpose(2, 3, 1, 0).reshape(-1, first.out_features)]
    kernels += [_numpy(layer.weight).T for layer in dense[1:]]
    return PolicyGraph(
        sensor=sensor,
        algorithm="sac" if isinstance(model, SAC) else "ppo",
        shape=(height, width, channels),
        convolutions=tuple(
            Layer(_numpy(c.weight).transpose(2, 3, 1, 0), _numpy(c.bias), c.stride[0]) for c in convolutions
        ),
        dense=tuple(Layer(k, _numpy(layer.bias)) for k, layer in zip(kernels, dense, strict=True)),
        # The car clamps means; for SAC the simulator squashes them, so the graph does.
        end="Softmax" if discrete else "Tanh" if isinstance(model, SAC) else "Identity",
    )


def fill(model: BaseAlgorithm, graph: PolicyGraph, network: str, outputs: int) -> None:
    """Put a graph's weights into the policy of a learner.

    Raises:
        BundleError: They are those of another network than the metadata name.
    """
    kind = "sac" if isinstance(model, SAC) else "ppo"
    if graph.algorithm != kind:
        raise BundleError(
            f"its model is of {graph.algorithm}, its metadata say {kind}: mend training_algorithm"
        )
    layers = LAYERS[network]
    widths = [*layers.dense, *([SAC_HEAD] if kind == "sac" else []), outputs]
    found_convolutions = tuple((c.kernel.shape[3], c.kernel.shape[0], c.stride) for c in graph.convolutions)
    found_widths = [d.kernel.shape[1] for d in graph.dense]
    if graph.shape != FRAME or found_convolutions != layers.convolutions or found_widths != widths:
        raise BundleError(
            f"its layers {list(found_convolutions)}, {found_widths} are not those of {network} with "
            f"{outputs} outputs ({list(layers.convolutions)}, {widths}): mend neural_network or action_space "
            "in its metadata"
        )
    convolutions, dense = _modules(model)
    rows, columns = _map_size(graph)
    kernels = [c.kernel.transpose(3, 2, 0, 1) for c in graph.convolutions]
    first = graph.dense[0].kernel
    channels = graph.convolutions[-1].kernel.shape[3]
    if first.shape[0] != rows * columns * channels:
        raise BundleError(
            f"its first dense layer takes {first.shape[0]} values, not {rows * columns * channels}"
        )
    kernels.append(
        first.reshape(rows, columns, channels, -1).transpose(3, 2, 0, 1).reshape(first.shape[1], -1)
    )
    kernels += [d.kernel.T for d in graph.dense[1:]]
    biases = [layer.bias for layer in (*graph.convolutions, *graph.dense)]
    with torch.no_grad():
        for module, kernel, bias in zip([*convolutions, *dense], kernels, biases, strict=True):
            if tuple(module.weight.shape) != kernel.shape:
                raise BundleError(f"a layer has weights {kernel.shape}, not {tuple(module.weight.shape)}")
            module.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
            module.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))


def _map_size(graph: PolicyGraph) -> tuple[int, int]:
    rows, columns, _ = graph.shape
    for layer in graph.convolutions:
        rows, columns = ((size - layer.kernel.shape[0]) // layer.stride + 1 for size in (rows, columns))
    return rows, columns


def _modules(model: BaseAlgorithm) -> tuple[list[Any], list[Any]]:
    """The convolutions and dense layers that lead from the frame to what the policy says."""
    policy: Any = model.policy
    if isinstance(model, SAC):
        extractor, heads = policy.actor.features_extractor, [*policy.actor.latent_pi, policy.actor.mu]
    else:
        extractor, heads = policy.pi_features_extractor, [policy.action_net]
    convolutions = [m for m in extractor.cnn if isinstance(m, nn.Conv2d)]
    return convolutions, [m for m in (*extractor.linear, *heads) if isinstance(m, nn.Linear)]


def _numpy(tensor: torch.Tensor) -> Any:
    return tensor.detach().contiguous().numpy()
