"""The README does what it says: its commands and Python blocks are run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)
COMMANDS = [
    line.split(" #")[0].strip() for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line
]
SNIPPETS = [text for kind, text in BLOCKS if kind == "python"]
#: Trains for seconds rather than until it laps; the command is otherwise the README's.
SHORTER = {"hairpin train": " --steps 2048"}
#: Run by people and by CI as a whole, not from inside the suite.
OUTER = ("make ", "git ", "cd ", "pip ", "python -m venv")


def test_the_first_two_commands_are_demo_and_test() -> None:
    assert [command for command in COMMANDS if command.startswith("make")][:2] == ["make demo", "make test"]


def test_make_knows_every_target_that_the_readme_names() -> None:
    for command in COMMANDS:
        if command.startswith("make "):
            subprocess.run(["make", "-n", *command.split()[1:2]], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


def test_the_commands_run_in_order(folder: Path) -> None:
    for name, text in re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", README, re.S):
        (folder / name).write_text(text)
    ours = [command for command in COMMANDS if not command.startswith(OUTER)]
    assert ours
    for command in ours:
        extra = next((more for start, more in SHORTER.items() if command.startswith(start)), "")
        program, *arguments = shlex.split(command + extra)
        result = subprocess.run(
            [str(Path(sys.executable).parent / program), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.strip().splitlines()[0][:40])
def test_the_python_blocks_run(snippet: str, folder: Path) -> None:
    result = subprocess.run([sys.executable, "-c", snippet], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
