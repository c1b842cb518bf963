"""Cameras give JPEG frames with the monotonic time of their arrival."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from ..errors import CarError
from .v4l2 import V4l2Stream

#: What the DeepRacer's camera is set to; a multiple of every network's frame.
WIDTH, HEIGHT = 640, 480
FPS: Final = 30

_INDICES: Final = (4, 3, 2, 1, 0)  # as DeepRacer's own software looks for it


class Image(NamedTuple):
    """A frame as it came.

    Attributes:
        jpeg: The camera's own bytes.
        stamp: Monotonic time of its arrival, or earlier, of its exposure [s].
    """

    jpeg: bytes
    stamp: float


class Camera(Protocol):
    """A camera that is open."""

    def read(self) -> Image:
        """The next frame; waits for it.

        Raises:
            OSError: The camera is lost.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


OpenCamera = Callable[[], Camera]
"""Opens a camera; called again whenever it was lost."""


class V4l2Camera:
    """A USB camera, through the kernel's video devices.

    Raises:
        CarError: It cannot be opened, or gives no MJPEG.
    """

    def __init__(self, path: Path, fps: int = FPS) -> None:
        self._stream = V4l2Stream(path, WIDTH, HEIGHT, fps)

    def read(self) -> Image:
        """The next frame; waits for it, and raises OSError if the camera is lost."""
        return Image(*self._stream.read())

    def close(self) -> None:
        """Let go of the device."""
        self._stream.close()


def find_camera(root: Path = Path("/")) -> Path:
    """The camera's device: the one that `udev` names after us, else the highest number, as on a DeepRacer.

    Raises:
        CarError: There is none.
    """
    if (named := root / "dev/hairpin-camera").exists():
        return named
    if found := _devices(root):
        return found[0]
    raise CarError(f"no camera under {root / 'dev'} (video0 to video4): plug it in, look at `lsusb`")


def find_right_camera(left: Path, root: Path = Path("/")) -> Path:
    """The second of two cameras: the one that `udev` names after us, else the one numbered below the left.

    Raises:
        CarError: There is none.
    """
    if (named := root / "dev/hairpin-camera-right").exists():
        return named
    devices = _devices(root)
    left = left.resolve()  # udev's name for it is a link
    lower = devices[devices.index(left) + 1 :] if left in devices else devices
    if not lower:
        raise CarError("the policy sees with two cameras: plug in the right one, or give --right-camera")
    return lower[0]


def _devices(root: Path) -> list[Path]:
    """The video devices that may give pictures, the highest number first.

    A camera has a second device for what it says about its pictures, whose index is 1.
    """
    found = []
    for index in _INDICES:
        kind = root / f"sys/class/video4linux/video{index}/index"
        about_pictures = kind.exists() and kind.read_text().strip() != "0"
        if (path := root / f"dev/video{index}").exists() and not about_pictures:
            found.append(path)
    return found


def camera_named(name: str, root: Path = Path("/")) -> OpenCamera:
    """Opens a video device, an `.mjpeg` file that is replayed, or, without a name, the car's camera.

    Raises:
        CarError: The file cannot be read.
    """
    if name.endswith(".mjpeg"):
        frames = read_mjpeg(Path(name))
        return lambda: ReplayCamera(frames, FPS)
    return lambda: V4l2Camera(Path(name) if name else find_camera(root))


class ReplayCamera:
    """A camera that repeats JPEG frames in real time: recorded ones, or a test's.

    Args:
        frames: What it sees.
        fps: Frames per second.
        alive: Asked before each frame; the camera is lost when it says no.
    """

    def __init__(
        self, frames: Sequence[bytes], fps: float = FPS, alive: Callable[[], bool] = lambda: True
    ) -> None:
        if not frames:
            raise CarError("a camera that replays needs at least one frame")
        self._frames, self._period, self._alive = frames, 1.0 / fps, alive
        self._next, self._count = time.monotonic(), 0

    def read(self) -> Image:
        """The next frame, when it is due."""
        time.sleep(max(self._next - time.monotonic(), 0.0))
        if not self._alive():
            raise OSError("the camera is gone")
        now = time.monotonic()
        self._next = max(self._next, now - self._period) + self._period
        jpeg = self._frames[self._count % len(self._frames)]
        self._count += 1
        return Image(jpeg, now)

    def close(self) -> None:
        """There is nothing to let go of."""


def read_mjpeg(path: Path) -> list[bytes]:
    """The frames of a file of JPEGs one after another, as `ffmpeg -c copy out.mjpeg` writes.

    Raises:
        CarError: It cannot be read, or holds no frames.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CarError(f"cannot read {path}: {error.strerror}") from None
    starts = [i for i in _find(content, b"\xff\xd8\xff")]
    frames = [content[a:b] for a, b in zip(starts, [*starts[1:], len(content)], strict=True)]
    if not frames:
        raise CarError(f"{path} holds no JPEG frames: give an .mjpeg file")
    return frames


def _find(content: bytes, mark: bytes) -> Iterator[int]:
    at = content.find(mark)
    while at >= 0:
        yield at
        at = content.find(mark, at + 1)
