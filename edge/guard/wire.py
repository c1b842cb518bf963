"""Messages between the guard and those who drive: fixed size, one per packet of a sequenced socket."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from ..calibration import Axis, Calibration
from ..errors import CarError
from ..reasons import Reason

#: Where the guard listens; systemd makes the folder.
SOCKET: Final = "/run/hairpin/guard.sock"

_VERSION: Final = 0x48500001  # "HP", 1
_REQUEST: Final = struct.Struct("<IBB2xddd")
_PULSES: Final = struct.Struct("<IBB2x8i")
_REPLY: Final = struct.Struct("<IBBBxddddQ")
REQUEST_SIZE: Final = max(_REQUEST.size, _PULSES.size)
REPLY_SIZE: Final = _REPLY.size


class Kind(IntEnum):
    """What a request asks for."""

    STATUS = 0
    ARM = 1
    COMMAND = 2
    DISARM = 3
    CALIBRATE = 4


class Request(NamedTuple):
    """A request.

    Attributes:
        kind: What is asked for.
        reason: Of `DISARM`.
        steering: Of `COMMAND`, in [-1, 1], + = left.
        throttle: Of `COMMAND`, in [-1, 1], + = forward.
        until: Of `COMMAND`: the monotonic time until which it holds [s].
        calibration: Of `CALIBRATE`.
    """

    kind: Kind
    reason: Reason = Reason.STOPPED
    steering: float = 0.0
    throttle: float = 0.0
    until: float = 0.0
    calibration: Calibration | None = None

    def pack(self) -> bytes:
        """The request as bytes."""
        if self.calibration is not None:
            axes = self.calibration.servo, self.calibration.motor
            pulses = [value for axis in axes for value in (axis.min, axis.mid, axis.max, axis.polarity)]
            return _PULSES.pack(_VERSION, self.kind, self.reason, *pulses)
        return _REQUEST.pack(_VERSION, *self[:5])


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
    form = _PULSES if len(packet) == _PULSES.size else _REQUEST
    if len(packet) != form.size:
        return None
    version, kind, reason, *values = form.unpack(packet)
    if version != _VERSION or (kind == Kind.CALIBRATE) != (form is _PULSES):
        return None
    try:
        if form is _REQUEST:
            return Request(Kind(kind), Reason(reason), *values)
        calibration = Calibration(Axis(*values[:4]), Axis(*values[4:]))
        return Request(Kind.CALIBRATE, Reason(reason), calibration=calibration)
    except (CarError, ValueError):
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
