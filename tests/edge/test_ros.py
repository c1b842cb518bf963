"""The bridge to ROS 1, with a real master, where Debian's or Ubuntu's ROS is installed."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hairpin.edge.beside import Glance, Scan
from hairpin.edge.contract import RAYS
from hairpin.edge.drivers.camera import Image
from hairpin.edge.ros import first_ray, scan_fields
from hairpin.edge.watchers import Watchers
from hairpin.sim import lidar
from hairpin.sim.objects import OBJECT_DTYPE

SYSTEM = Path("/usr/lib/python3/dist-packages")  # of Debian's Python, which may be of another version

PUBLISHER = """
import math, sys, time
import numpy as np
from hairpin.edge.beside import Glance, Scan
from hairpin.edge.drivers.camera import Image
from hairpin.edge.lidar import ranges_of_turn
from hairpin.edge.ros import RosPublisher
ros = RosPublisher()
left = [math.pi / 2, 0.75]  # of the car, because the lidar looks backwards and counts clockwise
ahead = [math.pi, 1.0]  # where no ray is
ranges = ranges_of_turn(np.array([left, ahead]))
ros.health({"armed": False, "reason": "nobody has armed it yet"})
for i in range(200):
    stamp = time.monotonic()
    ros.frame(Image(b"\\xff\\xd8" + b"%d" % i, stamp))
    if i % 4 == 0:  # the lidar turns more slowly than the camera sees
        scan = Scan(ranges, stamp - 0.15, stamp - 0.03)
    ros.beside(stamp, Glance(Image(b"\\xff\\xd8 right", stamp), scan))
    ros.decision(stamp, {"steering": 0.25, "sent": None})
    time.sleep(0.05)
assert not ros.failed, ros.failed
"""
LISTENER = """
import json, rospy, rosgraph
from sensor_msgs.msg import CompressedImage, LaserScan
from std_msgs.msg import String
rospy.init_node("listener")
image = rospy.wait_for_message("/hairpin/camera/compressed", CompressedImage, 20)
right = rospy.wait_for_message("/hairpin/camera_right/compressed", CompressedImage, 20)
scans = []
rospy.Subscriber("/hairpin/scan", LaserScan, scans.append)
while len(scans) < 3:
    rospy.sleep(0.02)
stamps = [scan.header.stamp.to_sec() for scan in scans[:3]]
fields = {name: getattr(scans[0], name) for name in LaserScan.__slots__ if name != "header"}
frames = [message.header.frame_id for message in (image, right, scans[0])]
decision = rospy.wait_for_message("/hairpin/decision", String, 20)
health = rospy.wait_for_message("/hairpin/health", String, 20)
_, subscribed, _ = rosgraph.Master("/listener").getSystemState()
heard = [topic for topic, nodes in subscribed if "/hairpin" in nodes]
stamp = image.header.stamp.to_sec()
starts = [image.data[:2].hex(), right.data[2:].decode()]
print(json.dumps([image.format, starts, stamp, decision.data, health.data, heard, frames, stamps, fields]))
"""


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Variables with which a Python finds ROS, and a master to talk to."""
    probe = [sys.executable, "-c", "import rospy, sensor_msgs.msg"]
    paths = os.pathsep.join([*sys.path[1:], str(SYSTEM)])
    variables = {**os.environ, "PYTHONPATH": paths}
    if (
        shutil.which("rosmaster") is None
        or subprocess.run(probe, env=variables, capture_output=True).returncode
    ):
        pytest.skip("no ROS 1 for this Python: apt-get install python3-rospy python3-rosmaster")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables |= {"ROS_MASTER_URI": f"http://127.0.0.1:{port}", "ROS_IP": "127.0.0.1"}
    master = subprocess.Popen(
        ["rosmaster", "--core", "-p", str(port)], env={**variables, "PYTHONPATH": str(SYSTEM)}
    )
    yield variables
    master.terminate()
    master.wait()


def check_scan(fields: dict[str, Any]) -> None:
    """One thing 0.75 m to the left of the car, as what comes out of ROS says it."""
    angles, ranges = np.degrees(laser_angles(fields)), np.array(fields["ranges"], np.float64)
    assert (angles[0], angles[-1]) == pytest.approx((-150, 150), abs=1e-3)
    assert math.degrees(fields["angle_max"]) == pytest.approx(150, abs=1e-3)
    assert (fields["range_min"], fields["range_max"]) == pytest.approx((0.15, 12.0))
    assert (fields["time_increment"], fields["scan_time"]) == (0.0, pytest.approx(0.12))
    assert fields["intensities"] == []
    (hit,) = np.flatnonzero(np.isfinite(ranges))
    assert np.isposinf(np.delete(ranges, hit)).all()
    assert ranges[hit] == pytest.approx(0.75)
    assert angles[hit] + 180 == pytest.approx(90, abs=300 / 63 / 2)  # the lidar looks backwards


