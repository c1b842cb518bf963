"""The error of bad input to the simulator."""

from __future__ import annotations


class SimError(ValueError):
    """Bad input to the simulator: the message is one line that says what is wrong and how to mend it."""
