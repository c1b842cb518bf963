"""From the camera to the drive loop: the newest frame, never a queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from .drivers.camera import Camera, Image, OpenCamera
from .errors import CarError

_REOPEN: Final = 0.5  # between attempts to open a lost camera [s]


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
        lost: Why there is no camera, or empty.
        repeated: Frames in a row that were those before.
        frames: Frames that were new.
        notify: Called by this thread at each new frame; it must not wait.
    """

    def __init__(self, open_camera: OpenCamera) -> None:
        self.mailbox = Mailbox()
        self.latest: Image | None = None
        self.lost = "the camera is not open yet"
        self.repeated = self.frames = 0
        self.notify: Callable[[], None] = lambda: None
        self._open = open_camera
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End; a camera that hangs is left behind."""
        self._stopping.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                camera = self._open()
                self.lost = ""
                try:
                    while not self._stopping.is_set():
                        self._pass_on(camera)
                finally:
                    camera.close()
            except (OSError, CarError, ValueError) as error:
                self.lost = str(error)
                self._stopping.wait(_REOPEN)

    def _pass_on(self, camera: Camera) -> None:
        image = camera.read()
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
