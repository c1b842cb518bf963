"""Objects on the track besides the car itself: boxes that stand there, and other cars."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np


class Kind(IntEnum):
    """What an object is."""

    BOX = 0
    CAR = 1


OBJECT_DTYPE: Final = np.dtype(
    [
        ("kind", np.int64),  # of `Kind`
        ("x", np.float64),  # middle of its footprint [m]
        ("y", np.float64),
        ("yaw", np.float64),  # [rad]
        ("speed", np.float64),  # forward [m/s]
        ("half_length", np.float64),  # along yaw [m]
        ("half_width", np.float64),  # [m]
        ("height", np.float64),  # [m]
        ("color", np.float64, (3,)),  # red, green, blue [levels]
    ]
)
"""One object. A world holds (N, M) of them: M for each of its N cars, none in a time trial."""

BOX_BUFFER: Final = 0.05
"""Boxes count so much larger to each side in the rule for crashes (markov/track_geom/constants.py) [m]."""

CAR_INSET: Final = 0.01
"""A car's body lies so far within its rectangle, so that who touches it has crashed [m]."""
