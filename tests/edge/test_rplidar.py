"""The lidar's protocol over a pair of pseudo-terminals, as a real serial port."""

from __future__ import annotations

import os
import threading
import tty

import numpy as np
import pytest

from hairpin.edge.drivers.rplidar import open_port, scans
from hairpin.edge.errors import CarError

serial = pytest.importorskip("serial")


def sample(start: bool, angle: float, distance: float) -> bytes:
    """Angle [deg], distance [mm]."""
    q6, q2 = round(angle * 64), round(distance * 4)
    return bytes([15 << 2 | (1 if start else 2), (q6 & 0x7F) << 1 | 1, q6 >> 7, q2 & 0xFF, q2 >> 8])


def test_turns_come_through_noise_and_lost_bytes() -> None:
    lidar, car = os.openpty()
    tty.setraw(lidar)
    tty.setraw(car)
    told = b""

    def answer() -> None:
        nonlocal told
        while len(told) < 4:
            told += os.read(lidar, 16)
        os.write(lidar, b"\x00\x3e\x01" + bytes.fromhex("a55a0500004081"))
        for turn in range(3):
            rows = [sample(i == 0, 90.0 * i, 1000.0 + turn) for i in range(4)]
            os.write(lidar, b"".join(rows) + (b"\x00\x00" if turn == 0 else b""))
        os.write(lidar, sample(True, 0, 0))

    thread = threading.Thread(target=answer)
    thread.start()
    port = serial.Serial(os.ttyname(car), 115200, timeout=1)
    turns = scans(port)
    for turn in range(3):
        found = next(turns)
        np.testing.assert_allclose(np.degrees(found[:, 0]), [0, 90, 180, 270])
        np.testing.assert_allclose(found[:, 1], 1.0 + turn / 1000)
    thread.join()
    turns.close()
    assert told == b"\xa5\x25\xa5\x20"
    assert os.read(lidar, 16) == b"\xa5\x25"
    port.close()
    os.close(lidar)
    os.close(car)


def test_a_lidar_that_says_nothing_is_an_error() -> None:
    class Silent:
        def read(self, size: int = 1) -> bytes:
            return b""

        def write(self, data: bytes, /) -> int:
            return len(data)

    with pytest.raises(OSError, match="does not answer"):
        next(scans(Silent()))
    with pytest.raises(CarError, match="cannot open the lidar"):
        open_port()
