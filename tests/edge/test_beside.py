"""A second camera and a lidar beside the car's camera."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Generator
from types import SimpleNamespace

import numpy as np
import pytest
import simplejpeg
from car_rig import wait_until

from hairpin.edge import beside as module
from hairpin.edge.beside import Beside, Glance, StaleError, combine
from hairpin.edge.drivers import rplidar
from hairpin.edge.drivers.camera import ReplayCamera, find_camera, find_right_camera
from hairpin.edge.drivers.jpeg import BadFrameError, decode
from hairpin.edge.drivers.rplidar import turns
from hairpin.edge.errors import CarError
from hairpin.edge.lidar import LidarSpec, ray_angles
from hairpin.edge.observation import ObservationSpec, observe
from hairpin.edge.reasons import Reason

STEREO = ObservationSpec("STEREO_CAMERAS", width=32, height=24, channels=2)
BOTH = ObservationSpec("STEREO_CAMERAS", width=32, height=24, channels=2, lidar=LidarSpec("SECTOR_LIDAR"))


def jpegs(level: int, size: tuple[int, int] = (24, 32)) -> list[bytes]:
    frames = [np.full((*size, 1), level + k, np.uint8) for k in range(2)]
    return [simplejpeg.encode_jpeg(frame, colorspace="GRAY") for frame in frames]


def behind(distance: float) -> Generator[np.ndarray]:
    """A lidar with something straight behind the car."""
    while True:
        time.sleep(0.02)
        yield np.array([[-ray_angles()[32] % (2 * np.pi), distance], [np.pi / 2, 5.0]])


def test_two_cameras_and_a_lidar_become_one_observation() -> None:
    beside = Beside(lambda: ReplayCamera(jpegs(200)), lambda: behind(0.3))
    beside.start()
    left = decode(jpegs(50)[0], BOTH)

    def seen():
        try:
            return observe(combine(left, beside.newest(time.monotonic(), BOTH), BOTH), BOTH)
        except StaleError:
            return None

    wait_until(lambda: seen() is not None)
    found = seen()
    beside.stop()
    assert found["STEREO_CAMERAS"].shape == (24, 32, 2)
    assert abs(int(found["STEREO_CAMERAS"][..., 0].mean()) - 50) <= 1
    assert abs(int(found["STEREO_CAMERAS"][..., 1].mean()) - 200) <= 2
    assert found["SECTOR_LIDAR"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


def test_what_is_not_there_or_old_is_named() -> None:
    with pytest.raises(StaleError) as stale:
        Beside().newest(time.monotonic(), STEREO)
    assert stale.value.reason is Reason.RIGHT_CAMERA_LOST and stale.value.reason.fault
    spec = ObservationSpec(width=32, height=24, lidar=LidarSpec())
    with pytest.raises(StaleError) as stale:
        Beside().newest(time.monotonic(), spec)
    assert stale.value.reason is Reason.LIDAR_LOST
    beside = Beside(lidar=lambda: behind(1.0))
    beside.start()
    wait_until(lambda: beside._scan is not None)
    beside.newest(time.monotonic(), spec)
    with pytest.raises(StaleError):
        beside.newest(time.monotonic() + 1.0, spec)
    beside.stop()


def test_a_turn_begins_when_the_one_before_ended_unless_turns_were_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = ObservationSpec(width=32, height=24, lidar=LidarSpec())
    times = [10.0, 10.1, 10.2, 11.0]
    arrivals = iter(times)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(arrivals)))
    beside = Beside(lidar=lambda: behind(1.0))
    scans = []
    for now in times:
        beside._keep(np.zeros((0, 2)))
        scans.append(beside.newest(now, spec).scan)
    assert [scan.ended for scan in scans] == times
    assert [scan.began for scan in scans] == pytest.approx([9.82, 10.0, 10.1, 10.82])


@pytest.mark.parametrize(
    "error", [OSError("it does not answer"), RuntimeError("a driver's bug: it does not answer")]
)
def test_a_lidar_that_fails_is_opened_again(error: Exception) -> None:
    opened = []

    def fails_once() -> Generator[np.ndarray]:
        opened.append(1)
        if len(opened) == 1:
            raise error
        yield from behind(1.0)

    beside = Beside(lidar=fails_once)
    beside.start()
    thread = beside._lidar
    wait_until(lambda: "does not answer" in thread.lost)
    wait_until(lambda: beside._scan is not None)
    assert thread.lost == "" and len(opened) == 2
    beside.stop()
    wait_until(lambda: not thread._thread.is_alive())
    beside._scan = None
    beside.start()  # another policy was active meanwhile
    wait_until(lambda: beside._scan is not None)
    beside.stop()


def test_cameras_of_different_sizes_are_refused() -> None:
    beside = Beside(lambda: ReplayCamera(jpegs(9, (48, 64))))
    beside.start()
    wait_until(lambda: beside._right.latest is not None)
    large = ObservationSpec("STEREO_CAMERAS", width=64, height=48, channels=2)
    with pytest.raises(BadFrameError, match="differ"):
        combine(np.zeros((24, 32, 1), np.uint8), Glance(beside._right.latest), large)
    beside.stop()


def test_turns_close_the_port_they_opened(tmp_path, monkeypatch) -> None:
    serial = pytest.importorskip("serial")
    with pytest.raises(CarError, match="cannot open the lidar"):
        next(turns(tmp_path / "none"))
    lidar, car = os.openpty()
    tty.setraw(lidar)
    tty.setraw(car)

    def answer() -> None:
        told = b""
        while not told.endswith(b"\xa5\x20"):
            told += os.read(lidar, 1)
        row = bytes([15 << 2 | 1, 1, 0, 0xA0, 0x0F])  # a turn starts: angle 0, 1000 mm
        os.write(lidar, bytes.fromhex("a55a0500004081") + row * 3)

    # A pseudo-terminal has no line for the motor, which `open_port` switches.
    port = serial.Serial(os.ttyname(car), 115200, timeout=1)
    monkeypatch.setattr(rplidar, "open_port", lambda path: port)
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    found = turns()
    np.testing.assert_allclose(next(found), [[0.0, 1.0]])
    thread.join()
    found.close()
    assert not port.is_open
    assert os.read(lidar, 16).endswith(b"\xa5\x25")
    os.close(lidar)
    os.close(car)


def test_the_higher_number_is_the_left_camera(tmp_path) -> None:
    (tmp_path / "dev").mkdir()
    with pytest.raises(CarError, match="--right-camera"):
        find_right_camera(tmp_path / "dev/video2", tmp_path)
    for index in (0, 2):
        (tmp_path / f"dev/video{index}").touch()
    left = find_camera(tmp_path)
    assert left.name == "video2" and find_right_camera(left, tmp_path).name == "video0"
    (tmp_path / "dev/hairpin-camera-right").touch()
    assert find_right_camera(left, tmp_path).name == "hairpin-camera-right"
