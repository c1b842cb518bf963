"""The wire format of protocol buffers: fields to bytes and back, without a schema and without a library.

Source: the public encoding page of protobuf.dev. A message is a sequence of fields; each has a number and one
of four forms: a varint, eight bytes, four bytes, or a length with that many bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from .errors import BundleError

VARINT: Final = 0
EIGHT_BYTES: Final = 1
BYTES: Final = 2
FOUR_BYTES: Final = 5

_LARGEST_VARINT: Final = 2**64
Field = tuple[int, int, int | memoryview]  # number, form, value; fixed-size ones are given as their bytes


def varint(value: int) -> bytes:
    """A whole number; negative ones as 64 bits in two's complement."""
    value %= _LARGEST_VARINT
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def number(field: int, value: int) -> bytes:
    """A field that holds a whole number, a truth value or a member of an enumeration."""
    return varint(field << 3 | VARINT) + varint(value)


def text(field: int, value: str | bytes) -> bytes:
    """A field that holds text, bytes or a message."""
    content = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | BYTES) + varint(len(content)) + content


def single(field: int, value: float) -> bytes:
    """A field that holds a float32."""
    return varint(field << 3 | FOUR_BYTES) + struct.pack("<f", value)


def fields(message: bytes | memoryview) -> Iterator[Field]:
    """The fields of a message, in order.

    Raises:
        BundleError: It is truncated, or no such message.
    """
    view = memoryview(message)
    position = 0
    while position < len(view):
        key, position = read_varint(view, position)
        field, form = key >> 3, key & 7
        if not 0 < field < 2**29:
            raise BundleError("it is no protobuf message, or corrupt: copy it again")
        if form == VARINT:
            value, position = read_varint(view, position)
            yield field, form, value
            continue
        if form == BYTES:
            length, position = read_varint(view, position)
        elif form in (EIGHT_BYTES, FOUR_BYTES):
            length = 8 if form == EIGHT_BYTES else 4
        else:  # groups went out of use before the formats that are read here began
            raise BundleError("it is no protobuf message, or corrupt: copy it again")
        if length > len(view) - position:
            raise BundleError("it is truncated: copy it again")
        yield field, form, view[position : position + length]
        position += length


def read_varint(view: memoryview, position: int) -> tuple[int, int]:
    """A whole number from 0 to 2**64 - 1 at a position, and the position after it.

    Raises:
        BundleError: There is none.
    """
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            raise BundleError("it is truncated: copy it again")
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value % _LARGEST_VARINT, position
    raise BundleError("it is no protobuf message, or corrupt: copy it again")


def signed(value: int) -> int:
    """A varint as the signed 64-bit number that it stands for."""
    return value - _LARGEST_VARINT if value >= _LARGEST_VARINT // 2 else value
