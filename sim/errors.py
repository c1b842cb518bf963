"""The error of bad input to the simulator, and the checks that raise it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Integral


class SimError(ValueError):
    """Bad input to the simulator: the message is one line that says what is wrong and how to mend it."""


def check_whole(name: str, value: object, least: int = 1, error: type[ValueError] = SimError) -> None:
    """Refuse what is no whole number of at least `least`.

    Raises:
        SimError, or the `error` that is given: With the setting's name and value.
    """
    if not (isinstance(value, Integral) and int(value) >= least):
        raise error(f"{name} is {value!r}: give a whole number of at least {least}")


def choice(name: str, value: str, known: Iterable[str], error: type[ValueError] = SimError) -> str:
    """`value`, if it is one of the known ones.

    Raises:
        SimError, or the `error` that is given: It is none; with the nearest known one.
    """
    known = list(known)
    if value in known:
        return value
    near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"
    raise error(f"unknown {name} {value!r}: {hint}")
