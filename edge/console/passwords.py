"""The console's password: chosen on first use, kept as a scrypt hash in a file for its user alone."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any, Final

from ..errors import CarError

#: Fewest and most characters of a password.
SHORTEST, LONGEST = 8, 200

# OWASP's recommendation of least memory: 16 MiB, which an Atom computes in about a second.
_COST: Final = {"n": 2**14, "r": 8, "p": 5}
_SALT: Final = 16  # [bytes]


class Passwords:
    """One password, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def chosen(self) -> bool:
        """Whether there is a password; a file that cannot be read counts as one, so that nobody gets in."""
        return self._path.exists()

    def choose(self, password: str) -> None:
        """Keep a first password.

        Raises:
            CarError: There is one, it is too short, or the file cannot be written.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise CarError(f"give the password {SHORTEST} to {LONGEST} characters")
        salt = secrets.token_bytes(_SALT)
        content = {**_COST, "salt": salt.hex(), "hash": _hash(password, salt, _COST).hex()}
        try:
            _write_once(self._path, json.dumps(content).encode())
        except FileExistsError:
            raise CarError("a password was chosen before: log in with it") from None
        except OSError as error:
            raise CarError(f"cannot write {self._path}: {error.strerror}") from None

    def check(self, password: str) -> bool:
        """Whether this is the password; takes as long whether it is or not.

        Raises:
            CarError: The file cannot be read.
        """
        try:
            content = json.loads(self._path.read_bytes())
            salt, known = bytes.fromhex(content["salt"]), bytes.fromhex(content["hash"])
            given = _hash(password[: LONGEST + 1], salt, {name: int(content[name]) for name in _COST})
        except (OSError, ValueError, KeyError, TypeError):
            raise CarError(
                f"{self._path} cannot be read: delete it on the car, and choose a new password"
            ) from None
        return hmac.compare_digest(given, known)


def _hash(password: str, salt: bytes, cost: dict[str, Any]) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, maxmem=64 * 2**20, dklen=32, **cost)


def _write_once(path: Path, content: bytes) -> None:
    """Write a file whole, for its owner alone, unless there is one; of two who try at once one succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".password.")  # made with mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    finally:
        temporary.unlink()
