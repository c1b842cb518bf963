"""Policy bundles: one `.tar.gz` file with a model and all that is needed to trust it.

    manifest.json        format, contract, precision, origin; size and SHA-256 of every other member
    golden.npz           observations, and what the model must give for them
    model.bin, model.xml the model as OpenVINO IR, which holds the contract once more
    model_metadata.json  the same for DeepRacer's tools

Bundles come from elsewhere: they are read into memory, under limits, and nothing in them is ever executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import archive
from .contract import Contract, ContractError, Observation, parse_model_metadata
from .errors import BundleError, check_choice, check_fields, check_text
from .golden import Golden, read_golden, write_golden

#: Version of the bundle's layout; it grows when an older reader would misunderstand a newer bundle.
FORMAT: Final = 1

#: How the model's weights are stored; inference itself is in float32, but for int8.
PRECISIONS: Final = ("fp32", "fp16", "int8")

#: Where the IR's runtime info holds the contract's JSON.
RT_INFO: Final = ("hairpin", "contract")

_MANIFEST: Final = "manifest.json"
_REQUIRED: Final = ("golden.npz", "model.bin", "model.xml", "model_metadata.json")
_KEYS: Final = ("format", "contract", "precision", "origin", "members")
_LARGEST_JSON: Final = 2**20  # [bytes]


@dataclass(frozen=True, eq=False)
class Bundle:
    """What a bundle holds, its hashes verified.

    Attributes:
        contract: What the policy sees and says, and where it comes from.
        model_xml: The model's graph.
        model_bin: The model's weights.
        golden: Observations, and what the model must give for them.
        precision: How the weights are stored, one of `PRECISIONS`.
        origin: The run that the bundle was made from.
        extras: Further files by name, such as the reward function's source; never executed.
        digests: SHA-256 in hex of every member but the manifest, by name.
        sizes: Size of the same [bytes].
        digest: SHA-256 of the bundle file in hex.
    """

    contract: Contract
    model_xml: bytes
    model_bin: bytes
    golden: Golden
    precision: str
    origin: str = ""
    extras: Mapping[str, bytes] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""


def write_bundle(
    path: str | Path,
    contract: Contract,
    *,
    model_xml: bytes,
    model_bin: bytes,
    golden_frames: Observation,
    golden_outputs: NDArray[np.float32],
    precision: str,
    origin: str = "",
    extras: Mapping[str, bytes] | None = None,
) -> None:
    """Write a bundle atomically; the same input gives the same bytes.

    Args:
        path: The file to write, `.tar.gz`.
        contract: What the policy sees and says. The IR must hold its JSON in the runtime info `RT_INFO`.
        model_xml: The model's graph, OpenVINO IR.
        model_bin: The model's weights.
        golden_frames: (G, h, w, c) observations of the policy's own driving; beside a lidar, what each sensor
            gave, by the sensors' names.
        golden_outputs: (G, n) what the original network gives for them.
        precision: How the weights are stored, one of `PRECISIONS`.
        origin: Name of the run that the policy comes from; no folder of the user's.
        extras: Further files, by names such as `reward.py`.

    Raises:
        BundleError: Something does not fit the contract.
    """
    members = {**(extras or {}), "model.bin": model_bin, "model.xml": model_xml}
    try:
        check_choice(precision, "precision", PRECISIONS)
        check_text(origin, "origin")
        spec = contract.observation
        seen = spec.named(golden_frames)
        golden = Golden(seen[spec.sensor], golden_outputs, seen[spec.lidar.sensor] if spec.lidar else None)
        golden.check(contract)
        members["golden.npz"] = write_golden(golden)
        members["model_metadata.json"] = contract.model_metadata().to_json().encode()
        manifest = {
            "format": FORMAT,
            "contract": json.loads(contract.to_json()),
            "precision": precision,
            "origin": origin,
            "members": {name: _describe(content) for name, content in members.items()},
        }
        text = json.dumps(manifest, indent=1, sort_keys=True).encode()
        if set(members) & {_MANIFEST} or len(members) != len(extras or {}) + len(_REQUIRED):
            raise BundleError("an extra has the name of a member that every bundle has: give it another name")
        packed = archive.pack({_MANIFEST: text, **{name: members[name] for name in sorted(members)}})
    except (BundleError, ContractError) as error:
        raise BundleError(f"cannot write {path}: {error}") from None
    archive.write(Path(path), packed)


def read_bundle(path: str | Path) -> Bundle:
    """Read a bundle and verify its hashes.

    Raises:
        BundleError: It cannot be read, or is truncated, corrupt, foreign or tampered with.
    """
    path = Path(path)
    packed = archive.read(path)
    try:
        return _parse(packed)
    except (BundleError, ContractError) as error:
        raise BundleError(f"{path}: {error}") from None


def _parse(packed: bytes) -> Bundle:
    members = archive.unpack(packed)
    if next(iter(members), None) != _MANIFEST:
        raise BundleError(f"its first member is not {_MANIFEST}: this is not a policy bundle of hairpin")
    manifest = _read_manifest(members.pop(_MANIFEST))
    listed = manifest["members"]
    for name in sorted({*_REQUIRED, *listed} - set(members)):
        raise BundleError(f"{name} is missing: export the bundle again")
    for name, content in members.items():
        if name not in listed:
            raise BundleError(f"{name} is not in the manifest: somebody added it; export the bundle again")
        if listed[name] != _describe(content):
            raise BundleError(
                f"{name} is not what the manifest says: corrupt or tampered with; copy it again"
            )
    contract = Contract.from_json(json.dumps(manifest["contract"]))
    if parse_model_metadata(members["model_metadata.json"]) != contract.model_metadata():
        raise BundleError("model_metadata.json does not agree with the contract: export the bundle again")
    golden = read_golden(members["golden.npz"])
    golden.check(contract)
    return Bundle(
        contract=contract,
        model_xml=members["model.xml"],
        model_bin=members["model.bin"],
        golden=golden,
        precision=check_choice(manifest["precision"], "precision", PRECISIONS),
        origin=check_text(manifest["origin"], "origin"),
        extras={name: content for name, content in members.items() if name not in _REQUIRED},
        digests={name: listed[name]["sha256"] for name in members},
        sizes={name: len(content) for name, content in members.items()},
        digest=hashlib.sha256(packed).hexdigest(),
    )


def _read_manifest(text: bytes) -> Mapping[str, Any]:
    if len(text) > _LARGEST_JSON:
        raise BundleError(f"{_MANIFEST} is larger than {_LARGEST_JSON} bytes")
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError):
        raise BundleError(f"{_MANIFEST} is not JSON: corrupt; copy the bundle again") from None
    if isinstance(manifest, dict) and manifest.get("format") != FORMAT:
        raise BundleError(
            f"it has format {manifest.get('format')!r}, this version of hairpin reads {FORMAT}: "
            "export the policy again, or upgrade hairpin"
        )
    check_fields(manifest, _MANIFEST, _KEYS)
    if not isinstance(manifest["members"], dict):
        raise BundleError(f"{_MANIFEST} lists no members: export the bundle again")
    return dict(manifest)


def _describe(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
