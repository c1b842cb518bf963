"""GraphDef: what is written is read back, and what is broken is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairpin.edge import protobuf
from hairpin.edge.errors import BundleError
from hairpin.edge.graphdef import DType, Node, Shape, read_graph, write_graph


def constant(array) -> Node:
    return Node("c", "Const", (), {"value": np.asarray(array), "dtype": DType(1)})


def tensor(kind: int, shape: tuple[int, ...], values: bytes) -> bytes:
    """A graph of one constant whose tensor is given byte by byte."""
    dims = b"".join(protobuf.text(2, protobuf.number(1, dim)) for dim in shape)
    proto = protobuf.number(1, kind) + protobuf.text(2, dims) + values
    entry = protobuf.text(1, "value") + protobuf.text(2, protobuf.text(8, proto))
    return protobuf.text(1, protobuf.text(1, "c") + protobuf.text(2, "Const") + protobuf.text(5, entry))


@pytest.mark.parametrize("kind", ["<f4", "<f2", "<i4", "<i8", "?"])
def test_constants_come_back(kind) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 5).astype(kind)
    value = read_graph(write_graph([constant(array)]))["c"].attributes["value"]
    assert value.dtype == array.dtype and np.array_equal(value, array)


def test_attributes_and_inputs_come_back() -> None:
    node = Node(
        "n",
        "Conv2D",
        ("a", "b"),
        {"strides": [1, 2, 2, 1], "padding": b"VALID", "t": True, "k": -3, "f": 0.5},
    )
    found = read_graph(write_graph([node, Node("p", "Placeholder", (), {"shape": Shape((-1, 120))})]))
    assert found["n"].inputs == ("a", "b")
    assert found["n"].attributes == node.attributes
    assert found["p"].attributes["shape"] == Shape((-1, 120))


def test_listed_values() -> None:
    floats = protobuf.text(5, np.array([1, 2, 3], "<f4").tobytes())
    halves = protobuf.text(
        13, b"".join(protobuf.varint(int(b)) for b in np.array([1, -2], "<f2").view("<u2"))
    )
    for kind, values, expected in ((1, floats, [1, 2, 3, 3]), (19, halves, [1, -2, -2, -2])):
        value = read_graph(tensor(kind, (2, 2), values))["c"].attributes["value"]
        assert value.ravel().tolist() == expected
    assert read_graph(tensor(1, (2,), protobuf.single(5, 7.0)))["c"].attributes["value"].tolist() == [7, 7]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "no graph"),
        (b"\x0a\xff", "truncated"),
        (b"\x0b\x00", "no protobuf"),
        (b"\xff" * 20, "no protobuf"),
        (tensor(1, (2, 2), protobuf.text(4, b"1234")), "has 4 bytes, not 16"),
        (tensor(1, (2**40, 2**40), b""), "impossible shape"),
        (tensor(1, (-5,), b""), "impossible shape"),
        (tensor(1, (1,), protobuf.text(5, b"12345678")), "lists 2 values"),
        (tensor(1, (1,), protobuf.text(5, b"12345")), "cut off"),
    ],
)
def test_broken_graphs_are_refused(content, text) -> None:
    with pytest.raises(BundleError, match=text):
        read_graph(content)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_crash_the_reader(noise, cut) -> None:
    good = write_graph([constant(np.ones((3, 4), np.float32)), Node("x", "Relu", ("c",))])
    for content in (noise, good[:cut], good[: cut // 2] + noise + good[cut // 2 :]):
        try:
            read_graph(content)
        except BundleError as error:
            assert "\n" not in str(error)
