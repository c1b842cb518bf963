"""RPLIDAR over serial: the protocol's two commands that a scan needs (SLAMTEC's protocol, version 2.8)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CarError

DEVICE: Final = Path("/dev/hairpin-lidar")

_STOP, _SCAN = b"\xa5\x25", b"\xa5\x20"
_PAUSE: Final = 0.002  # after STOP it may throw requests away for 1 ms [s]
_DESCRIPTOR: Final = bytes.fromhex("a55a0500004081")  # what answers SCAN: samples of 5 bytes, until STOP
_SAMPLE: Final = 5  # [bytes]
_QUALITY: Final = 15
_BAUD: Final = 115200
_TIMEOUT: Final = 1.0  # [s]
_MOST_SAMPLES: Final = 4000  # in one turn; more than any model gives


class Port(Protocol):
    """A serial port, as pyserial has it; `read` gives less after its timeout."""

    def read(self, size: int = 1) -> bytes:
        """Read at most `size` bytes."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Write bytes."""
        ...


def scans(port: Port) -> Generator[NDArray[np.float64]]:
    """Turns of the lidar, each (N, 2): angle [rad], clockwise from the plug's far side, and distance [m].

    Samples without an echo are left out, so a turn in the open is empty. What comes before the first whole
    turn is skipped, because rays that are missing look free. The lidar stops when the iterator is closed.

    Raises:
        OSError: It does not answer, or stops answering.
    """
    port.write(_STOP)
    time.sleep(_PAUSE)
    port.write(_SCAN)
    _find_descriptor(port)
    turn: list[tuple[float, float]] | None = None
    try:
        while True:
            starts, angle, distance = _next_sample(port)
            if starts:
                if turn is not None:
                    yield np.array(turn).reshape(-1, 2)
                turn = []
            if turn is not None and distance > 0.0 and len(turn) < _MOST_SAMPLES:
                turn.append((angle, distance))
    finally:
        port.write(_STOP)


def turns(path: Path = DEVICE) -> Generator[NDArray[np.float64]]:
    """Turns of the lidar at a serial port, as `scans` gives them; the port is closed with the iterator.

    Raises:
        CarError: There is none.
        OSError: It does not answer, or stops answering.
    """
    port: Any = open_port(path)
    with closing(port), closing(scans(port)) as found:
        yield from found


def open_port(path: Path = DEVICE) -> Port:
    """The serial port of the lidar, its motor turning.

    Raises:
        CarError: There is none.
    """
    try:
        from serial import Serial, SerialException
    except ImportError:
        raise CarError("the lidar needs pyserial: pip install 'hairpin[car]'") from None
    try:
        port = Serial(str(path), _BAUD, timeout=_TIMEOUT)
        with contextlib.suppress(OSError):  # without that line the motor has a supply of its own
            port.dtr = False  # the motor turns while it is low
    except (SerialException, OSError) as error:
        raise CarError(f"cannot open the lidar {path} ({error}): plug it in, copy the udev rules") from None
    opened: Port = port
    return opened


class PlayedLidar:
    """The other end of the line: a `Port` on which a lidar that is not there answers.

    Args:
        measure: The next turn (N, 2) as `scans` gives it, distance 0 for no echo; waits for it, and gives
            `None` when there is no more.
    """

    def __init__(self, measure: Callable[[], NDArray[np.float64] | None]) -> None:
        self._measure, self._sent, self._scanning = measure, b"", False

    def write(self, data: bytes, /) -> int:
        """Hear a command."""
        self._scanning = data == _SCAN
        self._sent = _DESCRIPTOR if self._scanning else b""
        return len(data)

    def read(self, size: int = 1) -> bytes:
        """Send bytes; less than `size` when there is no more."""
        while len(self._sent) < size and self._scanning and (turn := self._measure()) is not None:
            # The sample that starts a turn ends the one before, so it comes last: no turn waits for the next.
            first, *others = turn.tolist()
            self._sent += b"".join([*(_sample(False, *other) for other in others), _sample(True, *first)])
        part, self._sent = self._sent[:size], self._sent[size:]
        return part


def _sample(starts: bool, angle: float, distance: float) -> bytes:
    """What `_next_sample` reads: angle in 64ths of a degree, distance in quarters of a millimetre."""
    q6, q2 = round(64.0 * np.degrees(angle)), round(4000.0 * distance)
    return bytes([_QUALITY << 2 | (1 if starts else 2), (q6 & 0x7F) << 1 | 1, q6 >> 7, q2 & 0xFF, q2 >> 8])


def _read(port: Port, size: int) -> bytes:
    data = port.read(size)
    if len(data) < size:
        raise OSError("the lidar does not answer")
    return data


def _find_descriptor(port: Port) -> None:
    """Skip what is left of an earlier scan."""
    seen = b""
    for _ in range(_MOST_SAMPLES):
        seen = (seen + _read(port, 1))[-len(_DESCRIPTOR) :]
        if seen == _DESCRIPTOR:
            return
    raise OSError("the lidar answers, but not to the scan command")


def _next_sample(port: Port) -> tuple[bool, float, float]:
    """Whether a turn starts, the angle [rad] and the distance [m]; bytes that were lost are made up for."""
    sample = _read(port, _SAMPLE)
    for _ in range(_MOST_SAMPLES):
        # The lowest bits of the first byte differ, and that of the second one is set.
        if (sample[0] ^ sample[0] >> 1) & 1 and sample[1] & 1:
            angle = (sample[2] << 7 | sample[1] >> 1) / 64.0
            distance = (sample[4] << 8 | sample[3]) / 4.0
            return bool(sample[0] & 1), float(np.radians(angle)), distance / 1000.0
        sample = sample[1:] + _read(port, 1)
    raise OSError("the lidar sends nonsense")
