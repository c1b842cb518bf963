"""The bridge to ROS 1, with a real master, where Debian's or Ubuntu's ROS is installed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hairpin.edge.beside import Glance
from hairpin.edge.drivers.camera import Image
from hairpin.edge.watchers import Watchers

SYSTEM = Path("/usr/lib/python3/dist-packages")  # of Debian's Python, which may be of another version

PUBLISHER = """
import sys, time
from hairpin.edge.beside import Glance
from hairpin.edge.drivers.camera import Image
from hairpin.edge.ros import RosPublisher
ros = RosPublisher()
ros.health({"armed": False, "reason": "nobody has armed it yet"})
for i in range(200):
    stamp = time.monotonic()
    ros.frame(Image(b"\\xff\\xd8" + b"%d" % i, stamp))
    ros.beside(stamp, Glance(Image(b"\\xff\\xd8 right", stamp)))
    ros.decision(stamp, {"steering": 0.25, "sent": None})
    time.sleep(0.05)
assert not ros.failed, ros.failed
"""
LISTENER = """
import json, rospy, rosgraph
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String
rospy.init_node("listener")
image = rospy.wait_for_message("/hairpin/camera/compressed", CompressedImage, 20)
right = rospy.wait_for_message("/hairpin/camera_right/compressed", CompressedImage, 20)
decision = rospy.wait_for_message("/hairpin/decision", String, 20)
health = rospy.wait_for_message("/hairpin/health", String, 20)
_, subscribed, _ = rosgraph.Master("/listener").getSystemState()
heard = [topic for topic, nodes in subscribed if "/hairpin" in nodes]
stamp = image.header.stamp.to_sec()
starts = [image.data[:2].hex(), right.data[2:].decode()]
print(json.dumps([image.format, starts, stamp, decision.data, health.data, heard]))
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
        kind, start, stamp, decision, health, subscribed = json.loads(heard.stdout.splitlines()[-1])
        assert (kind, start) == ("jpeg", ["ffd8", " right"])
        assert abs(stamp - time.time()) < 60
        assert json.loads(decision)["steering"] == 0.25
        assert json.loads(health)["armed"] is False
        assert subscribed == [], "it must listen to nothing that could move the car"
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
