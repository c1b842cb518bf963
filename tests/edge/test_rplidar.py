"""The lidar's protocol over a pair of pseudo-terminals, as a real serial port."""

from __future__ import annotations

import os
import threading
import time
import tty

import numpy as np
import pytest

from hairpin.edge.drivers.rplidar import PlayedLidar, open_port, scans
from hairpin.edge.errors import CarError
from hairpin.edge.lidar import ranges_of_turn, turn_of_ranges

serial = pytest.importorskip("serial")


def sample(start: bool, angle: float, distance: float) -> bytes:
    """Angle [deg], distance [mm]."""
    q6, q2 = round(angle * 64), round(distance * 4)
    return bytes([15 << 2 | (1 if start else 2), (q6 & 0x7F) << 1 | 1, q6 >> 7, q2 & 0xFF, q2 >> 8])


def test_a_played_lidar_says_what_it_measures_and_each_turn_at_once() -> None:
    asked: list[int] = []
    measured = [np.full(64, np.inf) for _ in range(4)]
    for i, ranges in enumerate(measured):
        ranges[10 * i + 3] = 0.5 + i
    measured[2][:] = np.inf  # nothing around

    def measure() -> np.ndarray | None:
        asked.append(len(asked))
        return turn_of_ranges(measured[asked[-1]]) if len(asked) <= len(measured) else None

    turns = scans(PlayedLidar(measure))
    for i, ranges in enumerate(measured[1:], start=1):
        turn = next(turns)
        assert len(asked) == i + 1, "a turn waits for the next one"
        assert len(turn) == (0 if i == 2 else 1)
        np.testing.assert_allclose(ranges_of_turn(turn), ranges, atol=1e-3)
    with pytest.raises(OSError, match="does not answer"):
        next(turns)


def test_half_a_turn_at_the_beginning_is_no_turn() -> None:
    rows = [sample(False, 300.0, 900.0), sample(True, 0.0, 1000.0), sample(False, 90.0, 1000.0)]
    rows += [sample(True, 0.0, 2000.0)]
    sent = bytes.fromhex("a55a0500004081") + b"".join(rows)

    class Port:
        def write(self, data: bytes, /) -> int:
            return len(data)

        def read(self, size: int = 1) -> bytes:
            nonlocal sent
            part, sent = sent[:size], sent[size:]
            return part

    np.testing.assert_allclose(next(scans(Port())), [[0.0, 1.0], [np.pi / 2, 1.0]])


def test_it_has_time_to_stop_before_it_is_told_to_scan() -> None:
    told: list[tuple[bytes, float]] = []

    class Port:
        """Throws a request away that comes within a millisecond of STOP, as the protocol says."""

        def write(self, data: bytes, /) -> int:
            told.append((data, time.monotonic()))
            return len(data)

        def read(self, size: int = 1) -> bytes:
            return b""

    with pytest.raises(OSError, match="does not answer"):
        next(scans(Port()))
    (stop, stopped), (scan, scanned) = told[:2]
    assert (stop, scan) == (b"\xa5\x25", b"\xa5\x20")
    assert scanned - stopped >= 1e-3


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
