"""The error of training runs."""

from __future__ import annotations


class RunError(ValueError):
    """A run, or a setting of one, cannot be used; the text says what, where and how to mend it."""
