"""The migration page: its table is what the code says, and its options exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from hairpin.agents.cli.main import app
from hairpin.rewards import PARAMS

PAGE = (Path(__file__).parents[1] / "docs" / "migration.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`(hairpin [a-z][^`]*)`", PAGE)))


def test_the_table_of_params_is_what_the_code_says() -> None:
    _, _, table = PAGE.partition("## Every reward parameter")
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    expected = [
        f"| `{key}` | `{doc.type}` | {doc.unit} | {doc.range} | {doc.meaning} |"
        for key, doc in PARAMS.items()
    ]
    assert rows == expected


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_of_the_page_exists(command: str) -> None:
    group = get_command(app)
    words = command.split()[1:]
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
    assert not hasattr(group, "commands"), f"{command} names no command"
    options = {name for parameter in group.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
