"""The sensors beside the car's camera: a second camera to its right, and a lidar; what they gave last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .drivers.camera import OpenCamera
from .drivers.jpeg import BadFrameError, decode
from .errors import CarError
from .lidar import ranges_of_turn
from .mailbox import CameraThread
from .observation import STEREO, ObservationSpec, Reading
from .reasons import Reason

OpenLidar = Callable[[], Generator[NDArray[np.float64]]]
"""Opens a lidar, whose turns (N, 2) follow, as `drivers.rplidar.turns` gives them."""

_APART: Final = 0.1  # between the frames of the two cameras, at most [s]
_OLDEST: Final = 0.3  # a turn takes a lidar 0.1 to 0.18 s [s]
_REOPEN: Final = 0.5  # between attempts to open a lost lidar [s]


class StaleError(Exception):
    """A sensor gives nothing any more.

    Attributes:
        reason: Which.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.reason = reason


class Beside:
    """Reads the sensors beside the camera, each in a thread of its own.

    Args:
        right: The second camera, if there is one.
        lidar: The lidar, if there is one.
    """

    def __init__(self, right: OpenCamera | None = None, lidar: OpenLidar | None = None) -> None:
        self._right = CameraThread(right) if right is not None else None
        self._lidar = LidarThread(lidar) if lidar is not None else None

    def start(self) -> None:
        """Begin to read."""
        for thread in (self._right, self._lidar):
            if thread is not None:
                thread.start()

    def stop(self) -> None:
        """End; a sensor that hangs is left behind."""
        for thread in (self._right, self._lidar):
            if thread is not None:
                thread.stop()

    def reading(self, frame: NDArray[np.uint8], stamp: float, spec: ObservationSpec) -> Reading:
        """What a policy takes: the camera's frame, and what it asks for beside it.

        Args:
            frame: (H, W, c) of the camera, the left one of two.
            stamp: When it arrived, by the monotonic clock [s].
            spec: What the policy sees.

        Raises:
            StaleError: A sensor is not there, or gave nothing for too long.
            BadFrameError: The second camera's frame is broken or of another size.
        """
        if spec.sensor == STEREO:
            right = self._right_frame(stamp, spec)
            if right.shape != frame.shape:
                raise BadFrameError(f"the cameras' frames differ: {frame.shape} and {right.shape}")
            frame = np.concatenate([frame, right], axis=2)
        if spec.lidar is None:
            return frame
        return {spec.sensor: frame, spec.lidar.sensor: self._ranges(stamp)}

    def _right_frame(self, stamp: float, spec: ObservationSpec) -> NDArray[np.uint8]:
        image = self._right.latest if self._right is not None else None
        if image is None or abs(stamp - image.stamp) > _APART:
            raise StaleError(Reason.RIGHT_CAMERA_LOST)
        return decode(image.jpeg, spec)

    def _ranges(self, stamp: float) -> NDArray[np.float64]:
        newest = self._lidar.newest if self._lidar is not None else None
        if newest is None or newest[1] < stamp - _OLDEST:
            raise StaleError(Reason.LIDAR_LOST)
        return newest[0]


class LidarThread:
    """Reads a lidar turn by turn, and opens it again when it is lost.

    Attributes:
        newest: The newest ranges (64,) [m], and when they arrived by the monotonic clock [s].
        lost: Why there is no lidar, or empty.
    """

    def __init__(self, open_lidar: OpenLidar) -> None:
        self.newest: tuple[NDArray[np.float64], float] | None = None
        self.lost = "the lidar is not open yet"
        self._open = open_lidar
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lidar", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End; a lidar that hangs is left behind."""
        self._stopping.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read()
            except (OSError, CarError, ValueError) as error:
                self.lost = str(error)
            self._stopping.wait(_REOPEN)

    def _read(self) -> None:
        with closing(self._open()) as turns:
            for turn in turns:
                self.newest, self.lost = (ranges_of_turn(turn), time.monotonic()), ""
                if self._stopping.is_set():
                    return
        raise OSError("the lidar ended its turns")
