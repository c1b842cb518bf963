"""Small real models and bundles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from hairpin.edge import (
    ContinuousActions,
    Contract,
    DiscreteActions,
    Fingerprint,
    ObservationSpec,
)
from hairpin.edge.bundle import RT_INFO
from hairpin.edge.contract import LidarSpec, Observation

ops = ov.opset13

DISCRETE = Contract(
    observation=ObservationSpec(width=32, height=24, crop=(8, 0, 0, 0)),
    actions=DiscreteActions(tuple((steering, 1.0) for steering in (-30.0, -15.0, 0.0, 15.0, 30.0))),
    network="test",
    track=Fingerprint("oval", "ab" * 32),
    reward=Fingerprint("center_line", "cd" * 32),
    versions={"hairpin": "0.1.0"},
)
#: Sees with two cameras and a lidar.
SENSORS = replace(
    DISCRETE,
    observation=ObservationSpec(
        "STEREO_CAMERAS", width=32, height=24, channels=2, lidar=LidarSpec("SECTOR_LIDAR")
    ),
)
CONTINUOUS = Contract(
    observation=ObservationSpec(width=20, height=15, channels=3),
    actions=ContinuousActions((-30.0, 0.5), (30.0, 3.0)),
    algorithm="sac",
)


@dataclass(frozen=True)
class Network:
    """One dense layer on frame and lidar, in numpy: the original that the exported model must agree with."""

    contract: Contract
    weights: NDArray[np.float32]

    def __call__(self, observations: Observation) -> NDArray[np.float32]:
        spec = self.contract.observation
        seen = spec.named(observations)
        flat = [seen[spec.sensor].reshape(len(seen[spec.sensor]), -1).astype(np.float64) / 255.0]
        if spec.lidar is not None:
            flat.append(seen[spec.lidar.sensor].astype(np.float64))
        raw = np.concatenate(flat, axis=1) @ self.weights
        if isinstance(self.contract.actions, ContinuousActions):
            return np.tanh(raw).astype(np.float32)
        exp = np.exp(raw - raw.max(axis=1, keepdims=True))
        return (exp / exp.sum(axis=1, keepdims=True)).astype(np.float32)

    def to_ir(
        self,
        folder: Path,
        *,
        fp16: bool = False,
        input_name: str | None = None,
        output_name: str = "policy",
        input_type: Any = ov.Type.u8,
        inputs: int = 1,
        static_batch: bool = False,
        contract_inside: Contract | None = None,
        foreign: bool = False,
        not_a_number: bool = False,
    ) -> tuple[bytes, bytes]:
        """The network as OpenVINO IR, or one with something wrong."""
        spec, actions = self.contract.observation, self.contract.actions
        frame = ops.parameter([1 if static_batch else -1, *spec.shape], input_type)
        frame.output(0).get_tensor().set_names({input_name or spec.sensor})
        values = ops.divide(ops.convert(frame, "f32"), ops.constant(np.float32(255)))
        pixels = int(np.prod(spec.shape))
        flat = ops.reshape(values, ops.constant(np.array([-1, pixels])), special_zero=False)
        lidars = [] if spec.lidar is None else [ops.parameter([-1, spec.lidar.size], ov.Type.f32)]
        if spec.lidar is not None:
            lidars[0].output(0).get_tensor().set_names({spec.lidar.sensor})
            flat = ops.concat([flat, lidars[0]], 1)
        raw = ops.matmul(flat, ops.constant(self.weights), False, False)
        if not_a_number:
            raw = ops.log(ops.subtract(raw, ops.constant(np.float32(1e9))))
        head = ops.tanh(raw) if isinstance(actions, ContinuousActions) else ops.softmax(raw, 1)
        head.output(0).get_tensor().set_names({output_name})
        parameters = [frame, *lidars, *(ops.parameter([1], ov.Type.f32) for _ in range(inputs - 1))]
        heads = [head] if inputs == 1 else [ops.add(head, parameters[-1])]
        if inputs > 1:
            heads[0].output(0).get_tensor().set_names({output_name})
        model = ov.Model(heads, parameters, "policy")
        if not foreign:
            model.set_rt_info((contract_inside or self.contract).to_json(), list(RT_INFO))
        ov.save_model(model, str(folder / "model.xml"), compress_to_fp16=fp16)
        return (folder / "model.xml").read_bytes(), (folder / "model.bin").read_bytes()


def make_network(contract: Contract, seed: int = 0) -> Network:
    """A network with random weights, whose outputs differ from frame to frame."""
    rng = np.random.default_rng(seed)
    lidar = contract.observation.lidar
    size = int(np.prod(contract.observation.shape)) + (0 if lidar is None else lidar.size)
    return Network(contract, rng.normal(0, 0.3, (size, contract.actions.size)).astype(np.float32))


def golden_frames(contract: Contract, count: int = 6) -> Any:
    """Random observations."""
    spec, rng = contract.observation, np.random.default_rng(1)
    frames = rng.integers(0, 256, (count, *spec.shape), np.uint8)
    if spec.lidar is None:
        return frames
    return {spec.sensor: frames, spec.lidar.sensor: rng.random((count, spec.lidar.size), np.float32).round()}


ARGUMENTS = ("golden_frames", "golden_outputs", "precision", "origin", "extras")

WriteBundle = Callable[..., Path]
