"""The console as a program: the drive loop in a thread, the web server in front of it."""

from __future__ import annotations

import logging
import signal
import socket as sockets
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..beside import Beside, beside_for
from ..calibration import CALIBRATION
from ..drive_thread import in_thread
from ..drivers.battery import open_battery
from ..drivers.camera import OpenCamera
from ..drivers.gamepad import Gamepad
from ..errors import CarError
from ..guard.wire import SOCKET
from ..hand import Hand
from ..lease import Lease
from ..live import LiveDrive, Settings
from ..observation import ObservationSpec
from ..watchers import Watchers
from .calibrating import Calibrating
from .cockpit import Cockpit
from .health import Health
from .journal import LOG, Journal
from .links import StopButton, connect
from .models import Library
from .passwords import Passwords
from .recordings import Recordings
from .shared import Console

#: A careful begin; the page changes it.
CAREFUL: Final = Settings(speed_limit=1.0, scale=0.3)

_SWITCH: Final = 0.001  # so that the web server never holds up the drive loop for long; usually 5 ms [s]


@dataclass(frozen=True)
class Address:
    """Where the console is reached.

    Attributes:
        host: The address to listen at.
        port: The port.
        names: Names of this car besides its host name.
        certificate: PEM file of a TLS certificate, with `key`; without them it is plain HTTP.
        key: PEM file of its key.
    """

    host: str = "0.0.0.0"
    port: int = 8080
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    secure: bool = field(init=False)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise CarError("give both --certificate and --key, or neither")
        for file in (self.certificate, self.key):
            if file is not None and not file.is_file():
                raise CarError(f"there is no {file}: see docs/car.md for how to make a certificate")
        object.__setattr__(self, "secure", self.certificate is not None)


def make_console(
    camera: OpenCamera,
    *,
    state: Path,
    socket: Path = Path(SOCKET),
    calibration: Path = CALIBRATION,
    root: Path = Path("/"),
    secure: bool = False,
    pad: Gamepad | None = None,
    beside: Callable[[ObservationSpec], Beside] = beside_for,
) -> Console:
    """Put the console together; nothing runs yet.

    Args:
        camera: Opens the camera; called again whenever it is lost.
        state: The folder of the password, the models and the recordings.
        socket: Where the guard listens; it need not run yet.
        calibration: The calibration file.
        root: Where sys, proc and dev lie.
        secure: Whether it will be served over TLS.
        pad: A gamepad that is plugged into the car.
        beside: Makes what a policy sees beside the camera; raises CarError if something is not there.
    """
    journal = Journal()
    LOG.addHandler(journal)
    LOG.setLevel(logging.INFO)
    try:
        battery = open_battery(root)
    except CarError as error:
        LOG.warning("%s", error)
        battery = None
    hand, stop, watchers = Hand(), StopButton(socket), Watchers()
    live = LiveDrive(
        hand,
        camera,
        lambda: connect(socket),
        lease=Lease(),
        settings=CAREFUL,
        battery=battery,
        watcher=watchers,
    )
    recordings = Recordings(state / "recordings", watchers)
    calibrating = Calibrating(lambda: connect(socket), calibration)
    cockpit = Cockpit(live, hand, stop, Library(state / "models"), calibrating, recordings)
    passwords = Passwords(state / "password.json")
    return Console(cockpit, stop, passwords, journal, Health(root), recordings, beside, secure, pad)


def run(console: Console, address: Address) -> None:
    """Serve until SIGTERM or SIGINT; the car is stopped whichever way this ends.

    Raises:
        CarError: The address cannot be used, or the drive loop failed.
    """
    import uvicorn

    from .app import make_app

    config = uvicorn.Config(
        make_app(console, address.names),
        log_config=None,
        log_level="warning",
        access_log=False,
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # JPEGs do not get smaller
        ws_max_size=16 * 1024,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=address.certificate,
        ssl_keyfile=str(address.key) if address.key else None,
    )
    server = uvicorn.Server(config)

    def end(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        # Before uvicorn listens to them, and when it raises them once more because it has ended.
        signal.signal(number, end)
    sys.setswitchinterval(_SWITCH)
    listener = _listen(address)
    with in_thread(console.cockpit.live, end):
        try:
            LOG.info("the console is at %s", url(address))
            server.run(sockets=[listener])
        finally:
            console.cockpit.stop()
            console.recordings.end()


def url(address: Address) -> str:
    """Where people find the console."""
    name = f"{sockets.gethostname()}.local" if address.host in ("0.0.0.0", "::") else address.host
    return f"{'https' if address.secure else 'http'}://{name}:{address.port}"


def _listen(address: Address) -> sockets.socket:
    family = sockets.AF_INET6 if ":" in address.host else sockets.AF_INET
    listener = sockets.socket(family, sockets.SOCK_STREAM)
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise CarError(
            f"cannot serve at {address.host} port {address.port}: {error.strerror or error}; try --port"
        ) from None
    return listener
