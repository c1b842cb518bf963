"""A USB camera, through the kernel's video devices (V4L2): MJPEG in buffers that the kernel fills.

The calls and their order are those of the kernel's documentation (Linux Media Infrastructure userspace API,
"Streaming I/O (Memory Mapping)"). videodev2 knows the structures and numbers.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import select
import time
from fcntl import ioctl
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ..errors import CarError

_BUFFERS: Final = 2  # a third would hold a frame that nobody should see any more
_PATIENCE: Final = 1.0  # without a frame for so long the camera is lost [s]
_STAMP_AGE: Final = 0.5  # older stamps than this are of another clock [s]


class V4l2Stream:
    """The MJPEG stream of a video device.

    Args:
        path: The device.
        width: Of the frames [pixels].
        height: Of the frames [pixels].
        fps: Frames per second that it is asked for; a camera without a choice gives what it gives.

    Raises:
        CarError: It cannot be opened, or gives no such frames.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int) -> None:
        self._v4l2 = _library()
        self._buffers: list[mmap.mmap] = []
        try:
            self._device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise CarError(f"cannot open the camera {path}: {error.strerror}") from None
        try:
            self._check_abilities(path)
            self._choose_format(path, width, height)
            self._choose_rate(fps)
            self._begin()
        except OSError as error:
            self.close()
            raise CarError(f"cannot use the camera {path}: {error.strerror}; does another program?") from None
        except CarError:
            self.close()
            raise

    def read(self) -> tuple[bytes, float]:
        """The next frame's JPEG, and its monotonic time [s]; waits for it.

        Raises:
            OSError: The camera is lost.
        """
        if not select.select([self._device], [], [], _PATIENCE)[0]:
            raise OSError("the camera gives no frames")
        buffer = self._buffer()
        self._call("DQBUF", buffer)
        now = time.monotonic()
        jpeg = self._buffers[buffer.index][: buffer.bytesused]
        exposed = buffer.timestamp.tv_sec + 1e-6 * buffer.timestamp.tv_usec
        self._call("QBUF", buffer)
        return jpeg, exposed if now - _STAMP_AGE < exposed <= now else now

    def close(self) -> None:
        """Let go of the device."""
        with contextlib.suppress(OSError):  # it may be unplugged
            self._call("STREAMOFF", ctypes.c_int(self._v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE))
        for memory in self._buffers:
            memory.close()
        self._buffers = []
        os.close(self._device)

    def _check_abilities(self, path: Path) -> None:
        found = self._v4l2.v4l2_capability()
        self._call("QUERYCAP", found)
        own = bool(found.capabilities & self._v4l2.V4L2_CAP_DEVICE_CAPS)
        abilities = found.device_caps if own else found.capabilities
        needed = self._v4l2.V4L2_CAP_VIDEO_CAPTURE | self._v4l2.V4L2_CAP_STREAMING
        if abilities & needed != needed:
            raise CarError(f"{path} gives no pictures: cameras often have two devices, take the other one")

    def _choose_format(self, path: Path, width: int, height: int) -> None:
        wanted = self._v4l2.v4l2_format(type=self._v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE)
        picture = wanted.fmt.pix
        picture.width, picture.height = width, height
        picture.pixelformat = self._v4l2.V4L2_PIX_FMT_MJPEG
        self._call("S_FMT", wanted)  # the kernel writes what the camera really gives
        name = picture.pixelformat.to_bytes(4, "little").decode("ascii", "replace")
        if (picture.width, picture.height, name) != (width, height, "MJPG"):
            raise CarError(
                f"{path} gives {picture.width}x{picture.height} {name}: MJPEG {width}x{height} is needed, "
                "so take another camera"
            )

    def _choose_rate(self, fps: int) -> None:
        wanted = self._v4l2.v4l2_streamparm(type=self._v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE)
        wanted.parm.capture.timeperframe.numerator = 1
        wanted.parm.capture.timeperframe.denominator = fps
        with contextlib.suppress(OSError):  # not every camera has a choice
            self._call("S_PARM", wanted)

    def _begin(self) -> None:
        wanted = self._v4l2.v4l2_requestbuffers(count=_BUFFERS)
        wanted.type, wanted.memory = self._v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE, self._v4l2.V4L2_MEMORY_MMAP
        self._call("REQBUFS", wanted)
        for index in range(wanted.count):
            buffer = self._buffer(index)
            self._call("QUERYBUF", buffer)
            self._buffers.append(
                mmap.mmap(self._device, buffer.length, prot=mmap.PROT_READ, offset=buffer.m.offset)
            )
            self._call("QBUF", buffer)
        self._call("STREAMON", ctypes.c_int(self._v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE))

    def _buffer(self, index: int = 0) -> Any:
        buffer = self._v4l2.v4l2_buffer(index=index)
        buffer.type, buffer.memory = self._v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE, self._v4l2.V4L2_MEMORY_MMAP
        return buffer

    def _call(self, name: str, argument: Any) -> None:
        """One of the kernel's calls; it writes its answer into the argument."""
        number = getattr(self._v4l2, f"VIDIOC_{name}") & 0xFFFFFFFF  # the library's numbers are signed
        ioctl(self._device, number, argument)


def _library() -> ModuleType:
    try:
        import videodev2
    except ImportError:
        raise CarError("the camera needs videodev2: pip install 'hairpin[car]'") from None
    found: ModuleType = videodev2
    return found
