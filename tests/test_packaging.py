"""What installs is what the folders hold."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("tracks", "rewards", "sim", "agents", "edge")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_package_map_names_every_folder_with_python_in_it(project: dict) -> None:
    found = {
        "hairpin." + ".".join(file.parent.relative_to(ROOT).parts)
        for top in FOLDERS
        for file in (ROOT / top).rglob("__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == found
    assert project["tool"]["setuptools"]["package-dir"] == {f"hairpin.{top}": top for top in FOLDERS}


def test_every_package_is_typed_and_none_is_called_hairpin() -> None:
    assert all((ROOT / top / "py.typed").exists() for top in FOLDERS)
    assert not (ROOT / "hairpin").exists()  # a namespace package: no folder of its own


def test_the_links_for_editors_lead_to_the_folders() -> None:
    assert {link.name: link.resolve() for link in (ROOT / ".src" / "hairpin").iterdir()} == {
        top: ROOT / top for top in FOLDERS
    }


def test_the_wheel_holds_code_tracks_and_types_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            tmp_path,
            ROOT,
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"hairpin", next(top for top in tops if top.endswith(".dist-info"))}
    for expected in ("hairpin/tracks/builtin/oval.track", "hairpin/sim/world.py", "hairpin/edge/py.typed"):
        assert expected in names
    for file in ROOT.glob("tracks/builtin/*.track"):
        assert f"hairpin/tracks/builtin/{file.name}" in names
    assert not any("tests" in name or "benchmarks" in name for name in names)


def test_constraints_pin_what_pyproject_asks_for(project: dict) -> None:
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in _lines(ROOT / "constraints.txt")}
    extras = project["project"]["optional-dependencies"]
    asked = [*project["project"]["dependencies"], *extras["train"], *extras["car"], *extras["dev"]]
    names = {_name(requirement) for requirement in asked}
    assert names - pinned == set()


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _name(requirement: str) -> str:
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), len(requirement))
    return requirement[:end].lower().replace("_", "-")
