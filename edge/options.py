"""Options that several commands of the car have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

#: The name that `udev` gives it.
LIDAR: Final = Path("/dev/hairpin-lidar")

Camera = Annotated[
    str, typer.Option(help="A video device, or an .mjpeg file to rehearse with; looked for if not given.")
]
RightCamera = Annotated[
    str, typer.Option(help="The right one of a policy's STEREO_CAMERAS; looked for if not given.")
]
Lidar = Annotated[Path, typer.Option(help="The lidar's serial port, for a policy that sees with one.")]
Gamepad = Annotated[
    str, typer.Option(help="A gamepad on the car, such as /dev/input/js0; auto looks for one.")
]
Socket = Annotated[Path, typer.Option(help="Where the guard listens.")]
CalibrationPath = Annotated[Path, typer.Option("--calibration", help="The calibration file.")]
Root = Annotated[Path, typer.Option(help="Where sys and dev lie, for trials.", hidden=True)]
