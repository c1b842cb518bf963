"""A driving policy as a TensorFlow graph, in the form and with the names of DeepRacer's `model.pb`.

Source of the names: the car's own software (aws-deepracer-model-optimizer-pkg and -inference-pkg), which
picks inputs by the sensor in their name and takes the pruned graph's one output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.errors import BundleError
from hairpin.edge.graphdef import FLOAT, DType, Node, Shape, read_graph, write_graph

Floats = NDArray[np.float32]
_INT32: Final = 3
_PASSING: Final = ("Identity", "Softmax", "Tanh", "Maximum", "Minimum", "StopGradient", "Cast")
_PLAIN: Final = ("Relu", "Identity", "Reshape", "Squeeze", "Flatten", "Cast", "StopGradient")
_CIRCLE: Final = "its nodes go round in a circle: it is corrupt"
_HALVING: Final = ("StridedSlice", "Split")  # of means and spreads that one layer says together


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
class PolicyGraph:
    """A policy from a frame (B, h, w, c) of 0 to 255 to what it says.

    Attributes:
        sensor: Name of the sensor.
        algorithm: "ppo" or "sac".
        shape: (h, w, c) of the frame.
        convolutions: Without padding, a ReLU after each.
        dense: A ReLU after each but the last, which gives what the policy says.
        end: What follows: "Softmax", "Tanh" or "Identity".
    """

    sensor: str
    algorithm: str
    shape: tuple[int, int, int]
    convolutions: tuple[Layer, ...]
    dense: tuple[Layer, ...]
    end: str


def to_bytes(policy: PolicyGraph, half: bool = False) -> bytes:
    """The graph as the bytes of a `model.pb`; `half` stores the weights in half precision."""
    root = f"main_level/agent/{'main' if policy.algorithm == 'ppo' else 'policy'}/online"
    trunk = f"{root}/network_1/{policy.sensor}"
    head = f"{root}/network_1/{'ppo_head_0' if policy.algorithm == 'ppo' else 'sac_policy_head_0'}"
    graph = _Writer(half)
    last = f"{root}/network_0/{policy.sensor}/{policy.sensor}"
    graph.add(last, "Placeholder", (), dtype=DType(FLOAT), shape=Shape((-1, *policy.shape)))
    last = graph.add(f"{trunk}/truediv", "RealDiv", (last, graph.constant(f"{trunk}/truediv/y", 255.0)))
    for i, layer in enumerate(policy.convolutions):
        name = f"{trunk}/Conv2d_{i}"
        window = [1, layer.stride, layer.stride, 1]
        kernel = graph.weights(f"{name}/kernel", layer.kernel)
        last = graph.add(
            f"{name}/Conv2D", "Conv2D", (last, kernel), strides=window, padding=b"VALID",
            data_format=b"NHWC", dilations=[1, 1, 1, 1], explicit_paddings=b"",
        )  # fmt: skip
        bias = graph.weights(f"{name}/bias", layer.bias)
        last = graph.add(f"{name}/BiasAdd", "BiasAdd", (last, bias), data_format=b"NHWC")
        last = graph.add(f"{name}/Relu", "Relu", (last,))
    size = len(policy.dense[0].kernel)
    shape = graph.constant(f"{trunk}/flatten/shape", np.array([-1, size], np.int32))
    last = graph.add(f"{trunk}/flatten/Reshape", "Reshape", (last, shape), Tshape=DType(_INT32))
    for i, layer in enumerate(policy.dense):
        name = f"{head}/dense" if i == len(policy.dense) - 1 else f"{root}/network_1/Dense_{i}"
        kernel = graph.weights(f"{name}/kernel", layer.kernel)
        last = graph.add(f"{name}/MatMul", "MatMul", (last, kernel), transpose_a=False, transpose_b=False)
        bias = graph.weights(f"{name}/bias", layer.bias)
        last = graph.add(f"{name}/BiasAdd", "BiasAdd", (last, bias), data_format=b"NHWC")
        if i < len(policy.dense) - 1:
            last = graph.add(f"{name}/Relu", "Relu", (last,))
    graph.add(f"{head}/policy", policy.end, (last,))
    return write_graph(graph.nodes)


class _Writer:
    """Collects nodes."""

    def __init__(self, half: bool) -> None:
        self.nodes: list[Node] = []
        self.half = half

    def add(self, name: str, op: str, inputs: tuple[str, ...], **attributes: Any) -> str:
        kind = {} if op in ("Placeholder", "Const", "Cast") else {"T": DType(FLOAT)}
        attributes = {key: value for key, value in attributes.items() if key != "explicit_paddings"}
        self.nodes.append(Node(name, op, inputs, {**kind, **attributes}))
        return name

    def constant(self, name: str, value: Any) -> str:
        array = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        number = {"f": FLOAT, "i": _INT32, "e": 19}[array.dtype.char]
        return self.add(name, "Const", (), dtype=DType(number), value=array)

    def weights(self, name: str, value: Floats) -> str:
        if not self.half:
            return self.constant(name, value.astype(np.float32))
        stored = self.constant(name, value.astype(np.float16))
        return self.add(f"{name}/float", "Cast", (stored,), SrcT=DType(19), DstT=DType(FLOAT))


def from_bytes(content: bytes) -> PolicyGraph:
    """The policy in a `model.pb`, found by following its operations; names matter for the output alone.

    Raises:
        BundleError: It is no such graph, or holds an operation that DeepRacer's networks do not have.
    """
    nodes = read_graph(content)
    output = _output(nodes)
    algorithm = "sac" if "sac_policy_head" in output.name else "ppo"
    end, columns, node = _head(nodes, output)
    layers: list[Layer] = []
    bent = False  # whether a ReLU lies between the last layer found and the node
    scale, offset, scaled = 1.0, 0.0, False
    for _ in range(len(nodes)):
        if node.op == "Placeholder":
            break
        if node.op in ("BiasAdd", "Add", "AddV2") and _is_layer(nodes, node):
            if (layers and not bent) or scaled:
                raise BundleError(
                    f"its layer {node.name[:100]!r} has no ReLU after it: no DeepRacer network does"
                )
            layer, node = _layer(nodes, node)
            layers.append(layer)
            bent = False
        elif node.op in ("RealDiv", "Mul", "Sub", "Add", "AddV2"):
            scale, offset = _affine(nodes, node, scale, offset)
            scaled, node = True, _data(nodes, node)
        elif node.op in _PLAIN:
            bent = bent or node.op == "Relu"
            node = _source(nodes, node)
        else:
            raise BundleError(
                f"its node {node.name[:100]!r} is {node.op[:40]!r}, which no DeepRacer network has"
            )
    else:
        raise BundleError(_CIRCLE)
    ranks = [layer.kernel.ndim for layer in layers]
    if sorted(ranks) != ranks or {2, 4} - set(ranks):
        raise BundleError("it has no convolutions and dense layers in a row: give a DeepRacer model")
    dense = [layer for layer in layers if layer.kernel.ndim == 2]
    dense[0] = Layer(dense[0].kernel[:, columns], dense[0].bias[columns])
    convolutions = [layer for layer in reversed(layers) if layer.kernel.ndim == 4]
    convolutions[0] = _fold(convolutions[0], scale, offset)
    shape = node.attributes.get("shape")
    dims = shape.dims if isinstance(shape, Shape) else ()
    size = (dims[1], dims[2], dims[3]) if len(dims) == 4 and min(dims[1:]) > 0 else (120, 160, 1)
    sensor = node.name.rpartition("/")[2]
    return PolicyGraph(sensor, algorithm, size, tuple(convolutions), tuple(reversed(dense)), end)


def _head(nodes: Mapping[str, Node], node: Node) -> tuple[str, slice, Node]:
    """What follows the last layer: how the graph ends, which of its columns are taken; and its node."""
    end, columns = "Identity", slice(None)
    for _ in range(len(nodes)):
        if node.op in _HALVING:
            columns = _columns(nodes, node)
        elif node.op in ("Softmax", "Tanh"):
            end = node.op
        elif node.op not in _PASSING:
            return end, columns, node
        node = _source(nodes, node, 1) if node.op == "Split" else _data(nodes, node)
    raise BundleError(_CIRCLE)


def _columns(nodes: Mapping[str, Node], node: Node) -> slice:
    """The columns that a node takes of a layer that says means and spreads together."""
    if node.op == "Split":
        return slice(0, 2)  # the first half: steering and speed
    bounds = [_constant(nodes, _source(nodes, node, which)) for which in (1, 2)]
    if any(bound is None or bound.size == 0 for bound in bounds):
        raise BundleError(
            f"its node {node.name[:100]!r} takes a part that is no constant: freeze the graph first"
        )
    first, last = (int(bound.reshape(-1)[-1]) for bound in bounds if bound is not None)
    masks = (node.attributes.get(name, 0) for name in ("begin_mask", "end_mask"))
    bit = 1 << (bounds[0].size - 1) if bounds[0] is not None else 0
    open_first, open_last = (isinstance(mask, int) and bool(mask & bit) for mask in masks)
    return slice(None if open_first else first, None if open_last else last)


def _output(nodes: Mapping[str, Node]) -> Node:
    for node in nodes.values():
        if node.name.endswith(("ppo_head_0/policy", "sac_policy_head_0/policy")):
            return node
    taken = {source for node in nodes.values() for source in node.inputs}
    ends = [node for node in nodes.values() if node.name not in taken and node.op not in ("Const", "NoOp")]
    if len(ends) != 1:
        raise BundleError(
            "it has no node .../ppo_head_0/policy or .../sac_policy_head_0/policy: give the frozen policy"
        )
    return ends[0]


def _source(nodes: Mapping[str, Node], node: Node, which: int = 0) -> Node:
    if which >= len(node.inputs) or node.inputs[which] not in nodes:
        raise BundleError(f"its node {node.name[:100]!r} takes something that is not there: it is truncated")
    return nodes[node.inputs[which]]


def _data(nodes: Mapping[str, Node], node: Node) -> Node:
    """What a node with two inputs takes beside a constant; its only input else."""
    first = _source(nodes, node)
    return _source(nodes, node, 1) if len(node.inputs) > 1 and _constant(nodes, first) is not None else first


def _constant(nodes: Mapping[str, Node], node: Node) -> NDArray[Any] | None:
    """The constant that a node is, through what only passes it on."""
    for _ in range(8):
        if node.op == "Const":
            value = node.attributes.get("value")
            return value if isinstance(value, np.ndarray) else None
        if node.op not in ("Identity", "ReadVariableOp", "Cast", "Enter"):
            return None
        node = _source(nodes, node)
    return None


def _is_layer(nodes: Mapping[str, Node], node: Node) -> bool:
    return _source(nodes, node).op in ("MatMul", "Conv2D")


def _layer(nodes: Mapping[str, Node], node: Node) -> tuple[Layer, Node]:
    """A layer from its last node, and what it takes."""
    product = _source(nodes, node)
    bias = _constant(nodes, _source(nodes, node, 1))
    kernel = _constant(nodes, _source(nodes, product, 1))
    where = f"its layer {product.name[:100]!r}"
    rank = 4 if product.op == "Conv2D" else 2
    if bias is None or kernel is None:
        raise BundleError(f"{where} has weights that are no constants: freeze the graph first")
    if product.attributes.get("transpose_b"):
        kernel = kernel.T
    if kernel.ndim != rank or bias.shape != kernel.shape[-1:]:
        raise BundleError(f"{where} has weights {kernel.shape} and {bias.shape}, which do not fit")
    for array in (kernel, bias):
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise BundleError(f"{where} has weights that are no finite numbers")
    stride = 1
    if rank == 4:
        strides = product.attributes.get("strides")
        if (
            product.attributes.get("padding") != b"VALID"
            or product.attributes.get("data_format", b"NHWC") != b"NHWC"
            or not isinstance(strides, list)
            or len(strides) != 4
        ):
            raise BundleError(
                f"{where} is padded, has no stride or channels first: no DeepRacer network does that"
            )
        stride = strides[1]
    return Layer(kernel.astype(np.float32), bias.astype(np.float32), stride), _source(nodes, product)


def _affine(nodes: Mapping[str, Node], node: Node, scale: float, offset: float) -> tuple[float, float]:
    """What later layers see is scale * x + offset of this node; the same of what this node takes."""
    value = _constant(nodes, _source(nodes, node, 1))
    if value is None and node.op in ("Mul", "Add", "AddV2"):
        value = _constant(nodes, _source(nodes, node))
    if (
        value is None
        or value.size != 1
        or not np.isfinite(value).all()
        or (node.op == "RealDiv" and not value.any())
    ):
        raise BundleError(
            f"its node {node.name[:100]!r} scales by what is no number: no DeepRacer network does"
        )
    number = float(value.reshape(-1)[0])
    if node.op in ("RealDiv", "Mul"):
        return scale * (1 / number if node.op == "RealDiv" else number), offset
    return scale, offset + scale * (-number if node.op == "Sub" else number)


def _fold(layer: Layer, scale: float, offset: float) -> Layer:
    """The first layer for frames of 0 to 1, whatever scaling the graph has before it."""
    bias = layer.bias + np.float32(offset) * layer.kernel.sum((0, 1, 2))
    return Layer((layer.kernel * np.float32(scale * 255.0)), bias.astype(np.float32), layer.stride)
