"""The layers: who may import whom, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("tracks", "rewards", "sim", "agents", "edge")
ALLOWED = {
    "tracks": set(),
    "rewards": set(),
    "edge": set(),
    "sim": {"tracks", "rewards", "edge.contract"},
    "agents": {"sim", "tracks", "rewards", "edge"},
}
#: Who may import what is heavy or belongs to one layer alone.
LIBRARIES = {
    "torch": {"agents"},
    "stable_baselines3": {"agents", "sim"},
    "pybullet": {"sim"},
    "gymnasium": {"sim", "agents"},
    "openvino": {"edge", "agents"},
}


def imports(file: Path) -> Iterator[str]:
    """Modules that a file imports absolutely, at any depth of it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offences() -> Iterator[str]:
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for module in imports(file):
                where = f"{file.relative_to(ROOT)} imports {module}"
                if module.startswith("hairpin."):
                    target = module.removeprefix("hairpin.")
                    if target.split(".")[0] == package:
                        yield f"{where}: inside a package imports are relative"
                    elif not any(f"{target}.".startswith(f"{a}.") for a in ALLOWED[package]):
                        yield f"{where}: {package} may import {sorted(ALLOWED[package]) or 'no other'}"
                top = module.split(".")[0]
                if top in LIBRARIES and package not in LIBRARIES[top]:
                    yield f"{where}: only {sorted(LIBRARIES[top])} may"


def test_every_import_respects_the_layers() -> None:
    assert list(offences()) == []


def test_the_check_sees_offences(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("def f():\n    from hairpin.sim import env\n    import torch.nn\n")
    assert {"hairpin.sim", "hairpin.sim.env", "torch.nn"} <= set(imports(file))


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        (
            "hairpin.edge",
            ["torch", "gymnasium", "pybullet", "stable_baselines3", "matplotlib", "numba", "cv2"],
        ),
        ("hairpin.edge.policy", ["torch", "gymnasium", "pybullet", "stable_baselines3", "hairpin.sim"]),
        (
            "hairpin.edge.cli",
            ["torch", "gymnasium", "pybullet", "stable_baselines3", "hairpin.sim", "openvino"],
        ),
        ("hairpin.tracks", ["cv2", "matplotlib", "numba", "torch", "openvino"]),
        ("hairpin.rewards", ["cv2", "matplotlib", "numba", "torch", "openvino"]),
        ("hairpin.agents.cli.main", ["torch", "gymnasium", "openvino", "matplotlib", "numba", "cv2"]),
        ("hairpin.sim", ["torch", "pybullet", "stable_baselines3", "matplotlib", "openvino"]),
    ],
)
def test_imports_stay_light(module: str, forbidden: list[str]) -> None:
    code = f"import {module}, sys; print([m for m in {forbidden!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
