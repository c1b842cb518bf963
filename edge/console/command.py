"""The command `hairpin-car serve`."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ..calibration import CALIBRATION
from ..errors import CarError
from ..guard.wire import SOCKET
from ..options import LIDAR, CalibrationPath, Camera, Gamepad, Lidar, RightCamera, Root, Socket


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen at; 127.0.0.1 is this computer alone.")
    ] = "0.0.0.0",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 8080,
    name: Annotated[
        list[str] | None, typer.Option(help="Another name of this car in your network; may be repeated.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM file of a TLS certificate.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
    state: Annotated[
        Path, typer.Option(help="Folder of the password, the models and the recordings.")
    ] = CALIBRATION.parent,
    camera: Camera = "",
    right_camera: RightCamera = "",
    lidar: Lidar = LIDAR,
    gamepad: Gamepad = "",
    socket: Socket = Path(SOCKET),
    calibration: CalibrationPath = CALIBRATION,
    root: Root = Path("/"),
) -> None:
    """Serve the console: a page to watch and drive the car with.

    It is for a phone or a computer, and needs no internet.
    The first visitor chooses the password. The guard must run: systemctl start hairpin-guard

    Without a car: hairpin-guard --car none --socket /tmp/guard.sock, then
    hairpin-car serve --camera film.mjpeg --socket /tmp/guard.sock --state /tmp/hairpin

    Example: hairpin-car serve --port 8080
    """
    try:
        from .serve import Address, make_console, run
    except ModuleNotFoundError as error:
        raise CarError(f"the console needs {error.name}: pip install 'hairpin[car]'") from None
    from ..beside import beside_for
    from ..drivers.camera import camera_named
    from ..drivers.gamepad import gamepad_named

    address = Address(host, port, tuple(name or ()), certificate, key)
    logging.basicConfig(format="%(message)s")
    console = make_console(
        camera_named(camera, root),
        state=state,
        socket=socket,
        calibration=calibration,
        root=root,
        secure=address.secure,
        pad=gamepad_named(gamepad, root) if gamepad else None,
        beside=partial(beside_for, camera=camera, right_camera=right_camera, lidar=lidar, root=root),
    )
    run(console, address)
