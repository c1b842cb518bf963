"""A bridge to ROS 1: what the car sees and does, as topics. It listens to none, so ROS cannot move the car.

| topic | type |
|---|---|
| `/hairpin/camera/compressed` | `sensor_msgs/CompressedImage`, the camera's own JPEG |
| `/hairpin/camera_right/compressed` | the same of a second camera, if the policy sees with two |
| `/hairpin/decision` | `std_msgs/String`, JSON as in a recording |
| `/hairpin/health` | `std_msgs/String`, JSON, latched |

rospy comes with ROS, or with Debian's and Ubuntu's `python3-rospy`, and belongs to the system's Python.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from .beside import Glance
from .drivers.camera import Image
from .errors import CarError

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
            from sensor_msgs.msg import CompressedImage
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
        self._image, self._time = CompressedImage, rospy.Time
        self._epoch = time.time() - time.monotonic()  # ROS tells time by the wall's clock
        self._topics = {
            "camera": rospy.Publisher("hairpin/camera/compressed", CompressedImage, queue_size=1),
            "camera_right": rospy.Publisher("hairpin/camera_right/compressed", CompressedImage, queue_size=1),
            "decision": rospy.Publisher("hairpin/decision", String, queue_size=10),
            "health": rospy.Publisher("hairpin/health", String, queue_size=10, latch=True),
        }
        self._waiting: deque[tuple[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._ready = threading.Event()
        self._stopping = False
        self._shutdown = rospy.signal_shutdown
        self._thread = threading.Thread(target=self._run, name="ros", daemon=True)
        self._thread.start()

    def frame(self, image: Image) -> None:
        """Hand over a frame."""
        self._add("camera", image)

    def beside(self, stamp: float, glance: Glance) -> None:
        """Hand over the right camera's frame; a lidar has drivers of its own in ROS."""
        if glance.right is not None:
            self._add("camera_right", glance.right)

    def decision(self, stamp: float, values: Mapping[str, Any]) -> None:
        """Hand over what became of the frame of this stamp [s]."""
        self._add("decision", {"stamp": self._epoch + stamp, **values})

    def health(self, values: Mapping[str, Any]) -> None:
        """Hand over how the drive is going."""
        self._add("health", values)

    def close(self) -> None:
        """Leave ROS."""
        self._stopping = True
        self._ready.set()
        self._thread.join(timeout=1.0)
        self._shutdown("the drive is over")

    def _add(self, topic: str, message: Any) -> None:
        self._waiting.append((topic, message))
        self._ready.set()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._ready.wait()
                self._ready.clear()
                while self._waiting:
                    topic, message = self._waiting.popleft()
                    self._topics[topic].publish(self._encode(message))
        except Exception as error:  # whatever it is, the drive goes on
            self.failed = f"ROS: {error}"

    def _encode(self, message: Any) -> Any:
        if not isinstance(message, Image):
            return json.dumps(dict(message))
        image = self._image(format="jpeg", data=message.jpeg)
        image.header.stamp = self._time.from_sec(self._epoch + message.stamp)
        image.header.frame_id = "camera"
        return image
