"""Fixtures of the edge's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from car_rig import GuardProcess, write_film
from console_rig import ConsoleProcess, Visitor
from tiny_policies import ARGUMENTS, DISCRETE, WriteBundle, golden_frames, make_network

from hairpin.edge import Contract, write_bundle


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[GuardProcess]:
    """The guard in a process of its own, on a car of files."""
    process = GuardProcess(tmp_path)
    yield process
    process.end()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """What the camera sees."""
    return write_film(tmp_path)


@pytest.fixture
def console(guard: GuardProcess, film: Path, tmp_path: Path) -> Iterator[ConsoleProcess]:
    """The console in a process of its own, on that guard."""
    process = ConsoleProcess(guard, tmp_path, film)
    yield process
    process.end()


@pytest.fixture
def visitor(console: ConsoleProcess) -> Visitor:
    """The first visitor, who chose the password."""
    return Visitor(console).choose()


@pytest.fixture
def write(tmp_path: Path) -> WriteBundle:
    """Writes a bundle of a contract; keywords replace what `write_bundle` is given, or spoil the model."""

    def write(
        contract: Contract = DISCRETE,
        name: str = "policy.tar.gz",
        fp16: bool = False,
        network_of: Contract | None = None,
        **changes: Any,
    ) -> Path:
        network = make_network(network_of or contract)
        arguments = {key: changes.pop(key) for key in ARGUMENTS if key in changes}
        xml, weights = network.to_ir(tmp_path, **{"fp16": fp16, "contract_inside": contract, **changes})
        if "golden_outputs" not in arguments:
            arguments["golden_outputs"] = network(golden_frames(network.contract))
        arguments.setdefault("golden_frames", golden_frames(contract))
        arguments.setdefault("precision", "fp16" if fp16 else "fp32")
        path = tmp_path / name
        write_bundle(path, contract, model_xml=xml, model_bin=weights, **arguments)
        return path

    return write
