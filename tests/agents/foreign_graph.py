"""A model.pb as TensorFlow 1 and its tools leave it, encoded here from the public .proto files alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

SHAPES = {
    "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW": (((8, 1, 32, 4), (4, 32, 64, 2), (3, 64, 64, 1)), (11264, 512)),
    "DEEP_CONVOLUTIONAL_NETWORK": (
        ((5, 1, 32, 2), (3, 32, 32, 1), (3, 32, 64, 2), (3, 64, 64, 1)),
        (56000, 64, 512),
    ),
    "DEEP_CONVOLUTIONAL_NETWORK_DEEP": (
        ((8, 1, 32, 4), (4, 32, 32, 2), (4, 32, 64, 2), (3, 64, 64, 1)),
        (1152, 512, 512, 256, 128),
    ),
}


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number * 8) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number * 8 + 2) + varint(len(content)) + content


def shape(dims: Sequence[int]) -> bytes:
    return b"".join(field(2, field(1, dim)) for dim in dims)


def tensor(array: np.ndarray, listed: bool = False) -> bytes:
    kind = {"f": 1, "i": 3, "e": 19}[array.dtype.char]
    head = field(1, kind) + field(2, shape(array.shape))
    if listed and kind == 1:  # float_val, packed, instead of tensor_content
        return head + field(5, array.astype("<f4").tobytes())
    if listed and kind == 19:  # half_val: the bits as whole numbers
        return head + field(13, b"".join(varint(int(v)) for v in array.reshape(-1).view(np.uint16)))
    return head + field(4, array.tobytes())


def node(name: str, op: str, inputs: Sequence[str] = (), **attributes: bytes) -> bytes:
    pairs = (field(5, field(1, key) + field(2, value)) for key, value in attributes.items())
    return field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs) + b"".join(pairs)


FLOAT, INT = field(6, 1), field(6, 3)


class Builder:
    """Collects nodes; weights are frozen variables, read through an Identity, or as a tool folded them."""

    def __init__(self, *, half: bool = False, folded: bool = False, listed: bool = False) -> None:
        self.nodes: list[bytes] = []
        self.half, self.folded, self.listed = half, folded, listed

    def add(self, name: str, op: str, inputs: Sequence[str] = (), **attributes: bytes) -> str:
        self.nodes.append(node(name, op, inputs, **attributes))
        return name

    def constant(self, name: str, array: np.ndarray) -> str:
        kind = field(6, {"f": 1, "i": 3, "e": 19}[array.dtype.char])
        return self.add(name, "Const", dtype=kind, value=field(8, tensor(array, self.listed)))

    def variable(self, name: str, array: np.ndarray) -> str:
        if self.folded:
            return self.constant(f"ConstantFolding/{name}/read", array)
        if self.half:
            return self.add(
                f"{name}/read", "Cast", [self.constant(name, array.astype(np.float16))], DstT=FLOAT
            )
        return self.add(f"{name}/read", "Identity", [self.constant(name, array)], T=FLOAT)


def weights(network: str, outputs: int, sac: bool = False, seed: int = 0):
    """(convolutions, dense layers) of (kernel, bias) in TensorFlow's order."""
    rng = np.random.default_rng(seed)
    convolutions, dense = SHAPES[network]
    widths = [*dense, *([256] if sac else []), outputs]

    def layer(*size: int):
        spread = np.sqrt(2.0 / np.prod(size[:-1]))
        kernel = (rng.standard_normal(size) * spread).astype(np.float32)
        return kernel, (rng.standard_normal(size[-1]) * 0.1).astype(np.float32)

    return (
        [(*layer(k, k, i, o), stride) for k, i, o, stride in convolutions],
        [layer(i, o) for i, o in pairwise(widths)],
    )


