"""A folder of the car's files of one kind, as the page lists, fetches and deletes them."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
from pathlib import Path
from typing import Any, Final

from ..errors import CarError

#: What must stay free of the disk, whatever is uploaded or recorded [bytes].
SPARE: Final = 256 * 2**20


class Folder:
    """A folder of files; it need not be there yet.

    Args:
        path: The folder.
        kind: What the files are, for people.
        suffix: How their names end.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path, kind: str, suffix: str) -> None:
        self.path, self._kind, self._suffix = path, kind, suffix
        self._name = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,59}}{re.escape(suffix)}")

    def files(self) -> list[dict[str, Any]]:
        """Name, size [bytes] and time of each file [s since 1970], the newest first."""
        found = []
        for file in self.path.glob(f"*{self._suffix}"):
            with contextlib.suppress(OSError):  # deleted meanwhile
                status = file.stat()
                if self._name.fullmatch(file.name) and stat.S_ISREG(status.st_mode):
                    found.append({"name": file.name, "size": status.st_size, "time": int(status.st_mtime)})
        return sorted(found, key=lambda file: (-file["time"], file["name"]))

    def place(self, name: object) -> Path:
        """Where a file of a name lies, or would.

        Raises:
            CarError: It is no such name.
        """
        if not isinstance(name, str) or not self._name.fullmatch(name):
            raise CarError(
                f"give a file named like policy{self._suffix}: letters, digits, dots, dashes, no spaces"
            )
        return self.path / name

    def find(self, name: object) -> Path:
        """The file of a name.

        Raises:
            CarError: There is none, or it is no such name.
        """
        path = self.place(name)
        if not path.is_file():
            raise CarError(f"there is no {self._kind} {path.name} on the car")
        return path

    def delete(self, name: object) -> None:
        """Delete a file.

        Raises:
            CarError: There is none, or it cannot be deleted.
        """
        path = self.find(name)
        try:
            path.unlink()
        except OSError as error:
            raise CarError(f"cannot delete {path.name}: {error.strerror}") from None

    def room(self) -> int:
        """What may still be written to its disk [bytes]; 0 when only `SPARE` is left."""
        existing = next(path for path in (self.path, *self.path.parents) if path.exists())
        return max(shutil.disk_usage(existing).free - SPARE, 0)
