"""Sixteen pixels at a time: LLVM's vectors for numba's compiled loops.

numba leaves it to LLVM to find out that neighbouring pixels can be done together, and LLVM gives up at the
first look-up in memory. With these, the code for 16 pixels is written down: a `Lanes` is a vector at the time
when numba generates code, and its operators write the instructions. LLVM fits them to the processor at hand:
one instruction for all lanes with AVX-512, two with AVX2, four on ARM. Where LLVM does not find the best ones
itself, `Processor` tells which to write; what they compute is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils

LANES = 16

HALF, _WORD, _LONG, _REAL = ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()
WORDS, _REALS = ir.VectorType(_WORD, LANES), ir.VectorType(_REAL, LANES)
_HALVES = ir.VectorType(HALF, 2 * LANES)
_BYTES, _BITS = ir.VectorType(ir.IntType(8), LANES), ir.VectorType(ir.IntType(1), LANES)
_FUSED = ("contract",)  # a * b + c may be one instruction
_BY_RECIPROCAL = (
    "contract",
    "arcp",
    "ninf",
)  # a / b may go by way of an estimate of 1 / b, made exact to 2^-23


@dataclass(frozen=True)
class Processor:
    """What the instructions depend on, though not what they compute.

    Attributes:
        gathers: Whether its instruction for 16 look-ups beats 16 instructions for one. AMD's is a
            microprogram: 22 cycles on Zen 4, in which little else is done, against 13.
        products: Most numbers of 16 bits that one instruction multiplies and adds in pairs; 0 for none.
    """

    gathers: bool
    products: int


def processor(context: Any) -> Processor:
    """The processor that numba generates code for."""
    _, name, features = context.codegen().magic_tuple()
    products = 32 if "+avx512bw" in features else 16 if "+avx2" in features else 0
    return Processor(gathers=not name.startswith("znver"), products=products)


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


def load_words(builder: Any, array: Any, first: Any) -> Lanes:
    """16 neighbours from a pointer to integers."""
    pointer = builder.bitcast(builder.gep(array, [first]), WORDS.as_pointer())
    return Lanes(builder, builder.load(pointer, align=4))


def store_words(builder: Any, lanes: Lanes, array: Any, first: Any) -> None:
    """16 integers to a pointer to integers."""
    pointer = builder.bitcast(builder.gep(array, [first]), WORDS.as_pointer())
    builder.store(lanes.value, pointer, align=4)


def fetch(builder: Any, processor: Processor, array: Any, places: Any) -> Lanes:
    """16 integers that may each begin at any 16-bit word of an array.

    Args:
        builder: What writes LLVM's instructions.
        processor: What runs them.
        array: Pointer to the 16-bit word that places count from.
        places: Pointer to 16 numbers of words, below 2^31.
    """
    if processor.gathers:
        return _gather(builder, array, load_words(builder, places, _LONG(0)).value)
    value = ir.Constant(WORDS, ir.Undefined)
    pairs = builder.bitcast(places, _LONG.as_pointer())
    for i in range(0, LANES, 2):
        pair = builder.load(builder.gep(pairs, [_LONG(i // 2)]), align=4)
        for k, place in enumerate((builder.and_(pair, _LONG(2**32 - 1)), builder.lshr(pair, _LONG(32)))):
            pointer = builder.bitcast(builder.gep(array, [place]), _WORD.as_pointer())
            value = builder.insert_element(value, builder.load(pointer, align=2), _WORD(i + k))
    return Lanes(builder, value)


def _gather(builder: Any, array: Any, places: Any) -> Lanes:
    address = builder.gep(array, [places], source_etype=HALF)
    address.type = ir.VectorType(ir.PointerType(), LANES)  # llvmlite takes it for a single pointer
    kind = ir.FunctionType(WORDS, [address.type, _WORD, _BITS, WORDS])
    name = f"llvm.masked.gather.v{LANES}i32.v{LANES}p0"
    instruction = cgutils.get_or_insert_function(builder.module, kind, name)
    everywhere, nothing = ir.Constant(_BITS, [1] * LANES), ir.Constant(WORDS, ir.Undefined)
    return Lanes(builder, builder.call(instruction, [address, _WORD(2), everywhere, nothing]))


def blend(builder: Any, processor: Processor, texels: Lanes, across: Lanes, down: Lanes) -> Lanes:
    """Bilinear means of 2x2 signed bytes, times 2^16.

    Args:
        builder: What writes LLVM's instructions.
        processor: What runs them.
        texels: From the lowest byte: (x, y), (x, y + 1), (x + 1, y), (x + 1, y + 1).
        across: Weights of x and of x + 1 in the lower and the upper half, together 256.
        down: Weight of y + 1, up to 255, in both halves.
    """
    quads, weights = (builder.bitcast(lanes.value, _HALVES) for lanes in (texels, down))
    eight = ir.Constant(_HALVES, [8] * 2 * LANES)
    upper_row = builder.shl(quads, eight)  # 256 times the texels of row y
    apart = builder.sub(builder.ashr(quads, eight), builder.ashr(upper_row, eight))
    columns = builder.add(upper_row, builder.mul(apart, weights))  # lies between the texels: cannot overflow
    return _sums_of_products(builder, processor, columns, builder.bitcast(across.value, _HALVES))


def _sums_of_products(builder: Any, processor: Processor, a: Any, b: Any) -> Lanes:
    """Products of 32 signed numbers of 16 bits; of each two neighbours the sum."""
    if processor.products == 2 * LANES:
        return Lanes(builder, _multiply_add(builder, "avx512.pmaddw.d.512", a, b))
    if processor.products == LANES:
        halves = []
        for first in (0, LANES):
            order = _mask(range(first, first + LANES))
            parts = (builder.shuffle_vector(part, part, order) for part in (a, b))
            halves.append(_multiply_add(builder, "avx2.pmadd.wd", *parts))
        return Lanes(builder, builder.shuffle_vector(*halves, _mask(range(LANES))))
    sixteen = ir.Constant(WORDS, [16] * LANES)
    words = [builder.bitcast(part, WORDS) for part in (a, b)]
    upper = [builder.ashr(word, sixteen) for word in words]
    lower = [builder.ashr(builder.shl(word, sixteen), sixteen) for word in words]
    return Lanes(builder, builder.add(builder.mul(*lower), builder.mul(*upper)))


def _multiply_add(builder: Any, name: str, a: Any, b: Any) -> Any:
    kind = ir.FunctionType(ir.VectorType(_WORD, a.type.count // 2), [a.type, b.type])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.{name}"), [a, b])


def _in_all_lanes(builder: Any, number: Any) -> Any:
    kind = ir.VectorType(number.type, LANES)
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(_WORD, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(WORDS, [0] * LANES))


def _mask(order: Iterable[int]) -> Any:
    places = list(order)
    return ir.Constant(ir.VectorType(_WORD, len(places)), places)
