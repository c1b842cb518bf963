"""Why the car is not armed; one list for the guard, the runtime and whoever shows it to people."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """Why the car is not armed. The numbers travel between processes: add new ones at the end."""

    NONE = 0
    NOT_ARMED_YET = 1
    STOPPED = 2
    SHUTDOWN = 3
    COMMAND_TIMEOUT = 4
    BAD_COMMAND = 5
    CLIENT_GONE = 6
    OUTPUT_FAILED = 7
    TAKEN = 8
    NO_GUARD = 9
    CAMERA_LOST = 10
    CAMERA_FROZEN = 11
    BAD_FRAME = 12
    INFERENCE_LATE = 13
    INFERENCE_FAILED = 14
    BAD_ACTION = 15
    LEASE_LOST = 16
    BATTERY_LOW = 17
    BATTERY_UNKNOWN = 18
    NO_FRAME_YET = 19
    RIGHT_CAMERA_LOST = 20
    LIDAR_LOST = 21

    @property
    def text(self) -> str:
        """The reason for people."""
        return _TEXTS[self]

    @property
    def fault(self) -> bool:
        """Whether something is broken, rather than that somebody wanted the car to stand."""
        return self not in _WANTED


_WANTED = {
    Reason.NONE,
    Reason.NOT_ARMED_YET,
    Reason.STOPPED,
    Reason.SHUTDOWN,
    Reason.TAKEN,
    Reason.LEASE_LOST,
    Reason.NO_FRAME_YET,
}

_TEXTS = {
    Reason.NONE: "armed",
    Reason.NOT_ARMED_YET: "nobody has armed it yet",
    Reason.STOPPED: "somebody stopped it",
    Reason.SHUTDOWN: "the program was ended",
    Reason.COMMAND_TIMEOUT: "no command came in time",
    Reason.BAD_COMMAND: "a command was not a number, or out of range",
    Reason.CLIENT_GONE: "the program that drove has died",
    Reason.OUTPUT_FAILED: "the servo or the motor could not be written to; look at the wiring",
    Reason.TAKEN: "another program drives",
    Reason.NO_GUARD: "the guard does not answer; start it: systemctl start hairpin-guard",
    Reason.CAMERA_LOST: "no frames from the camera; look at its cable",
    Reason.CAMERA_FROZEN: "the camera repeats the same frame",
    Reason.BAD_FRAME: "the camera's frames are broken, or not what the policy sees",
    Reason.INFERENCE_LATE: "the policy takes too long for this camera",
    Reason.INFERENCE_FAILED: "the policy failed",
    Reason.BAD_ACTION: "the policy gave an action that is not a number, or out of range",
    Reason.LEASE_LOST: "the driver let go, or the console lost its connection",
    Reason.BATTERY_LOW: "the drive battery is low; charge it",
    Reason.BATTERY_UNKNOWN: "the drive battery does not answer; is it plugged in?",
    Reason.NO_FRAME_YET: "no frame has become a command yet",
    Reason.RIGHT_CAMERA_LOST: "no frames from the right camera, which the policy needs; look at its cable",
    Reason.LIDAR_LOST: "no turns from the lidar, which the policy needs; look at its cable",
}
