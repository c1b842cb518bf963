"""The policies on the car: a folder of bundles."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any, Final

from ..bundle import read_bundle
from ..errors import BundleError, CarError

#: Largest upload [bytes]; DeepRacer's largest network has 20 MiB.
LARGEST: Final = 64 * 2**20

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}\.tar\.gz")
_SPARE: Final = 256 * 2**20  # of the disk, which uploads must leave [bytes]


class Library:
    """A folder of bundles.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._active = path / ".active"

    def models(self) -> list[dict[str, Any]]:
        """Name, size [bytes] and time of each bundle [s since 1970], the newest first."""
        found = []
        for file in self.path.glob("*.tar.gz"):
            if _NAME.fullmatch(file.name) and file.is_file():
                status = file.stat()
                found.append({"name": file.name, "size": status.st_size, "time": int(status.st_mtime)})
        return sorted(found, key=lambda model: (-model["time"], model["name"]))

    def find(self, name: object) -> Path:
        """The file of a name.

        Raises:
            CarError: There is none, or it is no name.
        """
        path = self.path / _checked(name)
        if not path.is_file():
            raise CarError(f"there is no model {path.name} on the car")
        return path

    async def receive(self, name: str, parts: AsyncIterator[bytes], announced: int | None) -> None:
        """Keep an upload, once it is whole and proved to be a bundle; it never lies in memory.

        Raises:
            CarError, BundleError: It is too large, there is no room, or it is no bundle.
        """
        from starlette.concurrency import run_in_threadpool

        goal = self.path / _checked(name)
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

    def delete(self, name: object) -> None:
        """Delete a bundle.

        Raises:
            CarError: There is none, or it cannot be deleted.
        """
        path = self.find(name)
        try:
            path.unlink()
        except OSError as error:
            raise CarError(f"cannot delete {path.name}: {error.strerror}") from None

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
        existing = next(path for path in (self.path, *self.path.parents) if path.exists())
        if shutil.disk_usage(existing).free < max(announced, 1) + _SPARE:
            raise CarError("the car's disk is full: delete a model first")


def _checked(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CarError("give a file named like policy.tar.gz: letters, digits, dots, dashes, no spaces")
    return name


def _too_large() -> str:
    return f"it is larger than {LARGEST >> 20} MiB: no policy bundle is"


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
