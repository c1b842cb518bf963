"""The sensors beside the car's camera: a second camera to its right, and a lidar; what they gave last."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .drivers.camera import Image, OpenCamera, camera_named, find_camera, find_right_camera
from .drivers.jpeg import BadFrameError, decode
from .drivers.rplidar import DEVICE, turns
from .errors import CarError, ContractError
from .lidar import ranges_of_turn
from .mailbox import CameraThread
from .observation import STEREO, ObservationSpec, Reading
from .reasons import Reason
from .sensor_thread import SensorThread

OpenLidar = Callable[[], Generator[NDArray[np.float64]]]
"""Opens a lidar, whose turns (N, 2) follow, as `drivers.rplidar.turns` gives them."""

_APART: Final = 0.1  # between the frames of the two cameras, at most [s]
_LONGEST_TURN: Final = 0.18  # of an RPLIDAR, which turns 5.5 to 10 times a second [s]
_OLDEST: Final = 0.28  # turn of a lidar [s]
_GRACE: Final = 0.03  # so a turn counts for this much longer than a frame [s]


class StaleError(Exception):
    """A sensor gives nothing any more.

    Attributes:
        reason: Which.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.reason = reason


class Scan(NamedTuple):
    """One turn of the lidar.

    Attributes:
        ranges: (64,) as `ranges_of_turn` gives them [m].
        began: Monotonic time when the turn began [s].
        ended: Monotonic time when it ended, which is when it arrived [s].
    """

    ranges: NDArray[np.float64]
    began: float
    ended: float


class Glance(NamedTuple):
    """What the sensors beside the camera gave at one moment.

    Attributes:
        right: The second camera's frame, if the policy asks for it.
        scan: The lidar's newest turn, likewise.
        since: When the older of them arrived [s]; what is decided on it counts from then.
        oldest: What it means if that runs out.
    """

    right: Image | None = None
    scan: Scan | None = None
    since: float = math.inf
    oldest: Reason = Reason.NONE


class Beside:
    """Reads the sensors beside the camera, each in a thread of its own.

    Args:
        right: The second camera, if there is one.
        lidar: The lidar, if there is one.
    """

    def __init__(self, right: OpenCamera | None = None, lidar: OpenLidar | None = None) -> None:
        self._right = None if right is None else CameraThread(right)
        self._lidar = None if lidar is None else SensorThread("lidar", lidar, self._keep)
        self._threads = [thread for thread in (self._right, self._lidar) if thread is not None]
        self._scan: Scan | None = None

    def start(self) -> None:
        """Begin to read, also once more after `stop`."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """End; a sensor that hangs for longer than that is left behind [s]."""
        for thread in self._threads:
            thread.stop(patience)

    def newest(self, stamp: float, spec: ObservationSpec) -> Glance:
        """What they gave last.

        Args:
            stamp: When the camera's frame arrived, by the monotonic clock [s].
            spec: What the policy sees.

        Raises:
            StaleError: A sensor is not there, or gave nothing for too long.
        """
        right, scan, ages = None, None, [(math.inf, Reason.NONE)]
        if spec.sensor == STEREO:
            right = self._right.latest if self._right is not None else None
            if right is None or abs(stamp - right.stamp) > _APART:
                raise StaleError(Reason.RIGHT_CAMERA_LOST)
            ages.append((right.stamp, Reason.RIGHT_CAMERA_LOST))
        if spec.lidar is not None:
            scan = self._scan
            if scan is None or scan.ended < stamp - _OLDEST:
                raise StaleError(Reason.LIDAR_LOST)
            ages.append((scan.ended + _GRACE, Reason.LIDAR_LOST))
        return Glance(right, scan, *min(ages))

    def _keep(self, turn: NDArray[np.float64]) -> None:
        ended = time.monotonic()
        # It began when the one before ended; if that is longer ago than a turn takes, turns were lost.
        before = -math.inf if self._scan is None else self._scan.ended
        self._scan = Scan(ranges_of_turn(turn), max(before, ended - _LONGEST_TURN), ended)


def combine(frame: NDArray[np.uint8], glance: Glance, spec: ObservationSpec) -> Reading:
    """What `observe` takes: the camera's frame, and what the policy asks for beside it.

    Args:
        frame: (H, W, c) of the camera, the left one of two.
        glance: What the other sensors gave.
        spec: What the policy sees.

    Raises:
        BadFrameError: The second camera's frame is missing, broken or of another size.
        ContractError: The lidar's scan is missing.
    """
    if spec.sensor == STEREO:
        if glance.right is None:
            raise BadFrameError("there is no frame of the right camera")
        right = decode(glance.right.jpeg, spec)
        if right.shape != frame.shape:
            raise BadFrameError(f"the cameras' frames differ: {frame.shape} and {right.shape}")
        frame = np.concatenate([frame, right], axis=2)
    if spec.lidar is None:
        return frame
    if glance.scan is None:
        raise ContractError("there is no scan of a lidar")
    return {spec.sensor: frame, spec.lidar.sensor: glance.scan.ranges}


def beside_for(
    spec: ObservationSpec,
    *,
    camera: str = "",
    right_camera: str = "",
    lidar: Path = DEVICE,
    root: Path = Path("/"),
) -> Beside:
    """What a policy sees with beside the car's camera.

    Args:
        spec: What it sees.
        camera: The camera's device, or an `.mjpeg` file; looked for if not given.
        right_camera: The second camera's, likewise.
        lidar: The lidar's serial port.
        root: Where dev lies.

    Raises:
        CarError: Something is not there.
    """
    right, scanner = None, None
    if spec.sensor == STEREO:
        left = Path(camera) if camera else find_camera(root)
        right = camera_named(right_camera or str(find_right_camera(left, root)), root)
    if spec.lidar is not None:
        if not lidar.exists():
            raise CarError(
                f"the policy sees with a lidar, and {lidar} is not there: plug it in, or give --lidar"
            )
        scanner = functools.partial(turns, lidar)
    return Beside(right, scanner)
