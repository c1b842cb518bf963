"""A drive in this process, on a guard in its own, whose sensors and battery can be broken."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import numpy as np
from car_rig import GuardProcess, jpegs, wait_until
from tiny_policies import SENSORS

from hairpin.edge import Policy
from hairpin.edge.beside import Beside
from hairpin.edge.drivers.camera import Image, ReplayCamera
from hairpin.edge.guard.client import GuardLink
from hairpin.edge.hand import Hand
from hairpin.edge.lease import Lease
from hairpin.edge.live import LiveDrive, Settings
from hairpin.edge.reasons import Reason
from hairpin.edge.recording import Recorder


class Camera(ReplayCamera):
    """A camera that can be broken."""

    def __init__(self) -> None:
        super().__init__(jpegs(), fps=30)
        self.fault = ""
        self._newest: Image | None = None

    def read(self) -> Image:
        image = self._newest = self._spoil(super().read(), self._newest)
        return image

    def _spoil(self, image: Image, before: Image | None) -> Image:
        if self.fault == "lost":
            raise OSError("unplugged")
        if self.fault == "hangs":
            time.sleep(1.0)
        if self.fault == "truncated":
            return image._replace(
                jpeg=image.jpeg[: len(image.jpeg) // 2] + bytes([int(1e3 * image.stamp) % 251])
            )
        if self.fault == "same bytes" and before is not None:
            return image._replace(jpeg=before.jpeg)
        if self.fault == "same stamp" and before is not None:
            return image._replace(stamp=before.stamp)
        return image


class Battery:
    """A gauge that can be broken."""

    def __init__(self) -> None:
        self.charge, self.fault = 9, ""

    def level(self) -> int:
        if self.fault == "silent":
            raise OSError("no answer")
        if self.fault == "hangs":
            time.sleep(10.0)
        if self.fault == "breaks":
            raise RuntimeError("a driver's bug")
        return self.charge


class Car:
    """A drive in this process, on a guard in its own."""

    def __init__(self, guard: GuardProcess, policy: Policy | Hand, recorder: Recorder | None = None) -> None:
        self.guard, self.policy, self.camera, self.battery = guard, policy, Camera(), Battery()
        self.right, self.turning = Camera(), True
        self.lease = Lease()
        self._holding = threading.Event()
        self._holding.set()
        sensors = isinstance(policy, Policy) and policy.contract == SENSORS
        beside = Beside(lambda: self.right, self._turns) if sensors else None
        self.drive = LiveDrive(
            policy,
            lambda: self.camera,
            lambda: GuardLink(guard.socket),
            lease=self.lease,
            settings=Settings(scale=1.0),
            battery=self.battery,
            watcher=recorder,
            beside=beside,
        )
        self._threads = [threading.Thread(target=target) for target in (self.drive.run, self._hold)]
        for thread in self._threads:
            thread.start()

    def _hold(self) -> None:
        while self._holding.is_set():
            self.lease.renew()
            time.sleep(0.02)

    def _turns(self) -> Generator[np.ndarray]:
        """A lidar of 8 turns a second."""
        while True:
            time.sleep(0.125)
            while not self.turning:
                time.sleep(0.01)
            yield np.zeros((0, 2))

    def let_go(self) -> None:
        self._holding.clear()

    def go(self) -> None:
        wait_until(lambda: self.drive.arm() is Reason.NONE)
        wait_until(self.guard.moving)

    def end(self) -> None:
        self._holding.clear()
        self.drive.stop()
        for thread in self._threads:
            thread.join()
