"""Errors of the car's side, and the checks that raise them for values that came from outside."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any


class ContractError(ValueError):
    """A contract, frame, action or model_metadata.json that cannot be right; one line for the user."""


class BundleError(ValueError):
    """A policy bundle that is broken, foreign or not what it claims to be; one line for the user."""


class CarError(ValueError):
    """Hardware that is missing, or a calibration or setting of the car that cannot be right; one line."""


class PolicyError(RuntimeError):
    """The policy failed while driving: the car must go to neutral."""


def hint(value: object, known: Iterable[str]) -> str:
    """What to write instead of an unknown name: the nearest known one, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.4)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"


def check_fields(
    value: object, where: str, required: Iterable[str], optional: Iterable[str] = ()
) -> Mapping[str, Any]:
    """`value`, if it is a JSON object with all required keys and no unknown ones."""
    if not isinstance(value, Mapping):
        raise ContractError(f"{where} is {_kind(value)}: give an object with {', '.join(required)}")
    for key in required:
        if key not in value:
            raise ContractError(f"{where} has no {key!r}: add it")
    known = {*required, *optional}
    for key in value:
        if key not in known:
            raise ContractError(f"{where} has an unknown key {key!r}: {hint(key, sorted(known))}")
    return value


def check_number(value: object, where: str, low: float, high: float) -> float:
    """`value` as a float, if it is a finite number from `low` to `high`."""
    try:
        if isinstance(value, bool | str | bytes):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]  # anything with __float__, numpy's scalars too
    except (TypeError, ValueError, OverflowError):
        raise ContractError(f"{where} is {_kind(value)}: give a number from {low:g} to {high:g}") from None
    if not (math.isfinite(number) and low <= number <= high):
        raise ContractError(f"{where} is {number:g}: give a number from {low:g} to {high:g}")
    return number


def check_integer(value: object, where: str, low: int, high: int) -> int:
    """`value` as an int, if it is a whole number from `low` to `high`."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]  # anything with __index__
    except TypeError:
        raise ContractError(f"{where} is {_kind(value)}: give a whole number from {low} to {high}") from None
    if not low <= number <= high:
        raise ContractError(f"{where} is {number}: give a whole number from {low} to {high}")
    return number


def check_text(value: object, where: str, longest: int = 1000) -> str:
    """`value`, if it is text of at most `longest` characters without control characters."""
    if not isinstance(value, str) or len(value) > longest or any(ord(c) < 32 for c in value):
        raise ContractError(f"{where} is {_kind(value)}: give one line of text, at most {longest} characters")
    return value


def check_choice(value: object, where: str, known: Iterable[str]) -> str:
    """`value`, if it is one of the known names."""
    known = list(known)
    if not isinstance(value, str) or value not in known:
        shown = repr(value) if isinstance(value, str) else _kind(value)
        raise ContractError(f"{where} is {shown}: {hint(value, known)}")
    return value


def check_sequence(value: object, where: str, of: str, length: int | None = None) -> tuple[Any, ...]:
    """`value` as a tuple, if it is a list or tuple (of `length` values)."""
    if not isinstance(value, list | tuple):
        raise ContractError(f"{where} is {_kind(value)}: give {of}")
    if length is not None and len(value) != length:
        raise ContractError(f"{where} has {len(value)} values: give {of}")
    return tuple(value)


def _kind(value: object) -> str:
    """How a wrong value is called in a message."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
