"""The policies on the car: a folder of bundles."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Final

from ..bundle import read_bundle
from ..errors import BundleError, CarError
from .folder import Folder

#: Largest upload [bytes]; DeepRacer's largest network has 20 MiB.
LARGEST: Final = 64 * 2**20


class Library(Folder):
    """A folder of bundles."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "model", ".tar.gz")
        self._active = path / ".active"

    async def receive(self, name: str, parts: AsyncIterator[bytes], announced: int | None) -> None:
        """Keep an upload, once it is whole and proved to be a bundle; it never lies in memory.

        Raises:
            CarError, BundleError: It is too large, there is no room, or it is no bundle.
        """
        from starlette.concurrency import run_in_threadpool

        goal = self.place(name)
        self._check_room(announced or 0)
        temporary = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.path, prefix=".upload.", delete=False) as file:
                temporary = Path(file.name)
                size = 0
                async for part in parts:
                    size += len(part)
                    if size > LARGEST:
                        raise CarError(_too_large())
                    await run_in_threadpool(file.write, part)
                await run_in_threadpool(_flush, file)
            await run_in_threadpool(read_bundle, temporary)
            temporary.replace(goal)
        except BundleError as error:
            raise BundleError(str(error).replace(str(temporary), name)) from None
        except OSError as error:
            raise CarError(f"cannot keep {name}: {error.strerror}") from None
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def remember(self, name: str) -> None:
        """Note which one is active, for the next start; it does not matter if that fails."""
        try:
            temporary = self._active.with_suffix(".new")
            temporary.write_text(name)
            temporary.replace(self._active)
        except OSError:
            return

    def remembered(self) -> str:
        """Which one was active last, or nothing."""
        try:
            name = self._active.read_text()
            return self.find(name).name
        except (OSError, ValueError):
            return ""

    def _check_room(self, announced: int) -> None:
        if announced > LARGEST:
            raise CarError(_too_large())
        if self.room() < max(announced, 1):
            raise CarError("the car's disk is full: delete a model or a recording first")


def _too_large() -> str:
    return f"it is larger than {LARGEST >> 20} MiB: no policy bundle is"


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
