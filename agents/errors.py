"""The error of training runs, and a check that raises it."""

from __future__ import annotations

from numbers import Integral


class RunError(ValueError):
    """A run, or a setting of one, cannot be used; the text says what, where and how to mend it."""


def check_whole(name: str, value: object, least: int) -> None:
    """Refuse what is no whole number of at least `least`.

    Raises:
        RunError: With the setting's name and value.
    """
    if not (isinstance(value, Integral) and int(value) >= least):
        raise RunError(f"{name} is {value!r}: give a whole number of at least {least}")
