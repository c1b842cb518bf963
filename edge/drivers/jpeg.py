"""From a camera's JPEG to the frame that `observe` takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CarError
from ..observation import ObservationSpec

_START, _END = b"\xff\xd8", b"\xff\xd9"
_COMMENT = b"\xff\xfe"
_QUALITY = 85  # such as cameras use; 30 kB for 640x480


class BadFrameError(ValueError):
    """A JPEG that is broken; the next one may be fine."""


def decode(jpeg: bytes, spec: ObservationSpec) -> NDArray[np.uint8]:
    """Decode a JPEG.

    Gray comes straight from the JPEG's luminance, whose weights are those of `observe` to 0.0001. libjpeg
    scales by eighths while it decodes, to the smallest size that is not below the contract's; `observe` does
    the rest.

    Returns:
        (H, W, 1) gray or (H, W, 3) RGB, not smaller than the contract's frame.

    Raises:
        BadFrameError: It is truncated or corrupt.
        CarError: simplejpeg is not installed.
    """
    simplejpeg = _library()
    check_whole(jpeg)
    try:
        frame: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            jpeg,
            "RGB" if spec.channels == 3 else "GRAY",
            min_height=spec.height,
            min_width=spec.width,
            min_factor=1,
        )
    except ValueError as error:
        raise BadFrameError(str(error)) from None
    return frame


def check_whole(jpeg: bytes) -> None:
    """Raise BadFrameError if the end of a JPEG is missing."""
    # libjpeg fills what is missing with gray and calls that a warning; cameras pad with zeros.
    if _END not in jpeg[-64:].rstrip(b"\0")[-2:]:
        raise BadFrameError("the JPEG is truncated")


def encode(frame: NDArray[np.uint8], number: int = 0) -> bytes:
    """A frame as a camera would give it: 4:2:2, as they all do, and no two frames of the same bytes.

    Args:
        frame: (H, W, 3) RGB, or (H, W, 1) gray, of which the luminance is the same.
        number: Of the frame; it is written into a comment, because a simulated camera that stands has no
            noise.

    Raises:
        CarError: simplejpeg is not installed.
    """
    gray = frame.shape[2] == 1
    kind = {"colorspace": "GRAY"} if gray else {"colorspace": "RGB", "colorsubsampling": "422"}
    jpeg = _library().encode_jpeg(np.ascontiguousarray(frame), quality=_QUALITY, **kind)
    text = b"%d" % number
    return _START + _COMMENT + (2 + len(text)).to_bytes(2, "big") + text + jpeg[2:]


def _library() -> Any:
    try:
        import simplejpeg
    except ImportError:
        raise CarError("JPEG frames need simplejpeg: pip install 'hairpin[car]'") from None
    return simplejpeg
