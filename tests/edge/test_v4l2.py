"""The camera's driver against a kernel of files: real memory maps, real waiting, played ioctls."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from hairpin.edge.drivers import v4l2
from hairpin.edge.drivers.camera import V4l2Camera, find_camera, find_right_camera
from hairpin.edge.errors import CarError

videodev2 = pytest.importorskip("videodev2")

CALLS = ("QUERYCAP", "S_FMT", "S_PARM", "REQBUFS", "QUERYBUF", "QBUF", "DQBUF", "STREAMON", "STREAMOFF")
NUMBERS = {getattr(videodev2, f"VIDIOC_{name}") & 0xFFFFFFFF: name for name in CALLS}
CAPTURE, STREAMING = videodev2.V4L2_CAP_VIDEO_CAPTURE, videodev2.V4L2_CAP_STREAMING


class Kernel:
    """A camera behind a file: buffers are its pages, filled in turn."""

    def __init__(self, path: Path) -> None:
        self.path, self.said, self.queued = path, [], []
        self.abilities, self.gives, self.error = CAPTURE | STREAMING, (640, 480, b"MJPG"), {}
        self.stamp = lambda: time.monotonic() - 0.01
        self.frames = [
            b"\xff\xd8 first \xff\xd9",
            b"\xff\xd8 the second one \xff\xd9",
            b"\xff\xd8 3 \xff\xd9",
        ]
        path.write_bytes(bytes(2 * mmap.PAGESIZE))

    def ioctl(self, device: int, number: int, argument: Any) -> None:
        assert os.fstat(device).st_ino == self.path.stat().st_ino
        name = NUMBERS[number]
        self.said.append(name)
        if name in self.error:
            raise OSError(self.error[name], os.strerror(self.error[name]))
        getattr(self, name.lower())(argument)

    def querycap(self, found: Any) -> None:
        found.capabilities = CAPTURE | STREAMING | videodev2.V4L2_CAP_DEVICE_CAPS
        found.device_caps = self.abilities

    def s_fmt(self, wanted: Any) -> None:
        assert wanted.type == videodev2.V4L2_BUF_TYPE_VIDEO_CAPTURE
        picture = wanted.fmt.pix
        assert (picture.width, picture.height) == (640, 480)
        picture.width, picture.height = self.gives[:2]
        picture.pixelformat = int.from_bytes(self.gives[2], "little")

    def s_parm(self, wanted: Any) -> None:
        frame = wanted.parm.capture.timeperframe
        assert (frame.numerator, frame.denominator) == (1, 30)

    def reqbufs(self, wanted: Any) -> None:
        assert wanted.memory == videodev2.V4L2_MEMORY_MMAP
        assert wanted.count == 2

    def querybuf(self, buffer: Any) -> None:
        buffer.length, buffer.m.offset = mmap.PAGESIZE, buffer.index * mmap.PAGESIZE

    def qbuf(self, buffer: Any) -> None:
        assert buffer.index not in self.queued
        self.queued.append(buffer.index)

    def dqbuf(self, buffer: Any) -> None:
        buffer.index, frame = self.queued.pop(0), self.frames.pop(0)
        with self.path.open("r+b") as file:
            file.seek(buffer.index * mmap.PAGESIZE)
            file.write(frame)
        buffer.bytesused = len(frame)
        stamp = self.stamp()
        buffer.timestamp.tv_sec, buffer.timestamp.tv_usec = int(stamp), round(1e6 * (stamp % 1))

    def streamon(self, kind: ctypes.c_int) -> None:
        assert sorted(self.queued) == [0, 1], "it starts without buffers to fill"

    def streamoff(self, kind: ctypes.c_int) -> None:
        self.queued = []


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(tmp_path / "video0")
    monkeypatch.setattr(v4l2, "ioctl", kernel.ioctl)
    return kernel


def test_frames_come_whole_and_with_the_time_of_their_exposure(kernel: Kernel) -> None:
    frames = list(kernel.frames)
    camera = V4l2Camera(kernel.path)
    for frame in frames:
        image = camera.read()
        assert image.jpeg == frame
        assert 0.005 < time.monotonic() - image.stamp < 0.5
    assert sorted(kernel.queued) == [0, 1], "both buffers are the kernel's again"
    camera.close()
    assert kernel.said[-1] == "STREAMOFF"


@pytest.mark.parametrize("wrong", [-3600.0, 10.0])
def test_a_stamp_of_another_clock_is_replaced_by_the_arrival(kernel: Kernel, wrong: float) -> None:
    kernel.stamp = lambda: time.monotonic() + wrong
    camera = V4l2Camera(kernel.path)
    began = time.monotonic()
    assert began <= camera.read().stamp <= time.monotonic()
    camera.close()


def test_a_camera_without_a_choice_of_rate_will_do(kernel: Kernel) -> None:
    kernel.error["S_PARM"] = errno.ENOTTY
    V4l2Camera(kernel.path).close()


def test_a_camera_that_is_pulled_out_or_silent_is_lost(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = V4l2Camera(kernel.path)
    kernel.error["DQBUF"] = errno.ENODEV
    with pytest.raises(OSError, match="No such device"):
        camera.read()
    kernel.error["STREAMOFF"] = errno.ENODEV
    camera.close()
    kernel.queued = []
    reader, writer = os.pipe()
    silent = V4l2Camera(kernel.path)
    monkeypatch.setattr(v4l2, "_PATIENCE", 0.05)
    device, silent._stream._device = silent._stream._device, reader
    with pytest.raises(OSError, match="gives no frames"):
        silent.read()
    os.close(writer)
    silent._stream._device = device
    os.close(reader)
    silent.close()


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda k: setattr(k, "abilities", STREAMING), "gives no pictures: cameras often have two devices"),
        (lambda k: setattr(k, "gives", (640, 480, b"YUYV")), "gives 640x480 YUYV: MJPEG 640x480 is needed"),
        (lambda k: setattr(k, "gives", (320, 240, b"MJPG")), "gives 320x240 MJPG"),
        (lambda k: k.error.update(REQBUFS=errno.EBUSY), "Device or resource busy; does another program?"),
        (lambda k: k.error.update(QUERYCAP=errno.ENOTTY), "cannot use the camera"),
        (lambda k: k.path.unlink(), "cannot open the camera"),
    ],
)
def test_what_is_no_camera_is_one_line_and_is_closed(kernel: Kernel, spoil: Any, line: str) -> None:
    spoil(kernel)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(CarError, match=r"^[^\n]*" + line.replace("?", r"\?")):
        V4l2Camera(kernel.path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(
    shutil.which("gcc") is None or not Path("/usr/include/linux/videodev2.h").exists(),
    reason="no compiler, or no headers of the kernel",
)
def test_the_structures_and_numbers_are_the_kernels(tmp_path: Path) -> None:
    names = ("capability", "format", "streamparm", "requestbuffers", "buffer")
    sizes = [f"(unsigned long) sizeof(struct v4l2_{name})" for name in names]
    codes = [f"(unsigned long) VIDIOC_{name}" for name in CALLS]
    places = [f"(unsigned long) __builtin_offsetof(struct v4l2_buffer, {n})" for n in ("timestamp", "m")]
    lines = "".join(f'printf("%lu\\n", {value});' for value in [*sizes, *codes, *places])
    source = tmp_path / "sizes.c"
    source.write_text(
        f"#include <stdio.h>\n#include <linux/videodev2.h>\nint main(void) {{ {lines} return 0; }}\n"
    )
    subprocess.run(["gcc", "-o", str(tmp_path / "sizes"), str(source)], check=True)
    answer = subprocess.run([str(tmp_path / "sizes")], check=True, capture_output=True, text=True)
    ours = [ctypes.sizeof(getattr(videodev2, f"v4l2_{name}")) for name in names]
    ours += [*NUMBERS, videodev2.v4l2_buffer.timestamp.offset, videodev2.v4l2_buffer.m.offset]
    assert [int(line) for line in answer.stdout.split()] == ours


def test_the_second_device_of_a_camera_is_no_camera(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for number in range(4):
        (tmp_path / f"dev/video{number}").touch()
        kind = tmp_path / f"sys/class/video4linux/video{number}/index"
        kind.parent.mkdir(parents=True)
        kind.write_text(f"{number % 2}\n")
    left = find_camera(tmp_path)
    assert left.name == "video2"
    assert find_right_camera(left, tmp_path).name == "video0"
