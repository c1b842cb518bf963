"""DeepRacer's model archives: `agent/model.pb` and `model_metadata.json` in a `.tar.gz`, written and read.

What is read may also be the folder of a model of deepracer-for-cloud, or an archive of one: there
`model/model_<n>.pb` lie beside TensorFlow's checkpoints, and `deepracer_checkpoints.json` names the best.
It comes from elsewhere: it is read into memory, under limits; nothing is unpacked to a disk, nothing is run.
"""

from __future__ import annotations

import json
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from hairpin.edge import archive
from hairpin.edge.contract import ContractError, ModelMetadata, parse_model_metadata
from hairpin.edge.errors import BundleError

from .graph_reading import from_bytes
from .policy_graph import PolicyGraph, to_bytes

_METADATA: Final = "model_metadata.json"
_CHECKPOINTS: Final = "deepracer_checkpoints.json"
_HYPERPARAMETERS: Final = "hyperparameters.json"
_REWARD: Final = "reward_function.py"
_SMALL_FILES: Final = (_METADATA, _CHECKPOINTS, _HYPERPARAMETERS, _REWARD)
#: Unpacked: some checkpoints of 140 MB and whatever lies beside them [bytes].
_LARGEST_ARCHIVE: Final = 2 * 2**30
_LARGEST_MODEL: Final = 256 * 2**20  # DEEP_CONVOLUTIONAL_NETWORK has 15 MB; checkpoints beside are not read
_LARGEST_TEXT: Final = 2**20
_MOST_MEMBERS: Final = 10_000
_NUMBERED: Final = re.compile(r"model_(\d+)\.pb")


@dataclass(frozen=True, eq=False)
class DeepRacerModel:
    """What a model of DeepRacer's holds, as far as it is of use here.

    Attributes:
        graph: The policy.
        metadata: Its action space and sensor.
        chosen: Path of the policy in the archive.
        found: How many policies there were to choose from.
        hyperparameters: The text of its hyperparameters.json, if there is one.
        reward: Path of a reward function in the archive, which is not run, if there is one.
    """

    graph: PolicyGraph
    metadata: ModelMetadata
    chosen: str
    found: int
    hyperparameters: bytes | None = None
    reward: str | None = None


def write_archive(path: Path, policy: PolicyGraph, metadata: ModelMetadata) -> None:
    """Write an archive that the stock car takes.

    Raises:
        BundleError: It cannot be written.
    """
    members = {"agent/model.pb": to_bytes(policy), _METADATA: metadata.to_json().encode()}
    archive.write(path, archive.pack(members))


def read_archive(path: str | Path, metadata: ModelMetadata | None = None) -> DeepRacerModel:
    """Read an archive or a folder, wherever in it the files lie.

    Of several policies it is the one that `deepracer_checkpoints.json` names as the best, or the newest.

    Args:
        path: The archive, or the folder.
        metadata: Used instead of those in it.

    Raises:
        BundleError: It is no archive, is damaged, too large, or holds no policy; the line says so.
        ContractError: Its metadata are wrong.
    """
    path = Path(path)
    try:
        sizes = _sizes(path)
        texts = _read(path, {_nearest(sizes, name): _LARGEST_TEXT for name in _SMALL_FILES})
        chosen, found = _choose(sizes, texts.get(_nearest(sizes, _CHECKPOINTS)))
        if metadata is None and (where := _nearest(sizes, _METADATA)) not in texts:
            raise BundleError(
                f"it holds no {_METADATA}: add the file that the model was trained with, or give it with "
                "--model-metadata"
            )
        content = _read(path, {chosen: _LARGEST_MODEL})[chosen]
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror or error}") from None
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        if isinstance(error, BundleError):
            raise BundleError(f"{path}: {error}") from None
        fix = "copy it again"
        if path.suffix in (".pb", ".json"):
            fix = "give the archive or the folder that it belongs to"
        elif path.suffix == ".zip":
            fix = "unpack it, and give the folder"
        raise BundleError(f"{path}: it is no .tar.gz archive, truncated or corrupt: {fix}") from None
    try:
        return DeepRacerModel(
            graph=from_bytes(content),
            metadata=metadata or parse_model_metadata(texts[where], where),
            chosen=chosen,
            found=found,
            hyperparameters=texts.get(_nearest(sizes, _HYPERPARAMETERS)),
            reward=_nearest(sizes, _REWARD) or None,
        )
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None
    except BundleError as error:
        raise BundleError(f"{path}: {chosen}: {error}") from None


