"""Bundles: written atomically and always the same; whatever was done to one on its way is refused."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_policies import CONTINUOUS, DISCRETE, WriteBundle, golden_frames, make_network

from hairpin.edge import BundleError, read_bundle, write_bundle
from hairpin.edge import archive as archive_module
from hairpin.edge.bundle import _describe

MEMBERS = ("golden.npz", "model.bin", "model.xml", "model_metadata.json")

Edit = Callable[[list[tuple[tarfile.TarInfo, bytes]]], list[tuple[tarfile.TarInfo, bytes]]]


def repack(path: Path, edit: Edit) -> None:
    """Unpack a bundle, edit its members, pack it again."""
    with tarfile.open(path) as archive:
        members = [(info, archive.extractfile(info).read()) for info in archive]  # type: ignore[union-attr]
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        for info, content in edit(members):
            archive.addfile(info, io.BytesIO(content))


def replace(name: str, change: Callable[[bytes], bytes]) -> Edit:
    def edit(members: list[tuple[tarfile.TarInfo, bytes]]) -> list[tuple[tarfile.TarInfo, bytes]]:
        changed = [(info, change(content) if info.name == name else content) for info, content in members]
        for info, content in changed:
            info.size = len(content) if info.isreg() else 0
        return changed

    return edit


def in_manifest(**changes: Any) -> Edit:
    def change(content: bytes) -> bytes:
        return json.dumps({**json.loads(content), **changes}).encode()

    return replace("manifest.json", change)


def add(name: str, content: bytes = b"", **attributes: Any) -> Edit:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return lambda members: [*members, (info, content)]


def refused(path: Path, complaint: str) -> None:
    with pytest.raises(BundleError, match=complaint) as caught:
        read_bundle(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("contract", [DISCRETE, CONTINUOUS])
def test_round_trip(write: WriteBundle, contract: Any) -> None:
    bundle = read_bundle(write(contract, origin="runs/oval-1", extras={"reward.py": b"import os"}))
    assert bundle.contract == contract
    assert (bundle.precision, bundle.origin) == ("fp32", "runs/oval-1")
    assert bundle.extras == {"reward.py": b"import os"}
    assert (bundle.golden.frames == golden_frames(contract)).all()
    assert (bundle.golden.outputs == make_network(contract)(golden_frames(contract))).all()
    assert set(bundle.sizes) == {*MEMBERS, "reward.py"}


def test_the_same_input_gives_the_same_bytes(write: WriteBundle, tmp_path: Path) -> None:
    one = read_bundle(write())
    for name in ("two", "three"):
        write_bundle(
            tmp_path / name,
            one.contract,
            model_xml=one.model_xml,
            model_bin=one.model_bin,
            golden_frames=one.golden.frames,
            golden_outputs=one.golden.outputs,
            precision=one.precision,
        )
    assert (tmp_path / "two").read_bytes() == (tmp_path / "three").read_bytes()
    assert read_bundle(tmp_path / "two").digest == one.digest


def test_ordinary_tools_can_open_it(write: WriteBundle) -> None:
    with tarfile.open(write()) as archive:
        assert archive.getnames() == ["manifest.json", *MEMBERS]
        infos = archive.getmembers()
    assert {(info.mtime, info.uid, info.gid, info.uname, info.gname) for info in infos} == {(0, 0, 0, "", "")}


def test_writing_is_atomic(write: WriteBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write()
    before = path.read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive_module.os, "fsync", full_disk)
    with pytest.raises(BundleError, match="No space left"):
        write(CONTINUOUS)
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"precision": "fp8"}, "did you mean"),
        ({"golden_frames": golden_frames(CONTINUOUS)}, "golden frames are"),
        ({"golden_frames": golden_frames(DISCRETE)[:0]}, "golden frames are"),
        ({"golden_outputs": np.zeros((6, 4), np.float32)}, "golden outputs are"),
        ({"golden_outputs": np.zeros((6, 5))}, "golden outputs are float64"),
        ({"golden_outputs": np.full((6, 5), np.nan, np.float32)}, "not all finite"),
        ({"extras": {"../evil": b""}}, "no name for a member"),
        ({"extras": {"manifest.json": b""}}, "name of a member that every bundle has"),
        ({"extras": {"model.xml": b""}}, "name of a member that every bundle has"),
        ({"extras": {f"{i}.txt": b"" for i in range(100)}}, "too many"),
    ],
)
def test_what_does_not_fit_is_not_written(
    write: WriteBundle, arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BundleError, match=complaint):
        write(name="bad.tar.gz", **arguments)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No such file"):
        read_bundle(tmp_path / "none.tar.gz")
    with pytest.raises(BundleError, match="directory"):
        read_bundle(tmp_path)


def test_a_bundle_cannot_be_written_where_a_folder_is(write: WriteBundle, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BundleError, match="cannot write"):
        write_bundle(
            tmp_path / "folder",
            DISCRETE,
            model_xml=b"",
            model_bin=b"",
            golden_frames=golden_frames(DISCRETE),
            golden_outputs=make_network(DISCRETE)(golden_frames(DISCRETE)),
            precision="fp32",
        )


@pytest.mark.parametrize("name", MEMBERS)
def test_a_tampered_byte_in_any_member(write: WriteBundle, name: str) -> None:
    path = write()
    repack(path, replace(name, lambda content: content[:-1] + bytes([content[-1] ^ 1])))
    refused(path, f"{name} is not what the manifest says")


def test_a_tampered_contract(write: WriteBundle) -> None:
    """The manifest has no hash of its own: the contract inside the model is what catches this, on load."""
    from hairpin.edge import Policy

    path = write()

    def faster(content: bytes) -> bytes:
        manifest = json.loads(content)
        manifest["contract"]["control_hz"] = 30.0
        return json.dumps(manifest).encode()

    repack(path, replace("manifest.json", faster))
    with pytest.raises(BundleError, match=r"contract inside the model is not the manifest's"):
        Policy.load(path)


def test_every_truncation_is_refused(write: WriteBundle) -> None:
    path = write()
    whole = path.read_bytes()
    for length in [0, 1, 2, 9, 10, 100, *range(512, len(whole), 1500), len(whole) - 8, len(whole) - 1]:
        path.write_bytes(whole[:length])
        refused(path, "truncated|not a gzip file")


def test_a_truncated_archive_in_a_whole_gzip_file(write: WriteBundle) -> None:
    path = write()
    archive = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(archive[: len(archive) // 3]))
    refused(path, "truncated|missing|not a tar")


def test_flipped_bytes_are_never_accepted_or_a_traceback(write: WriteBundle) -> None:
    path = write()
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for position in rng.integers(10, len(whole), 60).tolist():  # gzip's own header has free bytes
        spoilt = whole.copy()
        spoilt[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(spoilt)
        refused(path, "corrupt|truncated")


def test_things_that_are_no_bundles(write: WriteBundle, tmp_path: Path) -> None:
    path = tmp_path / "thing.tar.gz"
    path.write_bytes(b"PK\x03\x04 a zip file")
    refused(path, "not a gzip file")
    path.write_bytes(gzip.compress(b"just text" * 200))
    refused(path, "not a tar archive")
    path.write_bytes(gzip.compress(b""))
    refused(path, "not a policy bundle")
    with tarfile.open(path, "w:gz") as archive:  # as DeepRacer's console packs a model
        archive.addfile(tarfile.TarInfo("agent/model.pb"))
    refused(path, "not a policy bundle")


@pytest.mark.parametrize(
    "edit",
    [
        add("../evil"),
        add("/etc/evil"),
        add("a/../../evil"),
        add("a/b/c"),
        add("evil\\..\\x"),
        add("."),
        add("folder", type=tarfile.DIRTYPE),
        add("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        add("link", type=tarfile.LNKTYPE, linkname="model.xml"),
        add("pipe", type=tarfile.FIFOTYPE),
        add("device", type=tarfile.CHRTYPE),
        add("x" * 200),
    ],
)
def test_members_that_are_no_plain_files(write: WriteBundle, edit: Edit) -> None:
    path = write()
    repack(path, edit)
    refused(path, "not a plain file with a plain name")


def test_pax_headers_are_refused(write: WriteBundle) -> None:
    path = write()
    with tarfile.open(path) as archive:
        members = [(info, archive.extractfile(info).read()) for info in archive]  # type: ignore[union-attr]
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            info.pax_headers = {"path": "../evil"}
            archive.addfile(info, io.BytesIO(content))
    refused(path, "not a plain file")


def test_a_negative_size_is_refused(write: WriteBundle) -> None:
    path = write()
    archive = bytearray(gzip.decompress(path.read_bytes()))
    archive[124:136] = b"\xff" * 11 + b"\x00"  # base-256: -256
    total = sum(archive[:148]) + 8 * 32 + sum(archive[156:512])
    archive[148:156] = f"{total:06o}\0 ".encode()
    path.write_bytes(gzip.compress(bytes(archive)))
    refused(path, "truncated")


def test_members_twice_missing_or_added(write: WriteBundle) -> None:
    path = write()
    whole = path.read_bytes()
    repack(path, add("model.xml", b"<other/>"))
    refused(path, "'model.xml' twice")
    for name in MEMBERS:
        path.write_bytes(whole)
        repack(path, lambda members, name=name: [m for m in members if m[0].name != name])
        refused(path, f"{name} is missing")
    path.write_bytes(whole)
    repack(path, add("evil.py", b"import os"))
    refused(path, "evil.py is not in the manifest")
    path.write_bytes(whole)
    repack(path, lambda members: members[::-1])
    refused(path, r"first member is not manifest\.json")


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (in_manifest(format=2), "has format 2, this version of hairpin reads 1"),
        (in_manifest(format=None), "has format None"),
        (in_manifest(precision="fp8"), "precision is 'fp8'"),
        (in_manifest(precision=[]), "precision is a list"),
        (in_manifest(origin=3), "origin is 3"),
        (in_manifest(members=[]), "lists no members"),
        (in_manifest(members={}), "not in the manifest"),
        (in_manifest(contract=None), "contract is null"),
        (in_manifest(contract=DISCRETE.to_json()), "contract is "),
        (in_manifest(extra=1), "unknown key 'extra'"),
        (in_manifest(contract=json.loads(CONTINUOUS.to_json())), "model_metadata.json does not agree"),
        (replace("manifest.json", lambda _: b"{"), "manifest.json is not JSON"),
        (replace("manifest.json", lambda _: b"[1]"), "manifest.json is a list"),
        (replace("manifest.json", lambda _: b"[" * 100_000), "manifest.json is not JSON"),
        (replace("manifest.json", lambda _: b" " * 2_000_000), "larger than"),
    ],
)
def test_wrong_manifests(write: WriteBundle, edit: Edit, complaint: str) -> None:
    path = write()
    repack(path, edit)
    refused(path, complaint)


def test_a_decompression_bomb_is_not_unpacked(write: WriteBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "LARGEST", 2**20)
    path = write()
    repack(path, add("bomb", bytes(2**21)))
    assert path.stat().st_size < 2**16
    refused(path, "unpacks to more than 1 MiB")
    path.write_bytes(bytes(2**20 + 1))
    refused(path, "larger than 1 MiB")


def test_golden_frames_are_never_unpickled(write: WriteBundle) -> None:
    """A hostile bundle with right hashes: its golden arrays hold objects."""
    path = write()
    file = io.BytesIO()
    np.savez(file, frames=np.array([{}], dtype=object), outputs=np.zeros(1), allow_pickle=True)
    evil = file.getvalue()

    def listed(content: bytes) -> bytes:
        manifest = json.loads(content)
        manifest["members"]["golden.npz"] = _describe(evil)
        return json.dumps(manifest).encode()

    repack(path, replace("golden.npz", lambda _: evil))
    repack(path, replace("manifest.json", listed))
    refused(path, "does not hold golden frames")
