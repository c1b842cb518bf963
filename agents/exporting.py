"""Export: a run's policy becomes a bundle that the car drives, compared with the original on its own laps."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino as ov  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from hairpin.edge.bundle import PRECISIONS, RT_INFO, write_bundle
from hairpin.edge.contract import NEAREST, RAYS, Contract, Observation, choose, lidar_values
from hairpin.sim.laps import run_trials, starts, world_of

from .episodes import part_of
from .errors import RunError
from .evaluation import BUNDLE_SUFFIX
from .head import PolicyHead, act_with
from .learner import load_model
from .run import REWARD_FILE, Run, open_run

_GOLDEN_FRAMES: Final = 16
_TRIALS: Final = 4
_MOST_FRAMES: Final = 1000
_CALIBRATION: Final = 300  # frames that int8 takes its ranges from
_LEAST_AGREEMENT: Final = 0.99
_OUTPUT: Final = "policy"
_MADE_UP: Final = 4.0  # what a lidar is made to see is nearer than this [m]


@dataclass(frozen=True)
class Parity:
    """How the exported policy compares with the original, on frames of the policy's own laps.

    Attributes:
        frames: How many frames.
        largest_difference: Largest difference of an output: a probability, or an action in [-1, 1].
        agreement: Share of the frames on which both choose the same action; continuous ones count as the same
            within 0.01.
        precision: How the weights are stored.
        size: Of the bundle [bytes].
    """

    frames: int
    largest_difference: float
    agreement: float
    precision: str
    size: int

    def summary(self) -> str:
        """One line for people."""
        return (
            f"{self.precision}, {self.size / 1024:.0f} KiB; on {self.frames} frames of its own laps "
            f"{self.agreement:.1%} of the actions are the same, "
            f"outputs differ by {self.largest_difference:.1e} at most"
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as what `json.dump` takes."""
        return dataclasses.asdict(self)


def export(run: Run | str | Path, out: str | Path, *, precision: str = "fp32") -> Parity:
    """Export the best policy of a run.

    Args:
        run: The run, or its folder.
        out: The bundle to write, `.tar.gz`.
        precision: "fp32"; "fp16" for weights of half the size, inference is in float32 either way; or "int8",
            for weights of a quarter and faster inference, which needs NNCF and is not quite the same policy.

    Raises:
        RunError: The run or the precision cannot be used, or the export does not equal the original.
        BundleError: The bundle cannot be written.
    """
    run = run if isinstance(run, Run) else open_run(run)
    out = Path(out)
    if precision not in PRECISIONS:
        raise RunError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    if not out.name.endswith(BUNDLE_SUFFIX):
        raise RunError(f"bundle {out}: give a name that ends in {BUNDLE_SUFFIX}")
    contract = run.contract
    model = load_model(run.best.path, contract.algorithm)
    head = PolicyHead(model).eval()
    seen = _own_observations(run, model, contract, seed=1)
    expected = head(*head.inputs(seen)).detach().numpy()
    xml, weights = _to_ir(head, contract, precision)
    if precision == "int8":
        from .quantization import quantize

        others = contract.observation.named(_own_observations(run, model, contract, seed=2))
        some = slice(None, None, -(-len(others[contract.observation.sensor]) // _CALIBRATION))
        xml, weights = quantize(xml, weights, {name: values[some] for name, values in others.items()})
    outputs = _infer(xml, weights, contract.observation.named(seen))
    agreement = _agreement(contract, expected, outputs)
    if agreement < _LEAST_AGREEMENT:
        raise RunError(
            f"the {precision} export chooses another action on {1 - agreement:.1%} of the frames, "
            f"at most {1 - _LEAST_AGREEMENT:.0%} is allowed: use fp32"
        )
    count = len(expected)
    golden = np.linspace(0, count - 1, min(_GOLDEN_FRAMES, count)).astype(int)
    reward = run.path / REWARD_FILE
    write_bundle(
        out,
        contract,
        model_xml=xml,
        model_bin=weights,
        golden_frames=part_of(seen, golden),
        # Of int8 the engine is checked, not the rounding, which the agreement above has judged.
        golden_outputs=(outputs if precision == "int8" else expected)[golden],
        precision=precision,
        origin=run.name,
        extras={REWARD_FILE: reward.read_bytes()} if reward.exists() else {},
    )
    return Parity(count, float(np.abs(expected - outputs).max()), agreement, precision, out.stat().st_size)


def _own_observations(run: Run, model: BaseAlgorithm, contract: Contract, seed: int) -> Observation:
    """What the policy sees in its own driving, under changing cars and light.

    A lidar sees nothing on an empty track: half of what it gives is made up.
    """
    spec = contract.observation
    seen: dict[str, list[NDArray[Any]]] = {name: [] for name in spec.sensors}
    act = act_with(model)

    def watch(observation: Observation) -> NDArray[Any]:
        for name, values in spec.named(observation).items():
            seen[name].append(values)
        return act(observation)

    for track in run.tracks:
        config = world_of(contract, track, randomization="mild")
        run_trials(config, watch, starts(_TRIALS, "both"), seed=seed)
    joined = {name: np.concatenate(values) for name, values in seen.items()}
    count = len(joined[spec.sensor])
    some = np.linspace(0, count - 1, min(_MOST_FRAMES, count)).astype(int)
    joined = {name: values[some] for name, values in joined.items()}
    if spec.lidar is None:
        return joined[spec.sensor]
    made_up = joined[spec.lidar.sensor][::2]
    ranges = np.random.default_rng(seed).uniform(NEAREST, _MADE_UP, (len(made_up), RAYS))
    made_up[:] = lidar_values(ranges, spec.lidar)
    return joined


def _to_ir(head: PolicyHead, contract: Contract, precision: str) -> tuple[bytes, bytes]:
    """The OpenVINO IR of a policy: graph and weights."""
    ports = contract.observation.ports
    names = head.sensors or list(ports)
    examples = tuple(torch.from_numpy(np.zeros((1, *ports[name][0]), ports[name][1])) for name in names)
    shapes = [(ov.PartialShape([-1, *ports[name][0]]), ov.Type(ports[name][1])) for name in names]
    with torch.no_grad():
        model = ov.convert_model(head, example_input=examples, input=shapes)
    for port, name in zip(model.inputs, names, strict=True):
        port.tensor.set_names({name})
    model.outputs[0].tensor.set_names({_OUTPUT})
    model.set_rt_info(contract.to_json(), list(RT_INFO))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        ov.save_model(model, path, compress_to_fp16=precision == "fp16")
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def _infer(xml: bytes, weights: bytes, seen: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    core = ov.Core()
    compiled = core.compile_model(core.read_model(xml, weights), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    count = len(next(iter(seen.values())))
    parts = [{name: values[i : i + 100] for name, values in seen.items()} for i in range(0, count, 100)]
    return np.concatenate([compiled(part)[0] for part in parts])


def _agreement(contract: Contract, expected: NDArray[np.float32], outputs: NDArray[np.float32]) -> float:
    first, second = choose(contract.actions, expected), choose(contract.actions, outputs)
    same = first == second if first.ndim == 1 else (np.abs(first - second) < 0.01).all(axis=1)
    return float(same.mean())
