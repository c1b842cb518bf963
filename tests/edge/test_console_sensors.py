"""Policies that see with two cameras and a lidar, on the console; the lidar is a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from car_rig import NEUTRAL, GuardProcess, outputs, wait_until
from console_rig import ConsoleProcess, Page, Visitor, page
from tiny_policies import DISCRETE, SENSORS, WriteBundle

from hairpin.edge.drivers.rplidar import PlayedLidar
from hairpin.edge.lidar import turn_of_ranges
from hairpin.edge.mcap_file import read_messages

pytestmark = pytest.mark.alone


class Lidar:
    """A lidar at the other end of a serial line."""

    def __init__(self) -> None:
        self._end, self._line = os.openpty()
        for end in (self._end, self._line):
            tty.setraw(end)
        self.path = Path(os.ttyname(self._line))
        self.turns = True
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        played = PlayedLidar(self._measure)
        with contextlib.suppress(OSError):  # the test is over
            while True:
                os.set_blocking(self._end, False)
                with contextlib.suppress(BlockingIOError):
                    for start in range(0, len(told := os.read(self._end, 64)), 2):
                        played.write(told[start : start + 2])
                os.set_blocking(self._end, True)
                if self.turns and (sent := played.read(64 * 5)):
                    os.write(self._end, sent)
                else:
                    time.sleep(0.01)

    def _measure(self) -> np.ndarray:
        time.sleep(0.1)
        return turn_of_ranges(np.full(64, 2.0))

    def close(self) -> None:
        os.close(self._end)
        os.close(self._line)


@pytest.fixture
def lidar() -> Iterator[Lidar]:
    opened = Lidar()
    yield opened
    opened.close()


@pytest.fixture
def seeing(guard: GuardProcess, film: Path, lidar: Lidar, tmp_path: Path) -> Iterator[ConsoleProcess]:
    """A console with everything plugged in."""
    process = ConsoleProcess(guard, tmp_path, film, "--right-camera", film, "--lidar", lidar.path)
    yield process
    process.end()


def activate(visitor: Visitor, driver: Page, name: str, bundle: Path) -> None:
    assert visitor.http.put(f"/api/models/{name}", content=bundle.read_bytes()).status_code == 201
    driver.do("activate", name=name)


def test_it_drives_stops_when_one_is_lost_and_is_recorded(
    guard: GuardProcess, seeing: ConsoleProcess, lidar: Lidar, write: WriteBundle
) -> None:
    visitor = Visitor(seeing).choose()
    with page(visitor) as driver:
        driver.take()
        activate(visitor, driver, "all.tar.gz", write(SENSORS))
        wait_until(lambda: driver.state["active"] == "all.tar.gz")
        driver.do("mode", mode="policy")
        wait_until(lambda: driver.state["mode"] == "policy" and not driver.state["obstacle"])
        assert visitor.http.post("/api/recording").status_code == 201
        driver.do("start")
        wait_until(guard.moving)
        time.sleep(1.0)
        lidar.turns = False
        wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))
        wait_until(lambda: not driver.state["armed"])
        assert driver.state["reason"].startswith("no turns from the lidar")
        lidar.turns = True
        wait_until(lambda: not driver.state["obstacle"])
        # Another policy lets go of them, and the first one finds them again.
        activate(visitor, driver, "one.tar.gz", write(DISCRETE))
        wait_until(lambda: driver.state["active"] == "one.tar.gz" and not driver.state["obstacle"])
        driver.do("activate", name="all.tar.gz")
        wait_until(lambda: driver.state["active"] == "all.tar.gz" and not driver.state["obstacle"])
        driver.do("start")
        wait_until(guard.moving)
        driver.do("stop")
        visitor.http.delete("/api/recording")
        wait_until(lambda: driver.state["recording"] is None)
        files = [seeing.state / "recordings" / file["name"] for file in driver.state["recordings"]]
    assert len(files) == 3, "one for each policy that drove"
    topics = [{m.topic for m in read_messages(file)} for file in files]
    assert sum({"camera", "camera_right", "lidar", "decision"} <= found for found in topics) == 2


def test_what_is_not_plugged_in_is_one_line(
    console: ConsoleProcess, visitor: Visitor, write: WriteBundle
) -> None:
    with page(visitor) as driver:
        driver.take()
        activate(visitor, driver, "all.tar.gz", write(SENSORS))
        wait_until(lambda: bool(driver.errors))
        assert driver.errors == [
            "the policy sees with two cameras: plug in the right one, or give --right-camera"
        ]
        assert driver.state["active"] == ""
