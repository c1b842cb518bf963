"""From a camera's JPEG to the frame that `observe` takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import CarError
from ..observation import ObservationSpec

_END = b"\xff\xd9"


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
    try:
        import simplejpeg
    except ImportError:
        raise CarError("decoding the camera's frames needs simplejpeg: pip install 'hairpin[car]'") from None
    # libjpeg fills what is missing with gray and calls that a warning; cameras pad with zeros.
    if _END not in jpeg[-64:].rstrip(b"\0")[-2:]:
        raise BadFrameError("the JPEG is truncated")
    try:
        frame: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            jpeg,
            "GRAY" if spec.channels == 1 else "RGB",
            min_height=spec.height,
            min_width=spec.width,
            min_factor=1,
        )
    except ValueError as error:
        raise BadFrameError(str(error)) from None
    return frame
