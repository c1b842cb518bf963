"""The error of bad input to the simulator."""

from __future__ import annotations

from numbers import Integral


class SimError(ValueError):
    """Bad input to the simulator: the message is one line that says what is wrong and how to mend it."""


def check_whole(name: str, value: object, least: int = 1) -> None:
    """Refuse what is no whole number of at least `least`.

    Raises:
        SimError: With the setting's name and value.
    """
    if not (isinstance(value, Integral) and int(value) >= least):
        raise SimError(f"{name} is {value!r}: give a whole number of at least {least}")
