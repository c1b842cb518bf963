"""DeepRacer's model archives: `agent/model.pb` and `model_metadata.json` in a `.tar.gz`, written and read.

Archives come from elsewhere: they are read into memory, under limits; nothing is unpacked to a disk.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from hairpin.edge import archive
from hairpin.edge.contract import ContractError, ModelMetadata, parse_model_metadata
from hairpin.edge.errors import BundleError

from .policy_graph import PolicyGraph, from_bytes, to_bytes

_METADATA: Final = "model_metadata.json"
_LARGEST_ARCHIVE: Final = 512 * 2**20  # [bytes], unpacked: a model of 25 MB and whatever lies beside it
_LARGEST_MODEL: Final = 256 * 2**20  # DEEP_CONVOLUTIONAL_NETWORK has 15 MB; checkpoints beside are not read
_LARGEST_METADATA: Final = 2**20
_MOST_MEMBERS: Final = 10_000


def write_archive(path: Path, policy: PolicyGraph, metadata: ModelMetadata) -> None:
    """Write an archive that the stock car takes.

    Raises:
        BundleError: It cannot be written.
    """
    members = {"agent/model.pb": to_bytes(policy), _METADATA: metadata.to_json().encode()}
    archive.write(path, archive.pack(members))


def read_archive(path: str | Path) -> tuple[PolicyGraph, ModelMetadata]:
    """Read an archive: the one `.pb` file in it, wherever it lies, and the metadata nearest to the top.

    Raises:
        BundleError: It is no archive, is damaged, too large, or holds no or several models; the line says so.
        ContractError: Its metadata are wrong.
    """
    path = Path(path)
    try:
        models, metadata = _collect(path)
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror or error}") from None
    except (tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        if isinstance(error, BundleError):
            raise BundleError(f"{path}: {error}") from None
        raise BundleError(f"{path}: it is no .tar.gz archive, truncated or corrupt: copy it again") from None
    if len(models) != 1:
        found = ", ".join(sorted(models)) or "none"
        raise BundleError(f"{path}: it must hold exactly one .pb file, but has {found[:200]}")
    if not metadata:
        raise BundleError(f"{path}: it holds no {_METADATA}: add the file that the model was trained with")
    nearest = min(metadata, key=lambda name: (name.count("/"), name))
    (name, content), text = models.popitem(), metadata[nearest]
    try:
        return from_bytes(content), parse_model_metadata(text, nearest)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None
    except BundleError as error:
        raise BundleError(f"{path}: {name}: {error}") from None


def _collect(path: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The contents of all models and all metadata, by their paths in the archive."""
    models: dict[str, bytes] = {}
    metadata: dict[str, bytes] = {}
    with path.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|gz", errorlevel=2) as tar:
        for member in _members(tar):
            name = PurePosixPath(member.name)
            if name.name.startswith("._"):  # what macOS adds beside each file
                continue
            if name.suffix == ".pb":
                models[member.name] = _read(tar, member, _LARGEST_MODEL)
            elif name.name == _METADATA:
                metadata[member.name] = _read(tar, member, _LARGEST_METADATA)
    return models, metadata


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The plain files of an archive; what should not be there ends the reading."""
    total = 0
    for count, member in enumerate(tar):
        total += max(member.size, 0)
        if count >= _MOST_MEMBERS or member.size < 0 or total > _LARGEST_ARCHIVE:
            raise BundleError(
                f"it holds more than {_MOST_MEMBERS} files or unpacks to more than "
                f"{_LARGEST_ARCHIVE >> 20} MiB: no model does"
            )
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts:
            raise BundleError(f"its member {member.name[:100]!r} points out of the archive: do not trust it")
        if member.isdir():
            continue
        if not member.isreg():
            raise BundleError(f"its member {member.name[:100]!r} is a link or a device: do not trust it")
        yield member


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo, largest: int) -> bytes:
    if member.size > largest:
        raise BundleError(
            f"its {member.name[:100]!r} has {member.size >> 20} MiB: too large for what it should be"
        )
    file = tar.extractfile(member)
    content = file.read() if file is not None else b""
    if len(content) != member.size:
        raise BundleError("it is truncated: copy it again")
    return content
