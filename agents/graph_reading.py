"""A driving policy from a TensorFlow graph, found by following its operations back from what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import CAMERA_SENSORS
from hairpin.edge.errors import BundleError
from hairpin.edge.graphdef import Node, Shape, read_graph

from .policy_graph import Branch, Layer, PolicyGraph, flat_size

_PASSING: Final = ("Identity", "Softmax", "Tanh", "Maximum", "Minimum", "StopGradient", "Cast")
_PLAIN: Final = ("Relu", "Identity", "Reshape", "Squeeze", "Flatten", "Cast", "StopGradient")
_JOINING: Final = ("ConcatV2", "Concat")
_CIRCLE: Final = "its nodes go round in a circle: it is corrupt"
_HALVING: Final = ("StridedSlice", "Split")  # of means and spreads that one layer says together
_NO_ROW: Final = "no convolutions and dense layers in a row: give a DeepRacer model"


@dataclass
class _Way:
    """Layers met on the way back from a node, the last one first, and where the way ends."""

    node: Node
    layers: list[Layer] = field(default_factory=list)
    scale: float = 1.0
    offset: float = 0.0
    scaled: bool = False

    def of_rank(self, rank: int) -> list[Layer]:
        """Convolutions (4) or dense layers (2), the last one first."""
        return [layer for layer in self.layers if layer.kernel.ndim == rank]


def from_bytes(content: bytes) -> PolicyGraph:
    """The policy in a `model.pb`, found by following its operations; names matter for the output alone.

    Raises:
        BundleError: It is no such graph, or holds an operation that DeepRacer's networks do not have.
    """
    nodes = read_graph(content)
    output = _output(nodes)
    algorithm = "sac" if "sac_policy_head" in output.name else "ppo"
    end, columns, node = _head(nodes, output)
    way = _follow(nodes, node, bent=True)
    dense = way.of_rank(2)
    branches: tuple[Branch, ...]
    if way.node.op == "Placeholder":
        branches = (_branch(way, own=False),)
    else:
        if way.of_rank(4) or way.scaled:
            raise BundleError("it joins its sensors before its convolutions: no DeepRacer network does")
        ends = [_source(nodes, way.node, k) for k in range(len(way.node.inputs))]
        branches = tuple(_branch(_follow(nodes, end), own=True) for end in ends if end.op != "Const")
    if not dense:
        raise BundleError(f"it has {_NO_ROW}")
    dense[0] = Layer(dense[0].kernel[:, columns], dense[0].bias[columns])
    return PolicyGraph(algorithm, branches, tuple(reversed(dense)), end)


def _follow(nodes: Mapping[str, Node], node: Node, bent: bool = False) -> _Way:
    """Go back to a sensor, or to where sensors are joined; `bent` says that no ReLU needs to come first."""
    way = _Way(node)
    for _ in range(len(nodes)):
        if way.node.op in ("Placeholder", *_JOINING):
            return way
        if way.node.op in ("BiasAdd", "Add", "AddV2") and _is_layer(nodes, way.node):
            if not bent or way.scaled:
                raise BundleError(
                    f"its layer {way.node.name[:100]!r} has no ReLU after it: no DeepRacer network does"
                )
            layer, way.node = _layer(nodes, way.node)
            way.layers.append(layer)
            bent = False
        elif way.node.op in ("RealDiv", "Mul", "Sub", "Add", "AddV2"):
            way.scale, way.offset = _affine(nodes, way.node, way.scale, way.offset)
            way.scaled, way.node = True, _data(nodes, way.node)
        elif way.node.op in _PLAIN:
            bent = bent or way.node.op == "Relu"
            way.node = _source(nodes, way.node)
        else:
            raise BundleError(
                f"its node {way.node.name[:100]!r} is {way.node.op[:40]!r}, which no DeepRacer network has"
            )
    raise BundleError(_CIRCLE)


def _branch(way: _Way, own: bool) -> Branch:
    """A sensor's layers, from the way back to it; dense ones count only where it is one of several."""
    sensor = way.node.name.rpartition("/")[2][:100]
    shape = way.node.attributes.get("shape")
    dims = shape.dims[1:] if isinstance(shape, Shape) else ()
    ranks = [layer.kernel.ndim for layer in way.layers]
    convolutions = way.of_rank(4)[::-1]
    dense = way.of_rank(2)[::-1] if own else []
    frame = not own or bool(convolutions) or sensor in CAMERA_SENSORS
    if sorted(ranks) != ranks or (not convolutions if frame else not dense):
        raise BundleError(f"its {sensor} has {_NO_ROW}")
    if not frame:
        bias = dense[0].bias + np.float32(way.offset) * dense[0].kernel.sum(0)
        dense[0] = Layer(dense[0].kernel * np.float32(way.scale), bias.astype(np.float32))
        return Branch(sensor, (len(dense[0].kernel),), (), tuple(dense))
    convolutions[0] = _fold(convolutions[0], way.scale, way.offset)
    size = dims if len(dims) == 3 and min(dims) > 0 else (120, 160, convolutions[0].kernel.shape[2])
    branch = Branch(sensor, size, tuple(convolutions), tuple(dense))
    if flat_size(branch) < 1:
        raise BundleError(f"the frame {list(size)} of {sensor} is too small for its convolutions")
    return branch


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
