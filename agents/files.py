"""Files of a run: written whole or not at all, read with one clear line about what is wrong."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from .errors import RunError

#: Of a file that is being filled; a name that nobody gives a file of their own.
_UNFINISHED: Final = "-hairpin-unfinished"


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_atomically(path: Path, write: Callable[[Path], object], *, durable: bool = True) -> None:
    """Let `write` fill a temporary file in the same folder, then put it in the place of `path`.

    Args:
        path: The file.
        write: Fills a file.
        durable: Whether to wait until it is on the disk, a few milliseconds; else a power cut, but no kill,
            may cost the file.
    """
    temporary = path.with_name(f".{path.stem}-{os.getpid()}{_UNFINISHED}{path.suffix}")
    try:
        write(temporary)
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(folder: Path, problem: str, fix: str) -> None:
    """Try to write into a folder, before time is spent on what would be written; it is made if missing.

    Args:
        folder: The folder.
        problem: What cannot be done then.
        fix: What to do instead.

    Raises:
        RunError: It cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise RunError(f"{problem}: {error.strerror}; {fix}") from error


def remove_unfinished(folder: Path) -> None:
    """Remove what kills left of `write_atomically` in a folder and below it; nobody may be writing there."""
    for file in folder.rglob(f".*{_UNFINISHED}*"):
        file.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        RunError: There is none.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}): restore it or train again") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} holds no JSON object: it was not written by this program")
    return value
