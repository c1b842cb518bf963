"""Golden frames: observations and what the model must give for them, so that a wrong engine never drives."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .contract import Contract
from .errors import BundleError

_ARRAYS: Final = ("frames", "outputs")
_LARGEST: Final = 64 * 2**20  # unpacked [bytes]


@dataclass(frozen=True, eq=False)
class Golden:
    """Observations, and what the original network gave for them.

    Attributes:
        frames: (G, h, w, c) uint8 observations.
        outputs: (G, n) float32.
    """

    frames: NDArray[np.uint8]
    outputs: NDArray[np.float32]

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
    np.savez_compressed(file, frames=golden.frames, outputs=golden.outputs)
    return file.getvalue()


def read_golden(content: bytes) -> Golden:
    """Read what `write_golden` wrote; nothing is unpickled.

    Raises:
        BundleError: It is something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry.filename: entry.file_size for entry in archive.infolist()}
        if set(entries) != {f"{name}.npy" for name in _ARRAYS} or sum(entries.values()) > _LARGEST:
            raise ValueError
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return Golden(*(arrays[name] for name in _ARRAYS))
    except (ValueError, OSError, EOFError, KeyError, NotImplementedError, MemoryError, zipfile.BadZipFile):
        raise BundleError("golden.npz does not hold golden frames: export the bundle again") from None