def model_pb(
    network: str,
    outputs: int,
    *,
    sensor: str = "FRONT_FACING_CAMERA",
    algorithm: str = "ppo",
    discrete: bool = True,
    prefix: str = "",
    half: bool = False,
    folded: bool = False,
    listed: bool = False,
    backwards: bool = False,
    without: str = "",
    seed: int = 0,
) -> bytes:
    """A frozen policy with names as in the original, and a value head that nobody pruned."""
    sac = algorithm == "sac"
    convolutions, dense = weights(network, 2 * outputs if sac else outputs, sac, seed)
    root = prefix or f"main_level/agent/{'policy' if sac else 'main'}/online/network_1"
    placeholder = f"{root.rpartition('/')[0]}/network_0/{sensor}/{sensor}"
    b = Builder(half=half, folded=folded, listed=listed)
    last = b.add(placeholder, "Placeholder", dtype=FLOAT, shape=field(7, shape([-1, 120, 160, 1])))
    last = b.add(f"{root}/{sensor}/Identity", "Identity", [last], T=FLOAT)
    if folded:  # a division became a product with the reciprocal, given first
        recip = b.constant(f"ConstantFolding/{root}/truediv_recip", np.array(1 / 255, np.float32))
        last = b.add(f"{root}/truediv", "Mul", [recip, last], T=FLOAT)
    else:
        low = b.constant(f"{root}/sub/y", np.array(0.0, np.float32))
        last = b.add(f"{root}/sub", "Sub", [last, low], T=FLOAT)
        scale = b.constant(f"{root}/truediv/y", np.array(255.0, np.float32))
        last = b.add(f"{root}/truediv", "RealDiv", [last, scale], T=FLOAT)
    for i, (kernel, bias, stride) in enumerate(convolutions):
        name = f"{root}/{sensor}/Conv2d_{i}"
        strides = field(1, field(3, b"".join(varint(s) for s in (1, stride, stride, 1))))
        k, c = b.variable(f"{name}/kernel", kernel), b.variable(f"{name}/bias", bias)
        last = b.add(
            f"{name}/Conv2D", "Conv2D", [last, k], T=FLOAT, strides=strides,
            padding=field(2, "VALID"), data_format=field(2, "NHWC"),
        )  # fmt: skip
        last = b.add(f"{name}/BiasAdd", "BiasAdd", [last, c], T=FLOAT, data_format=field(2, "NHWC"))
        if without != f"relu{i}":
            last = b.add(f"{root}/{sensor}/activation_{i}", "Relu", [last], T=FLOAT)
    # flatten as tf.contrib's: the batch's size, taken from the shape, and -1
    form = b.add(f"{root}/flatten/Shape", "Shape", [last], T=FLOAT)
    ends = [b.constant(f"{root}/flatten/{n}", np.array([n], np.int32)) for n in (0, 1)]
    batch = b.add(f"{root}/flatten/strided_slice", "StridedSlice", [form, *ends, ends[1]], T=INT)
    rest = b.constant(f"{root}/flatten/Reshape/shape/1", np.array(-1, np.int32))
    packed = b.add(f"{root}/flatten/Reshape/shape", "Pack", [batch, rest], T=INT)
    last = b.add(f"{root}/flatten/Reshape", "Reshape", [last, packed], T=FLOAT)
    head = f"{root}/{'sac_policy_head_0' if sac else 'ppo_head_0'}"
    for i, (kernel, bias) in enumerate(dense):
        name = f"{head}/dense" if i == len(dense) - 1 else f"{root}/Dense_{i}"
        k, c = b.variable(f"{name}/kernel", kernel), b.variable(f"{name}/bias", bias)
        last = b.add(f"{name}/MatMul", "MatMul", [last, k], T=FLOAT)
        last = b.add(f"{name}/BiasAdd", "BiasAdd", [last, f"{c}:0", "^" + form], T=FLOAT)
        if i < len(dense) - 1:
            last = b.add(f"{name}/Relu", "Relu", [last], T=FLOAT)
            if i == len(dense) - 2:
                value = b.variable(f"{root}/v_head/kernel", np.ones((len(bias), 1), np.float32))
                b.add(f"{root}/v_head_0/output", "MatMul", [last, value], T=FLOAT)
    if sac:
        names = ("strided_slice/stack", "strided_slice/stack_1", "strided_slice/stack_2")
        values = ([0, 0], [0, outputs], [1, 1])
        bounds = [
            b.constant(f"{head}/{n}", np.array(v, np.int32)) for n, v in zip(names, values, strict=True)
        ]
        last = b.add(
            f"{head}/strided_slice", "StridedSlice", [last, *bounds], T=FLOAT,
            ellipsis_mask=field(3, 1), begin_mask=field(3, 2),
        )  # fmt: skip
    b.add(f"{head}/policy", "Softmax" if discrete else "Identity", [last], T=FLOAT)
    nodes = b.nodes[::-1] if backwards else b.nodes
    return b"".join(field(1, one) for one in nodes) + field(4, field(1, 27))


def said(network: str, outputs: int, frames: np.ndarray, *, sac: bool = False, seed: int = 0) -> np.ndarray:
    """What that policy says before its Softmax, by plain numpy, for frames (N, 120, 160, 1)."""
    convolutions, dense = weights(network, 2 * outputs if sac else outputs, sac, seed)
    x = frames.astype(np.float64) / 255
    for kernel, bias, stride in convolutions:
        size = kernel.shape[0]
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
        windows = windows[:, ::stride, ::stride]  # (N, h, w, c, size, size)
        x = np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel, optimize=True) + bias, 0)
    x = x.reshape(len(x), -1)
    for i, (kernel, bias) in enumerate(dense):
        x = x @ kernel + bias
        x = np.maximum(x, 0) if i < len(dense) - 1 else x
    return x[:, :outputs]
