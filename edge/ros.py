"""A bridge to ROS 1: what the car sees and does, as topics. It listens to none, so ROS cannot move the car.

| topic | type |
|---|---|
| `/hairpin/camera/compressed` | `sensor_msgs/CompressedImage`, the camera's own JPEG |
| `/hairpin/camera_right/compressed` | the same of a second camera, if the policy sees with two |
| `/hairpin/scan` | `sensor_msgs/LaserScan`, each turn of the lidar once, if the policy sees with one |
| `/hairpin/decision` | `std_msgs/String`, JSON as in a recording |
| `/hairpin/health` | `std_msgs/String`, JSON, latched |

Frames: `camera_optical` and `camera_right_optical`, x to the right in the picture and y down (REP 103);
and `lidar`, x along the lidar's own angle 0: backwards, if it is mounted as on a DeepRacer. Where they sit on
the car the bridge does not know; docs/car.md shows how ROS learns it.

rospy comes with ROS, or with Debian's and Ubuntu's `python3-rospy`, and belongs to the system's Python.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from .beside import Glance, Scan
from .drivers.camera import Image
from .errors import CarError
from .lidar import FARTHEST, HALF_VIEW, NEAREST, RAYS

_MOST_WAITING: Final = 30  # messages, half a second; a network that is slower loses the oldest


class RosPublisher:
    """A node that publishes, in a thread of its own.

    Attributes:
        failed: Why nothing is published any more, or empty.

    Raises:
        CarError: There is no rospy, or no ROS master answers.
    """

    def __init__(self) -> None:
        try:
            import rosgraph
            import rospy
            from sensor_msgs.msg import CompressedImage, LaserScan
            from std_msgs.msg import String
        except ImportError as error:
            raise CarError(
                f"--ros needs rospy ({error}): sudo apt install python3-rospy, and make the environment with "
                "python3 -m venv --system-site-packages, or add /usr/lib/python3/dist-packages to PYTHONPATH"
            ) from None
        if not rosgraph.is_master_online():  # init_node would wait for one for ever
            raise CarError("no ROS master answers: start roscore, or set ROS_MASTER_URI")
        rospy.init_node("hairpin", disable_signals=True, anonymous=False)
        logging.getLogger("rosout").setLevel(logging.ERROR)
        self.failed = ""
        self._image, self._laser_scan, self._time = CompressedImage, LaserScan, rospy.Time
        self._epoch = time.time() - time.monotonic()  # ROS tells time by the wall's clock
        self._last: Scan | None = None  # that was handed over
        self._camera = rospy.Publisher("hairpin/camera/compressed", CompressedImage, queue_size=1)
        self._camera_right = rospy.Publisher("hairpin/camera_right/compressed", CompressedImage, queue_size=1)
        self._scan = rospy.Publisher("hairpin/scan", LaserScan, queue_size=1)
        self._decision = rospy.Publisher("hairpin/decision", String, queue_size=10)
        self._health = rospy.Publisher("hairpin/health", String, queue_size=10, latch=True)
        self._waiting: deque[tuple[Any, Callable[[], Any]]] = deque(maxlen=_MOST_WAITING)
        self._ready = threading.Event()
        self._stopping = False
        self._shutdown = rospy.signal_shutdown
        self._thread = threading.Thread(target=self._run, name="ros", daemon=True)
        self._thread.start()

    def frame(self, image: Image) -> None:
        """Hand over a frame."""
        self._add(self._camera, lambda: self._encode_image(image, "camera_optical"))

    def beside(self, stamp: float, glance: Glance) -> None:
        """Hand over the right camera's frame, and the lidar's turn unless an earlier frame had the same."""
        right, scan = glance.right, glance.scan
        if right is not None:
            self._add(self._camera_right, lambda: self._encode_image(right, "camera_right_optical"))
        if scan is not None and scan is not self._last:
            self._last = scan
            self._add(self._scan, lambda: self._encode_scan(scan))

    def decision(self, stamp: float, values: Mapping[str, Any]) -> None:
        """Hand over what became of the frame of this stamp [s]."""
        self._add(self._decision, lambda: json.dumps({"stamp": self._epoch + stamp, **values}))

    def health(self, values: Mapping[str, Any]) -> None:
        """Hand over how the drive is going."""
        self._add(self._health, lambda: json.dumps(dict(values)))

    def close(self) -> None:
        """Leave ROS."""
        self._stopping = True
        self._ready.set()
        self._thread.join(timeout=1.0)
        self._shutdown("the drive is over")

    def _add(self, publisher: Any, encode: Callable[[], Any]) -> None:
        """Let the thread publish what it encodes, so that the drive does not wait for either."""
        self._waiting.append((publisher, encode))
        self._ready.set()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._ready.wait()
                self._ready.clear()
                while self._waiting:
                    publisher, encode = self._waiting.popleft()
                    publisher.publish(encode())
        except Exception as error:  # whatever it is, the drive goes on
            self.failed = f"ROS: {error}"

    def _encode_image(self, image: Image, frame: str) -> Any:
        message = self._image(format="jpeg", data=image.jpeg)
        self._stamp(message, image.stamp, frame)
        return message

    def _encode_scan(self, scan: Scan) -> Any:
        message = self._laser_scan(**scan_fields(scan))
        self._stamp(message, first_ray(scan), "lidar")
        return message

    def _stamp(self, message: Any, stamp: float, frame: str) -> None:
        message.header.stamp = self._time.from_sec(self._epoch + stamp)
        message.header.frame_id = frame


def scan_fields(scan: Scan) -> dict[str, Any]:
    """The fields of a `sensor_msgs/LaserScan`, but for its header and intensities.

    Angles are counter-clockwise from the lidar's x (REP 103), in the order of `ray_angles`; a ray that meets
    nothing is +infinity (REP 117). No time from ray to ray is given: the lidar turns clockwise and begins at
    angle 0, so in the middle of the rays it is a turn later from one to the next.
    """
    return {
        "angle_min": -HALF_VIEW,
        "angle_max": HALF_VIEW,
        "angle_increment": 2.0 * HALF_VIEW / (RAYS - 1),
        "time_increment": 0.0,
        "scan_time": scan.ended - scan.began,
        "range_min": NEAREST,
        "range_max": FARTHEST,
        "ranges": scan.ranges.tolist(),
    }


def first_ray(scan: Scan) -> float:
    """When the first ray was measured [s], which a LaserScan's stamp is.

    It is the ray at `-HALF_VIEW`; the lidar, which turns clockwise from angle 0, comes there after 5/12.
    """
    return scan.began + HALF_VIEW / (2.0 * math.pi) * (scan.ended - scan.began)
