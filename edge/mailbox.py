"""From the camera to the drive loop: the newest frame, never a queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing

from .drivers.camera import Image, OpenCamera
from .sensor_thread import SensorThread


class Mailbox:
    """One slot; what was not taken is replaced by what is newer.

    Attributes:
        dropped: Frames that nobody took.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._image: Image | None = None
        self._filled = threading.Condition()

    def put(self, image: Image) -> None:
        """Leave the newest frame."""
        with self._filled:
            self.dropped += self._image is not None
            self._image = image
            self._filled.notify()

    def take(self, timeout: float) -> Image | None:
        """The newest frame that was not taken yet; waits for one for at most `timeout` [s]."""
        with self._filled:
            if self._image is None:
                self._filled.wait(timeout)
            image, self._image = self._image, None
            return image


class CameraThread:
    """Reads a camera into a mailbox, and opens it again when it is lost.

    A frame with the bytes or the stamp of the one before is no new frame: no sensor is so free of noise. It
    does not reach the mailbox.

    Attributes:
        mailbox: Where frames go.
        latest: The newest frame, for those who only look.
        repeated: Frames in a row that were those before.
        frames: Frames that were new.
        notify: Called by this thread at each new frame; it must not wait.
    """

    def __init__(self, open_camera: OpenCamera) -> None:
        self.mailbox = Mailbox()
        self.latest: Image | None = None
        self.repeated = self.frames = 0
        self.notify: Callable[[], None] = lambda: None
        self._thread = SensorThread("camera", lambda: _images(open_camera), self._pass_on)

    def start(self) -> None:
        """Begin to read, also once more after `stop`."""
        self._thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """End; a camera that hangs for longer than that is left behind [s]."""
        self._thread.stop(patience)

    @property
    def lost(self) -> str:
        """Why there is no camera, or empty."""
        return self._thread.lost

    def _pass_on(self, image: Image) -> None:
        before = self.latest
        if before is not None and (image.jpeg == before.jpeg or image.stamp <= before.stamp):
            self.repeated += 1
            return
        # No frame is from the future: such a stamp would let its command hold for longer.
        image = image._replace(stamp=min(image.stamp, time.monotonic()))
        self.repeated = 0
        self.frames += 1
        self.latest = image
        self.mailbox.put(image)
        self.notify()


def _images(open_camera: OpenCamera) -> Generator[Image]:
    """What a camera sees, until it is lost."""
    with closing(open_camera()) as camera:
        while True:
            yield camera.read()
