"""DeepRacer's small JSON files: read under a limit, and one line for what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from .errors import ContractError

_LARGEST: Final = 1_000_000  # [bytes]


def read_file(path: Path, name: str) -> bytes:
    """The content of a file that should be a `name`, such as a model_metadata.json.

    Raises:
        ContractError: It cannot be read, or is too large.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ContractError(f"{path} is larger than {_LARGEST} bytes: give a {name}")
        return path.read_bytes()
    except OSError as error:
        raise ContractError(f"cannot read {path}: {error.strerror}") from None


def parse_object(text: str | bytes, where: str, example: str) -> dict[str, Any]:
    """The object that a file of JSON holds.

    Args:
        text: The text, or its bytes in UTF-8, 16 or 32.
        where: What messages call it.
        example: What to write instead of something else.

    Raises:
        ContractError: It is no JSON, or no object.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{where} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ContractError(f"{where} holds no object: write {example}")
    return data
