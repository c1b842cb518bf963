"""TensorFlow's GraphDef, the form of DeepRacer's `model.pb`: written and read without TensorFlow.

Source of the field numbers: graph, node_def, attr_value, tensor, tensor_shape and types.proto of
tensorflow/core/framework.
Only frozen graphs are meant: nodes and constants, no variables and no functions.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import protobuf
from .errors import BundleError
from .protobuf import BYTES, FOUR_BYTES, VARINT, Field

#: Element types by their numbers in types.proto.
DTYPES: Final[Mapping[int, np.dtype[Any]]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    4: np.dtype("u1"),
    9: np.dtype("<i8"),
    10: np.dtype("?"),
    19: np.dtype("<f2"),
}
FLOAT: Final = 1
_TYPE_NUMBERS: Final = {dtype: number for number, dtype in DTYPES.items()}
_PRODUCER: Final = 22  # GraphDef version that TensorFlow 1.12 wrote; all later ones read it
_MOST_NODES: Final = 100_000
_LARGEST_TENSOR: Final = 2**26  # elements; the largest layer of DeepRacer's networks has 5.8 million
#: Fields of a TensorProto that list values: element width of the fixed form, 0 for varints.
_VALUE_FIELDS: Final = {5: "<f4", 6: "<f8", 7: "", 10: "", 11: "", 13: ""}


@dataclass(frozen=True)
class DType:
    """An attribute that is an element type, by its number in `DTYPES`."""

    number: int


@dataclass(frozen=True)
class Shape:
    """An attribute that is a shape; -1 stands for any length."""

    dims: tuple[int, ...]


Attribute = DType | Shape | bytes | int | float | bool | NDArray[Any] | list[int]


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a graph.

    Attributes:
        name: Its name.
        op: What it computes, such as "Conv2D".
        inputs: Names of the nodes that it takes, without output numbers; control inputs are left out.
        attributes: Its settings. Those of kinds that no network here needs are left out when reading.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


def write_graph(nodes: Iterable[Node]) -> bytes:
    """A graph as the bytes of a `model.pb`; the same graph gives the same bytes."""
    versions = protobuf.text(4, protobuf.number(1, _PRODUCER))
    return b"".join(protobuf.text(1, _write_node(node)) for node in nodes) + versions


def read_graph(content: bytes) -> dict[str, Node]:
    """The nodes of a `model.pb` by name.

    Raises:
        BundleError: It is no GraphDef, or truncated, corrupt or too large.
    """
    nodes: dict[str, Node] = {}
    for number, form, value in protobuf.fields(content):
        if number == 1:
            node = _read_node(_message(form, value))
            if node.name in nodes or len(nodes) >= _MOST_NODES:
                raise BundleError(f"its node {node.name[:100]!r} is there twice, or it has too many nodes")
            nodes[node.name] = node
    if not nodes:
        raise BundleError("it holds no graph: give a frozen TensorFlow graph")
    return nodes


def _write_node(node: Node) -> bytes:
    parts = [protobuf.text(1, node.name), protobuf.text(2, node.op)]
    parts += [protobuf.text(3, name) for name in node.inputs]
    for name, value in sorted(node.attributes.items()):
        parts.append(protobuf.text(5, protobuf.text(1, name) + protobuf.text(2, _write_attribute(value))))
    return b"".join(parts)


def _write_attribute(value: Attribute) -> bytes:
    if isinstance(value, DType):
        return protobuf.number(6, value.number)
    if isinstance(value, Shape):
        return protobuf.text(7, _write_shape(value.dims))
    if isinstance(value, np.ndarray):
        return protobuf.text(8, _write_tensor(value))
    if isinstance(value, bytes):
        return protobuf.text(2, value)
    if isinstance(value, bool):
        return protobuf.number(5, value)
    if isinstance(value, float):
        return protobuf.single(4, value)
    if isinstance(value, list):
        packed = b"".join(protobuf.varint(item) for item in value)
        return protobuf.text(1, protobuf.text(3, packed))
    return protobuf.number(3, value)


def _write_shape(dims: Iterable[int]) -> bytes:
    return b"".join(protobuf.text(2, protobuf.number(1, dim)) for dim in dims)


def _write_tensor(array: NDArray[Any]) -> bytes:
    kind = array.dtype.newbyteorder("<") if array.dtype.itemsize > 1 else array.dtype
    content = np.ascontiguousarray(array, kind).tobytes()
    return (
        protobuf.number(1, _TYPE_NUMBERS[kind])
        + protobuf.text(2, _write_shape(array.shape))
        + protobuf.text(4, content)
    )


def _read_node(message: memoryview) -> Node:
    name = op = ""
    inputs: list[str] = []
    attributes: dict[str, Attribute] = {}
    for number, form, value in protobuf.fields(message):
        if number == 1:
            name = _text(form, value)
        elif number == 2:
            op = _text(form, value)
        elif number == 3:
            inputs.append(_text(form, value))
        elif number == 5:
            key, attribute = _read_entry(_message(form, value))
            if attribute is not None:
                attributes[key] = attribute
    taken = tuple(source.partition(":")[0] for source in inputs if not source.startswith("^"))
    return Node(name, op, taken, attributes)


def _read_entry(message: memoryview) -> tuple[str, Attribute | None]:
    key, attribute = "", None
    for number, form, value in protobuf.fields(message):
        if number == 1:
            key = _text(form, value)
        elif number == 2:
            for item in protobuf.fields(_message(form, value)):
                attribute = _read_attribute(item)
    return key, attribute


def _read_attribute(item: Field) -> Attribute | None:
    number, form, value = item
    if isinstance(value, int):
        kinds: dict[int, Attribute] = {3: protobuf.signed(value), 5: bool(value), 6: DType(value)}
        return kinds.get(number)
    if number == 2:
        return bytes(value)
    if number == 4 and form == FOUR_BYTES:
        return float(struct.unpack("<f", value)[0])
    if number == 7:
        return Shape(_read_shape(value))
    if number == 8:
        return _read_tensor(value)
    if number == 1:
        return _read_list(value)
    return None


def _read_list(message: memoryview) -> list[int] | None:
    numbers: list[int] = []
    for number, form, value in protobuf.fields(message):
        if number == 3:
            numbers += _varints(form, value)
    return numbers or None


def _read_shape(message: memoryview) -> tuple[int, ...]:
    dims: list[int] = []
    for number, form, value in protobuf.fields(message):
        if number != 2:
            continue
        size = 0  # a zero is not written
        for inner, _, dim in protobuf.fields(_message(form, value)):
            if inner == 1 and isinstance(dim, int):
                size = protobuf.signed(dim)
        dims.append(size)
    return tuple(dims)


def _read_tensor(message: memoryview) -> NDArray[Any] | None:
    """A constant, from its raw bytes or from its listed values, the last of which fills what is left."""
    kind, dims = 0, tuple[int, ...]()
    content, listed = b"", list[NDArray[Any]]()
    for number, form, value in protobuf.fields(message):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2:
            dims = _read_shape(_message(form, value))
        elif number == 4:
            content = bytes(_message(form, value))
        elif number in _VALUE_FIELDS:
            listed.append(_listed(number, form, value))
    dtype = DTYPES.get(kind)
    if dtype is None:
        return None  # text, for instance, which belongs to checks at run time
    size = math.prod(dims)
    if not 0 <= size <= _LARGEST_TENSOR or any(dim < 0 for dim in dims):
        raise BundleError(f"a constant has the impossible shape {list(dims)[:8]}")
    if content:
        return _from_bytes(content, dtype, dims)
    return _from_list(listed, dtype, dims)


def _from_bytes(content: bytes, dtype: np.dtype[Any], dims: tuple[int, ...]) -> NDArray[Any]:
    size = math.prod(dims) * dtype.itemsize
    if len(content) != size:
        raise BundleError(f"a constant of shape {list(dims)} has {len(content)} bytes, not {size}")
    return np.frombuffer(content, dtype).reshape(dims)


def _from_list(listed: list[NDArray[Any]], dtype: np.dtype[Any], dims: tuple[int, ...]) -> NDArray[Any]:
    size = math.prod(dims)
    values = np.concatenate(listed) if listed else np.zeros(1)
    if len(values) > size or (len(values) == 0 and size > 0):
        raise BundleError(f"a constant of shape {list(dims)} lists {len(values)} values")
    if dtype == np.float16:  # half precision is listed as the numbers that its bits make
        values = values.astype(np.uint16).view(np.float16)
    return (
        np.pad(values, (0, size - len(values)), mode="edge" if size else "constant")
        .astype(dtype)
        .reshape(dims)
    )


def _listed(number: int, form: int, value: int | memoryview) -> NDArray[Any]:
    fixed = _VALUE_FIELDS[number]
    if not fixed:
        return np.array(_varints(form, value), dtype=np.int64)
    view = _message(BYTES, value)  # packed, or a single one
    if len(view) % np.dtype(fixed).itemsize:
        raise BundleError("a constant's values are cut off: copy it again")
    return np.frombuffer(view, fixed)


def _varints(form: int, value: int | memoryview) -> list[int]:
    if form == VARINT and isinstance(value, int):
        return [protobuf.signed(value)]
    view, position, numbers = _message(form, value), 0, []
    while position < len(view):
        one, position = protobuf.read_varint(view, position)
        numbers.append(protobuf.signed(one))
    return numbers


def _message(form: int, value: int | memoryview) -> memoryview:
    if form != BYTES or isinstance(value, int):
        raise BundleError("it is no TensorFlow graph, or corrupt: copy it again")
    return value


def _text(form: int, value: int | memoryview) -> str:
    try:
        return bytes(_message(form, value)).decode()
    except UnicodeDecodeError:
        raise BundleError("it is no TensorFlow graph, or corrupt: copy it again") from None
