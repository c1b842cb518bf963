"""A driving policy as a TensorFlow graph, in the form and with the names of DeepRacer's `model.pb`.

Source of the names: the car's own software (aws-deepracer-model-optimizer-pkg and -inference-pkg), which
picks inputs by the sensor in their name and takes the pruned graph's one output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.graphdef import FLOAT, DType, Node, Shape, write_graph

Floats = NDArray[np.float32]
_INT32: Final = 3
_HALF: Final = 19


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution or a dense layer, weights in TensorFlow's order.

    Attributes:
        kernel: (height, width, in, out), or (in, out).
        bias: (out,)
        stride: Of a convolution [pixels].
    """

    kernel: Floats
    bias: Floats
    stride: int = 1


@dataclass(frozen=True, eq=False)
class Branch:
    """One sensor's own layers.

    Attributes:
        sensor: Name of the sensor.
        shape: Of what it gives: (h, w, c) of a frame of 0 to 255, or (n,) of a lidar.
        convolutions: Without padding, a ReLU after each.
        dense: A ReLU after each.
    """

    sensor: str
    shape: tuple[int, ...]
    convolutions: tuple[Layer, ...]
    dense: tuple[Layer, ...] = ()


@dataclass(frozen=True, eq=False)
class PolicyGraph:
    """A policy from what the sensors give (B, ...) to what it says.

    Attributes:
        algorithm: "ppo" or "sac".
        branches: The sensors' own layers, in the order in which what they give is joined.
        dense: A ReLU after each but the last, which gives what the policy says.
        end: What follows: "Softmax", "Tanh" or "Identity".
    """

    algorithm: str
    branches: tuple[Branch, ...]
    dense: tuple[Layer, ...]
    end: str

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers: those of the branches, one branch after the other, then the rest."""
        own = (layer for branch in self.branches for layer in (*branch.convolutions, *branch.dense))
        return (*own, *self.dense)


def to_bytes(policy: PolicyGraph, half: bool = False) -> bytes:
    """The graph as the bytes of a `model.pb`; `half` stores the weights in half precision."""
    ppo = policy.algorithm == "ppo"
    root = f"main_level/agent/{'main' if ppo else 'policy'}/online"
    trunk = f"{root}/network_{1 if ppo else 0}"
    head = f"{trunk}/{'ppo_head_0' if ppo else 'sac_policy_head_0'}"
    graph = _Writer(half)
    ends = tuple(_write_branch(graph, branch, root, trunk) for branch in policy.branches)
    last = ends[0]
    if len(ends) > 1:
        axis = graph.constant(f"{trunk}/concat/axis", np.array(1, np.int32))
        last = graph.add(f"{trunk}/concat", "ConcatV2", (*ends, axis), N=len(ends), Tidx=DType(_INT32))
    for i, layer in enumerate(policy.dense[:-1]):
        last = graph.dense(f"{trunk}/Dense_{i}", layer, last)
    last = graph.dense(f"{head}/dense", policy.dense[-1], last, relu=False)
    graph.add(f"{head}/policy", policy.end, (last,))
    return write_graph(graph.nodes)


def _write_branch(graph: _Writer, branch: Branch, root: str, trunk: str) -> str:
    """Write one sensor's nodes; the name of the last."""
    own = f"{trunk}/{branch.sensor}"
    last = f"{root}/network_0/{branch.sensor}/{branch.sensor}"
    graph.add(last, "Placeholder", (), dtype=DType(FLOAT), shape=Shape((-1, *branch.shape)))
    if branch.convolutions:
        last = graph.add(f"{own}/truediv", "RealDiv", (last, graph.constant(f"{own}/truediv/y", 255.0)))
        for i, layer in enumerate(branch.convolutions):
            last = graph.convolution(f"{own}/Conv2d_{i}", layer, last)
        shape = graph.constant(f"{own}/flatten/shape", np.array([-1, flat_size(branch)], np.int32))
        last = graph.add(f"{own}/flatten/Reshape", "Reshape", (last, shape), Tshape=DType(_INT32))
    for i, layer in enumerate(branch.dense):
        last = graph.dense(f"{own}/Dense_{i}", layer, last)
    return last


def flat_size(branch: Branch) -> int:
    """How many values a sensor's frame has become after its convolutions."""
    rows, columns, channels = branch.shape
    for layer in branch.convolutions:
        rows, columns = ((size - layer.kernel.shape[0]) // layer.stride + 1 for size in (rows, columns))
        channels = layer.kernel.shape[3]
    return rows * columns * channels


class _Writer:
    """Collects nodes."""

    def __init__(self, half: bool) -> None:
        self.nodes: list[Node] = []
        self.half = half

    def add(self, name: str, op: str, inputs: tuple[str, ...], **attributes: Any) -> str:
        kind = {} if op in ("Placeholder", "Const", "Cast") else {"T": DType(FLOAT)}
        self.nodes.append(Node(name, op, inputs, {**kind, **attributes}))
        return name

    def constant(self, name: str, value: Any) -> str:
        array = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        number = {"f": FLOAT, "i": _INT32, "e": _HALF}[array.dtype.char]
        return self.add(name, "Const", (), dtype=DType(number), value=array)

    def weights(self, name: str, value: Floats) -> str:
        if not self.half:
            return self.constant(name, value.astype(np.float32))
        stored = self.constant(name, value.astype(np.float16))
        return self.add(f"{name}/float", "Cast", (stored,), SrcT=DType(_HALF), DstT=DType(FLOAT))

    def convolution(self, name: str, layer: Layer, last: str) -> str:
        """A convolution with bias and ReLU."""
        window = [1, layer.stride, layer.stride, 1]
        kernel = self.weights(f"{name}/kernel", layer.kernel)
        last = self.add(
            f"{name}/Conv2D", "Conv2D", (last, kernel), strides=window, padding=b"VALID",
            data_format=b"NHWC", dilations=[1, 1, 1, 1],
        )  # fmt: skip
        bias = self.weights(f"{name}/bias", layer.bias)
        last = self.add(f"{name}/BiasAdd", "BiasAdd", (last, bias), data_format=b"NHWC")
        return self.add(f"{name}/Relu", "Relu", (last,))

    def dense(self, name: str, layer: Layer, last: str, relu: bool = True) -> str:
        """A dense layer with bias, and ReLU."""
        kernel = self.weights(f"{name}/kernel", layer.kernel)
        last = self.add(f"{name}/MatMul", "MatMul", (last, kernel), transpose_a=False, transpose_b=False)
        bias = self.weights(f"{name}/bias", layer.bias)
        last = self.add(f"{name}/BiasAdd", "BiasAdd", (last, bias), data_format=b"NHWC")
        return self.add(f"{name}/Relu", "Relu", (last,)) if relu else last