def _nearest(names: Mapping[str, int], wanted: str) -> str:
    """The member of that file name that lies nearest to the top; "" if there is none."""
    found = [name for name in names if PurePosixPath(name).name == wanted]
    return min(found, key=lambda name: (name.count("/"), name), default="")


def _choose(names: Mapping[str, int], checkpoints: bytes | None) -> tuple[str, int]:
    """The policy to take, and how many there are."""
    models = sorted(name for name in names if name.endswith(".pb"))
    if not models:
        of_tensorflow = any(".ckpt." in name for name in names)
        raise BundleError(
            "it holds no .pb file"
            + (
                ", only TensorFlow's checkpoints, which are not read: give model_<n>.pb too"
                if of_tensorflow
                else ": give what 'download model' gives, or the model's folder"
            )
        )
    if len(models) == 1:
        return models[0], 1
    numbered = {
        int(match[1]): name for name in models if (match := _NUMBERED.fullmatch(PurePosixPath(name).name))
    }
    if len(numbered) < len(models):
        raise BundleError(
            f"it must hold one .pb file, or model_<n>.pb alone, but has {', '.join(models)[:200]}"
        )
    best = _best_number(checkpoints)
    return numbered[best if best in numbered else max(numbered)], len(models)


def _best_number(checkpoints: bytes | None) -> int | None:
    """The number in {"best_checkpoint": {"name": "12_Step-3456.ckpt"}, ...}, if it says one."""
    try:
        name = json.loads(checkpoints or b"{}")["best_checkpoint"]["name"]
        return int(str(name).partition("_")[0])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _sizes(path: Path) -> dict[str, int]:
    """Names and sizes [bytes] of the plain files."""
    if not path.is_dir():
        sizes: dict[str, int] = {}
        _each(path, lambda tar, member: sizes.update({member.name: member.size}))
        return sizes
    found: dict[str, int] = {}
    for count, file in enumerate(path.rglob("*")):
        if count >= _MOST_MEMBERS:
            raise BundleError(f"it holds more than {_MOST_MEMBERS} files: give the folder of one model")
        if file.is_file() and not file.is_symlink() and not file.name.startswith("._"):
            found[file.relative_to(path).as_posix()] = file.stat().st_size
    return found


def _read(path: Path, wanted: Mapping[str, int]) -> dict[str, bytes]:
    """The contents of some files, none larger than it may be [bytes]."""
    contents: dict[str, bytes] = {}

    def take(name: str, size: int, read: Callable[[], bytes]) -> None:
        if size > wanted[name]:
            raise BundleError(f"its {name[:100]!r} has {size >> 20} MiB: too large for what it should be")
        contents[name] = read()
        if len(contents[name]) != size:
            raise BundleError("it is truncated: copy it again")

    def visit(tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        file = tar.extractfile(member) if member.name in wanted else None
        if file is not None:
            take(member.name, member.size, file.read)

    if path.is_dir():
        for name in wanted:
            if name:
                take(name, (path / name).stat().st_size, (path / name).read_bytes)
    else:
        _each(path, visit)
    return contents


def _each(path: Path, visit: Callable[[tarfile.TarFile, tarfile.TarInfo], None]) -> None:
    with path.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|*", errorlevel=2) as tar:
        for member in _members(tar):
            visit(tar, member)


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
        if member.isdir() or name.name.startswith("._"):  # the latter is what macOS adds beside each file
            continue
        if not member.isreg():
            raise BundleError(f"its member {member.name[:100]!r} is a link or a device: do not trust it")
        yield member
