"""Videos of a car driving, seen from behind, with its camera and the map inset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from hairpin.sim import World
from hairpin.sim.paint import HEIGHT, WIDTH, Painter

from .errors import RunError


class Film(Protocol):
    """Takes pictures of a car of a world, one per step."""

    def __call__(self, world: World) -> None:
        """Film the state of the world now."""
        ...


@contextmanager
def film(path: Path, fps: float, car: int = 0) -> Iterator[Film]:
    """Film one car of a world into an MP4 file (H.264), which is there when the block ends well.

    Args:
        path: The file.
        fps: Pictures per second; the control rate shows real time.
        car: Which.

    Raises:
        RunError: The file cannot be written.
    """
    import imageio_ffmpeg

    if path.suffix != ".mp4" or path.is_dir():
        raise RunError(f"video {path}: give the name of a file that ends in .mp4")
    unfinished = path.with_name(f".{path.stem}-unfinished.mp4")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
    except OSError as error:
        raise RunError(f"video {path} cannot be written: {error.strerror}") from error
    writer = imageio_ffmpeg.write_frames(
        str(unfinished), (WIDTH, HEIGHT), fps=fps, codec="libx264", quality=7, macro_block_size=2
    )
    painter: list[Painter] = []

    def take(world: World) -> None:
        if not painter:
            writer.send(None)  # starts ffmpeg
            painter.append(Painter(world))
        picture = np.ascontiguousarray(painter[0].paint(car)).tobytes()
        try:
            writer.send(picture)
        except OSError as error:  # its text is ffmpeg's whole log
            raise RunError(f"video {path} cannot be written: is the disk full?") from error

    try:
        yield take
        writer.close()
        unfinished.replace(path)
    finally:
        writer.close()
        unfinished.unlink(missing_ok=True)