def laser_angles(fields: dict[str, Any]) -> np.ndarray:
    """The rays' angles [rad], by the definition of `sensor_msgs/LaserScan`."""
    return fields["angle_min"] + fields["angle_increment"] * np.arange(len(fields["ranges"]))


def test_a_scan_puts_things_where_they_are() -> None:
    pose, middle, half = np.array([[1.0, -2.0, 0.4]]), np.array([0.2, -1.4]), np.array([0.2, 0.1])
    box = np.zeros((1, 1), OBJECT_DTYPE)
    box["x"], box["y"], box["height"] = *middle, lidar.HEIGHT + 0.1
    box["half_length"], box["half_width"] = half
    fields = scan_fields(Scan(lidar.scan(pose, box, np.zeros(1, np.uint64))[0], 0.0, 0.1))
    ranges = np.array(fields["ranges"])
    hits = np.isfinite(ranges)
    assert hits.sum() >= 3
    # From the lidar's frame to the car's, as docs/car.md tells ROS, and from there to the track's.
    seen = ranges[hits] * np.exp(1j * laser_angles(fields)[hits])
    x, y, yaw = pose[0]
    places = complex(x, y) + (lidar.FORWARD - seen) * np.exp(1j * yaw)
    away = np.abs(np.stack([places.real, places.imag], axis=1) - middle) - half
    assert (away < 4 * lidar.NOISE).all()


def test_a_scans_time_is_that_of_its_first_ray() -> None:
    # 150 degrees after the turn began, for a lidar that turns clockwise.
    assert first_ray(Scan(np.zeros(RAYS), 10.0, 10.12)) == pytest.approx(10.0 + 0.12 * 150 / 360)


def test_ros_hears_the_drive_and_says_nothing_to_it(environment: dict[str, str]) -> None:
    publisher = None
    until = time.monotonic() + 20
    while publisher is None or publisher.poll() is not None:  # the master needs a moment
        assert time.monotonic() < until, "the publisher never found the master"
        publisher = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER], env=environment, stderr=subprocess.PIPE
        )
        time.sleep(1.0)
    try:
        heard = subprocess.run(
            [sys.executable, "-c", LISTENER], env=environment, capture_output=True, text=True, timeout=60
        )
        assert heard.returncode == 0, heard.stderr[-2000:]
        line = heard.stdout.splitlines()[-1]
        kind, start, stamp, decision, health, subscribed, frames, stamps, fields = json.loads(line)
        assert (kind, start) == ("jpeg", ["ffd8", " right"])
        assert abs(stamp - time.time()) < 60
        assert json.loads(decision)["steering"] == 0.25
        assert json.loads(health)["armed"] is False
        assert subscribed == [], "it must listen to nothing that could move the car"
        assert frames == ["camera_optical", "camera_right_optical", "lidar"]
        assert np.diff(stamps) == pytest.approx([0.2, 0.2], abs=0.1), "each turn once"
        check_scan(fields)
    finally:
        publisher.kill()
        publisher.wait()


def test_without_a_master_there_is_one_clear_line(environment: dict[str, str]) -> None:
    code = "from hairpin.edge.ros import RosPublisher; RosPublisher()"
    lonely = environment | {"ROS_MASTER_URI": "http://127.0.0.1:9"}
    result = subprocess.run([sys.executable, "-c", code], env=lonely, capture_output=True, text=True)
    assert "CarError: no ROS master answers: start roscore" in result.stderr


def test_without_ros_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from hairpin.edge.errors import CarError
    from hairpin.edge.ros import RosPublisher

    monkeypatch.setitem(sys.modules, "rosgraph", None)
    with pytest.raises(CarError, match="apt install python3-rospy"):
        RosPublisher()


class Ear:
    def __init__(self, failed: str = "") -> None:
        self.failed, self.heard = failed, []  # type: ignore[var-annotated]

    def frame(self, image: Image) -> None:
        self.heard.append("frame")

    def beside(self, stamp: float, glance: Glance) -> None:
        self.heard.append("beside")

    def decision(self, stamp: float, values: object) -> None:
        self.heard.append("decision")

    def health(self, values: object) -> None:
        self.heard.append("health")

    def close(self) -> None:
        self.heard.append("close")


def test_several_watchers_are_told_all_of_it() -> None:
    ears = [Ear(), Ear("the disk is full")]
    both = Watchers(ears)
    both.frame(Image(b"", 0.0))
    both.beside(0.0, Glance())
    both.decision(0.0, {})
    both.health({})
    both.close()
    assert [ear.heard for ear in ears] == [["frame", "beside", "decision", "health", "close"]] * 2
    late = Ear()
    both.join(late)
    both.leave(ears[0])
    both.health({})
    assert (len(ears[0].heard), len(ears[1].heard), late.heard) == (5, 6, ["health"])
    assert both.failed == "the disk is full"
