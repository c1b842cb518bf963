"""Messages between the guard and those who drive: fixed size, one per packet of a sequenced socket."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from ..reasons import Reason

#: Where the guard listens; systemd makes the folder.
SOCKET: Final = "/run/hairpin/guard.sock"

_VERSION: Final = 0x48500001  # "HP", 1
_REQUEST: Final = struct.Struct("<IBB2xddd")
_REPLY: Final = struct.Struct("<IBBBxddddQ")
REQUEST_SIZE: Final = _REQUEST.size
REPLY_SIZE: Final = _REPLY.size


class Kind(IntEnum):
    """What a request asks for."""

    STATUS = 0
    ARM = 1
    COMMAND = 2
    DISARM = 3


class Request(NamedTuple):
    """A request.

    Attributes:
        kind: What is asked for.
        reason: Of `DISARM`.
        steering: Of `COMMAND`, in [-1, 1], + = left.
        throttle: Of `COMMAND`, in [-1, 1], + = forward.
        until: Of `COMMAND`: the monotonic time until which it holds [s].
    """

    kind: Kind
    reason: Reason = Reason.STOPPED
    steering: float = 0.0
    throttle: float = 0.0
    until: float = 0.0

    def pack(self) -> bytes:
        """The request as bytes."""
        return _REQUEST.pack(_VERSION, *self)


class Reply(NamedTuple):
    """The guard's state after a request; every request is answered with one.

    Attributes:
        armed: Whether the outputs are on.
        yours: Whether it was armed by the client that asks.
        reason: Why it is not armed.
        steering: What was really sent to the servo, after limits, in [-1, 1].
        throttle: What was really sent to the motor.
        since: Monotonic time when the car was last armed, or was in neutral after that [s].
        asked: Monotonic time of this reply [s].
        writes: How often the outputs were written.
    """

    armed: bool
    yours: bool
    reason: Reason
    steering: float
    throttle: float
    since: float
    asked: float
    writes: int

    def pack(self) -> bytes:
        """The reply as bytes."""
        return _REPLY.pack(_VERSION, *self)


def unpack_request(packet: bytes) -> Request | None:
    """The request, or `None` if it is something else."""
    if len(packet) != REQUEST_SIZE:
        return None
    version, kind, reason, *values = _REQUEST.unpack(packet)
    try:
        return Request(Kind(kind), Reason(reason), *values) if version == _VERSION else None
    except ValueError:
        return None


def unpack_reply(packet: bytes) -> Reply | None:
    """The reply, or `None` if it is something else."""
    if len(packet) != REPLY_SIZE:
        return None
    version, armed, yours, reason, *values = _REPLY.unpack(packet)
    try:
        return Reply(bool(armed), bool(yours), Reason(reason), *values) if version == _VERSION else None
    except ValueError:
        return None
