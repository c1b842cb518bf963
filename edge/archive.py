"""The archive that a bundle is: a tar in a gzip file, of plain files alone, read into memory under limits."""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .errors import BundleError

#: Most that an archive may hold, unpacked [bytes]; DeepRacer's largest network has 20 MiB.
LARGEST: Final = 256 * 2**20

_MOST_MEMBERS: Final = 64
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,47}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,47})?")
_BLOCK: Final = tarfile.BLOCKSIZE


def pack(members: Mapping[str, bytes]) -> bytes:
    """Pack members in the order given; the same members give the same bytes.

    Raises:
        BundleError: There are too many, or a name is more than `file` or `folder/file`.
    """
    for name in members:
        if not _NAME.fullmatch(name) or len(members) > _MOST_MEMBERS:
            raise BundleError(f"{name!r} is no name for a member of a bundle, or there are too many")
    packed = io.BytesIO()
    # A fixed time and no file name make the bytes repeatable. Stored, because deflating weights saves 7 % and
    # makes reading a bundle three times as slow, which the car's owner waits for.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return packed.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """Members by name, in order; only such as `pack` writes.

    `tarfile` parses each header but does not walk the archive: it follows extended headers, sparse maps and
    negative sizes, which a bundle never has.

    Raises:
        BundleError: It is something else, truncated, corrupt, or not to be trusted.
    """
    archive = _gunzip(packed)
    members: dict[str, bytes] = {}
    offset = 0
    while archive[offset : offset + _BLOCK].strip(b"\0"):
        try:
            header = tarfile.TarInfo.frombuf(archive[offset : offset + _BLOCK], "ascii", "strict")
        except (tarfile.HeaderError, ValueError):
            raise BundleError("it is not a tar archive, or corrupt: copy it again") from None
        name, start = header.name, offset + _BLOCK
        if header.type != tarfile.REGTYPE or not _NAME.fullmatch(name):
            raise BundleError(
                f"its member {name[:100]!r} is not a plain file with a plain name: do not trust it"
            )
        if name in members or len(members) > _MOST_MEMBERS:
            raise BundleError(f"it has the member {name!r} twice, or too many members: do not trust it")
        if not 0 <= header.size <= len(archive) - start:
            raise BundleError("it is truncated: copy it again")
        members[name] = archive[start : start + header.size]
        offset = start + -(-header.size // _BLOCK) * _BLOCK
    return members


def read(path: Path) -> bytes:
    """The bytes of a file that may be an archive.

    Raises:
        BundleError: It cannot be read, or is too large.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise BundleError(f"{path} is larger than {LARGEST >> 20} MiB: no policy bundle is")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"cannot read {path}: {error.strerror}; give a .tar.gz that `hairpin export` wrote"
        ) from None


def write(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees the old one or the new one, whatever happens.

    Raises:
        BundleError: It cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise BundleError(f"cannot write {path}: {error.strerror}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _gunzip(packed: bytes) -> bytes:
    if packed[:2] != b"\x1f\x8b":
        raise BundleError("it is not a gzip file: give a .tar.gz that `hairpin export` wrote")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            unpacked = stream.read(LARGEST + 1)
    except EOFError:
        raise BundleError("it is truncated: copy it again") from None
    except (OSError, zlib.error):
        raise BundleError("it is corrupt: copy it again") from None
    if len(unpacked) > LARGEST:
        raise BundleError(f"it unpacks to more than {LARGEST >> 20} MiB: no policy bundle does")
    return unpacked
