"""The command `hairpin-car drive`, and how a person at the keys or a gamepad keeps the car driving."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .drive_thread import in_thread
from .errors import CarError
from .guard.wire import SOCKET
from .lease import DeadMansKey, Lease
from .options import LIDAR, Camera, Gamepad, Lidar, RightCamera, Root, Socket
from .reasons import Reason

if TYPE_CHECKING:
    from .drivers import gamepad as gamepads
    from .hand import Hand
    from .live import LiveDrive
    from .policy import Policy
    from .watchers import Watcher

_PAD_PERIOD: Final = 0.02  # [s]


def drive(
    bundle: Annotated[
        Path | None,
        typer.Argument(metavar="[BUNDLE]", help="A policy bundle, a .tar.gz file; none drives by hand."),
    ] = None,
    speed_limit: Annotated[float, typer.Option(help="Highest speed [m/s].")] = 4.0,
    scale: Annotated[float, typer.Option(help="Share of the motor's power, 0 to 1.")] = 0.5,
    trim: Annotated[
        float, typer.Option(help="Steering to add if the car pulls to a side [deg], + = left.")
    ] = 0.0,
    camera: Camera = "",
    right_camera: RightCamera = "",
    lidar: Lidar = LIDAR,
    record: Annotated[
        Path | None, typer.Option(help="Record frames, decisions and health in this .mcap file.")
    ] = None,
    record_limit: Annotated[
        int, typer.Option(help="Most that recordings may take [MB]; the older half gives way.")
    ] = 2000,
    ros: Annotated[bool, typer.Option("--ros", help="Tell ROS 1 all of it; ROS moves nothing.")] = False,
    gamepad: Gamepad = "",
    socket: Socket = Path(SOCKET),
    root: Root = Path("/"),
) -> None:
    """Drive the car with a policy, while a key is held down.

    The key is the space bar, or a gamepad's LB or RB. Let go, and it stops; so it does if the
    connection breaks. The guard must run: systemctl start hairpin-guard

    Without a BUNDLE the gamepad drives: left stick, right trigger forward, left trigger back.

    Example: hairpin-car drive policy.tar.gz --speed-limit 1.0 --scale 0.4
    """
    from math import radians

    from .beside import Beside, beside_for
    from .drivers.battery import open_battery
    from .drivers.camera import camera_named, find_camera
    from .drivers.gamepad import gamepad_named
    from .guard.client import GuardLink
    from .hand import Hand
    from .live import LiveDrive, Settings
    from .policy import Policy
    from .watchers import Watchers

    if bundle is None and not gamepad:
        raise CarError("give a BUNDLE, or --gamepad auto to drive by hand")
    settings = Settings(speed_limit, scale, radians(trim))
    policy = None if bundle is None else Policy.load(bundle)
    open_camera = camera_named(camera, root)
    if not camera:
        find_camera(root)  # a car without camera is told so at once
    pad = gamepad_named(gamepad, root) if gamepad else None
    lease, hand, beside = Lease(), Hand(), Beside()
    if policy is not None:
        spec = policy.contract.observation
        beside = beside_for(spec, camera=camera, right_camera=right_camera, lidar=lidar, root=root)
    told = Watchers()
    car = LiveDrive(
        policy or hand,
        open_camera,
        lambda: GuardLink(socket),
        lease=lease,
        settings=settings,
        battery=open_battery(root),
        watcher=told,
        beside=beside,
    )
    # Last: a recording that begins moves the one before it aside, which a drive that cannot begin must not.
    watchers = _watchers(policy, record, record_limit, ros)
    for watcher in watchers:
        told.join(watcher)
    try:
        if pad is not None:
            threading.Thread(target=_follow_pad, args=(car, lease, hand, pad), daemon=True).start()
        _until_told(car, lease)
    finally:
        for watcher in watchers:
            watcher.close()
            if watcher.failed:
                print(f"this ended before the drive: {watcher.failed}", file=sys.stderr)


def _watchers(policy: Policy | None, record: Path | None, limit: int, ros: bool) -> list[Watcher]:
    """Who is told of the drive; the recording takes at most `limit` [MB]."""
    from .recording import Recorder
    from .report import about
    from .ros import RosPublisher

    found: list[Watcher] = [RosPublisher()] if ros else []
    if record is not None:
        found.append(Recorder(record, {} if policy is None else about(policy), 1_000_000 * limit))
    return found


def _until_told(car: LiveDrive, lease: Lease) -> None:
    """Run the loop in a thread, and keep this one free for signals and keys."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    with _keys() as keys, in_thread(car, ended.set):  # the car stops before the terminal is told anything
        _follow(car, lease, ended, keys)


def _follow(car: LiveDrive, lease: Lease, ended: threading.Event, keys: int) -> None:
    """Turn keys into the lease, and say how it goes."""
    key = DeadMansKey(lease)
    shown = ""
    print("hold the space bar to drive, let go to stop; q ends", file=sys.stderr)
    open_input = True
    while not ended.wait(0.0 if open_input else 0.05):
        ready = open_input and select.select([keys], [], [], 0.05)[0]
        pressed = os.read(keys, 64) if ready else b""
        if ready and not pressed:  # the terminal is gone
            open_input = False
            lease.end()
        if b"q" in pressed or b"\x03" in pressed:
            return
        if b" " in pressed and key.pressed():
            car.arm()
        status = car.status()
        line = "DRIVING" if status.armed else f"stopped: {status.reason.text}"
        if line != shown and (status.reason is not Reason.LEASE_LOST or not lease.valid()):
            shown = line
            print(f"{line} ({status.fps:.0f} frames/s)", file=sys.stderr, flush=True)


def _follow_pad(car: LiveDrive, lease: Lease, hand: Hand, pad: gamepads.Gamepad) -> None:
    """Turn a gamepad's dead man's key into the lease, and its stick into the hand's wish, for ever."""
    held = False
    while True:
        held, before = pad.held, held
        if held:
            hand.move(pad.steering, pad.push)
            lease.renew()
            if not before:
                car.arm()
        elif before:
            lease.end()
            car.disarm()
        time.sleep(_PAD_PERIOD)


@contextlib.contextmanager
def _keys() -> Iterator[int]:
    """Standard input, key by key."""
    keys = sys.stdin.fileno()
    if not os.isatty(keys):
        yield keys
        return
    before = termios.tcgetattr(keys)
    tty.setcbreak(keys)
    try:
        yield keys
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
