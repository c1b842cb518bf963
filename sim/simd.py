"""Sixteen pixels at a time: LLVM's vectors for numba's compiled loops.

numba leaves it to LLVM to find out that neighbouring pixels can be done together, and LLVM gives up at the
first look-up in memory. With these, the code for 16 pixels is written down: a `Lanes` is a vector at the time
when numba generates code, and its operators write the instructions. LLVM fits them to the processor at hand:
one instruction for all lanes with AVX-512, two with AVX2, four on ARM.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llvmlite import ir
from numba.core import cgutils

LANES = 16

_WORD, _REAL, _HALF = ir.IntType(32), ir.FloatType(), ir.IntType(16)
WORDS, _REALS = ir.VectorType(_WORD, LANES), ir.VectorType(_REAL, LANES)
_BYTES, _BITS = ir.VectorType(ir.IntType(8), LANES), ir.VectorType(ir.IntType(1), LANES)
_FUSED = ("contract",)  # a * b + c may be one instruction
_BY_RECIPROCAL = (
    "contract",
    "arcp",
    "ninf",
)  # a / b may go by way of an estimate of 1 / b, made exact to 2^-23


class Lanes:
    """16 integers or floats of 32 bits. Operands may also be single numbers, which then hold for all lanes.

    Args:
        builder: What writes LLVM's instructions.
        value: LLVM's vector, or one number for all lanes.
    """

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value if isinstance(value.type, ir.VectorType) else _in_all_lanes(builder, value)

    def __add__(self, other: Any) -> Lanes:
        return self._compute("add", other)

    def __sub__(self, other: Any) -> Lanes:
        return self._compute("sub", other)

    def __mul__(self, other: Any) -> Lanes:
        return self._compute("mul", other)

    def __truediv__(self, other: Any) -> Lanes:
        """Both operands and the quotient must be finite; the last bit may be wrong."""
        return Lanes(self.builder, self.builder.fdiv(self.value, self._like(other), flags=_BY_RECIPROCAL))

    def __and__(self, other: Any) -> Lanes:
        return Lanes(self.builder, self.builder.and_(self.value, self._like(other)))

    def __lshift__(self, other: Any) -> Lanes:
        return Lanes(self.builder, self.builder.shl(self.value, self._like(other)))

    def __rshift__(self, other: Any) -> Lanes:
        return Lanes(self.builder, self.builder.lshr(self.value, self._like(other)))

    def at_least(self, low: Any) -> Lanes:
        """Floats, no smaller than `low`, which also stands for nan."""
        low = self._like(low)
        above = self.builder.fcmp_ordered(">", self.value, low)
        return Lanes(self.builder, self.builder.select(above, self.value, low))

    def at_most(self, high: Any) -> Lanes:
        """Floats, no larger than `high`, which also stands for nan."""
        high = self._like(high)
        below = self.builder.fcmp_ordered("<", self.value, high)
        return Lanes(self.builder, self.builder.select(below, self.value, high))

    def unless(self, key: Lanes, bound: Any, other: Any) -> Lanes:
        """`other` in lanes in which the float `key` is below `bound`, these ones elsewhere."""
        below = self.builder.fcmp_ordered("<", key.value, key._like(bound))
        return Lanes(self.builder, self.builder.select(below, self._like(other), self.value))

    def whole(self) -> Lanes:
        """Floats to integers, rounded towards zero."""
        return Lanes(self.builder, self.builder.fptosi(self.value, WORDS))

    def _compute(self, name: str, other: Any) -> Lanes:
        other = self._like(other)
        if self.value.type == _REALS:
            value = getattr(self.builder, f"f{name}")(self.value, other, flags=_FUSED)
        else:
            value = getattr(self.builder, name)(self.value, other)
        return Lanes(self.builder, value)

    def _like(self, other: Any) -> Any:
        if isinstance(other, Lanes):
            return other.value
        if isinstance(other, int | float):
            number = float(other) if self.value.type == _REALS else other
            return ir.Constant(self.value.type, [number] * LANES)
        return _in_all_lanes(self.builder, other)


def load_floats(builder: Any, array: Any, first: Any) -> Lanes:
    """16 neighbours from a pointer to floats."""
    pointer = builder.bitcast(builder.gep(array, [first]), _REALS.as_pointer())
    return Lanes(builder, builder.load(pointer, align=4))


def store_bytes(builder: Any, channels: list[Lanes], array: Any, first: Any) -> None:
    """The low bytes of 16 integers of one or three channels, interleaved, to a pointer to bytes."""
    planes = [builder.trunc(lanes.value, _BYTES) for lanes in channels]
    count = len(planes)
    if count == 1:
        value = planes[0]
    else:
        order = [c * LANES + i for i in range(LANES) for c in range(count)]
        nothing = ir.Constant(_BYTES, ir.Undefined)
        halves = [
            builder.shuffle_vector(a, b, _mask(range(2 * LANES)))
            for a, b in ((planes[0], planes[1]), (planes[2], nothing))
        ]
        value = builder.shuffle_vector(*halves, _mask(order))
    pointer = builder.bitcast(builder.gep(array, [first]), value.type.as_pointer())
    builder.store(value, pointer, align=1)


def gather(builder: Any, array: Any, first: Any, places: Lanes) -> Lanes:
    """16 integers that may each begin at any 16-bit word of an array.

    Args:
        builder: What writes LLVM's instructions.
        array: Pointer to its first word.
        first: Word that places count from.
        places: Words from there on, below 2^31.
    """
    words = builder.gep(builder.bitcast(array, _HALF.as_pointer()), [builder.zext(first, ir.IntType(64))])
    address = builder.gep(words, [places.value], source_etype=_HALF)
    address.type = ir.VectorType(ir.PointerType(), LANES)  # llvmlite takes it for a single pointer
    kind = ir.FunctionType(WORDS, [address.type, _WORD, _BITS, WORDS])
    fetch = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.gather.v{LANES}i32.v{LANES}p0")
    everywhere, alignment = ir.Constant(_BITS, [1] * LANES), ir.Constant(_WORD, 2)
    return Lanes(
        builder, builder.call(fetch, [address, alignment, everywhere, ir.Constant(WORDS, ir.Undefined)])
    )


def _in_all_lanes(builder: Any, number: Any) -> Any:
    kind = ir.VectorType(number.type, LANES)
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(_WORD, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(WORDS, [0] * LANES))


def _mask(order: Iterable[int]) -> Any:
    places = list(order)
    return ir.Constant(ir.VectorType(_WORD, len(places)), places)
