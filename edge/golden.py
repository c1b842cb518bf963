"""Golden samples: observations and what the model must give for them, so that a wrong engine never drives."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .contract import Contract, Observation
from .errors import BundleError

_ARRAYS: Final = ("frames", "outputs")
_LIDAR: Final = "lidar"  # beside them where the policy sees one
_LARGEST: Final = 64 * 2**20  # unpacked [bytes]


@dataclass(frozen=True, eq=False)
class Golden:
    """Observations, and what the original network gave for them.

    Attributes:
        frames: (G, h, w, c) uint8, what is seen of the camera.
        outputs: (G, n) float32.
        lidar: (G, size) float32, what is seen of the lidar, if there is one.
    """

    frames: NDArray[np.uint8]
    outputs: NDArray[np.float32]
    lidar: NDArray[np.float32] | None = None

    def observations(self, contract: Contract) -> Observation:
        """What the policy is given."""
        lidar = contract.observation.lidar
        if lidar is None or self.lidar is None:
            return self.frames
        return {contract.observation.sensor: self.frames, lidar.sensor: self.lidar}

    def check(self, contract: Contract) -> None:
        """Whether the arrays are of the kind and shape that the contract says.

        Raises:
            BundleError: They are not.
        """
        shape, outputs = contract.observation.shape, contract.actions.size
        if self.frames.dtype != np.uint8 or self.frames.shape[1:] != shape or not len(self.frames):
            raise BundleError(
                f"golden frames are {self.frames.dtype} {self.frames.shape}, the contract says "
                f"uint8 (G, {', '.join(map(str, shape))}): export the bundle again"
            )
        lidar = contract.observation.lidar
        wanted = None if lidar is None else (np.float32, (len(self.frames), lidar.size))
        found = None if self.lidar is None else (self.lidar.dtype, self.lidar.shape)
        if found != wanted:
            size = "none" if lidar is None else f"float32 (G, {lidar.size})"
            raise BundleError(
                f"golden lidar values are {found}, the contract says {size}: export the bundle again"
            )
        if self.outputs.dtype != np.float32 or self.outputs.shape != (len(self.frames), outputs):
            raise BundleError(
                f"golden outputs are {self.outputs.dtype} {self.outputs.shape}, the contract says "
                f"float32 ({len(self.frames)}, {outputs}): export the bundle again"
            )
        if not np.isfinite(self.outputs).all():
            raise BundleError("golden outputs are not all finite: the policy is broken; train it again")


def write_golden(golden: Golden) -> bytes:
    """The arrays as an .npz file."""
    file = io.BytesIO()
    lidar: dict[str, Any] = {} if golden.lidar is None else {_LIDAR: golden.lidar}
    np.savez_compressed(file, frames=golden.frames, outputs=golden.outputs, **lidar)
    return file.getvalue()


def read_golden(content: bytes) -> Golden:
    """Read what `write_golden` wrote; nothing is unpickled.

    Raises:
        BundleError: It is something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry.filename: entry.file_size for entry in archive.infolist()}
        names = set(entries) - {f"{_LIDAR}.npy"}
        if names != {f"{name}.npy" for name in _ARRAYS} or sum(entries.values()) > _LARGEST:
            raise ValueError
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return Golden(*(arrays[name] for name in (*_ARRAYS, _LIDAR) if f"{name}.npy" in entries))
    # NotImplementedError is zipfile's word for a compression that it does not know.
    except (ValueError, OSError, EOFError, KeyError, NotImplementedError, MemoryError, zipfile.BadZipFile):
        raise BundleError("golden.npz does not hold golden frames: export the bundle again") from None
