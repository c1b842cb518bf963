"""The one error of this package."""

from __future__ import annotations


class RewardError(ValueError):
    """A reward function that cannot be found, loaded or trusted; its text is one line for the user.

    Args:
        what: What is wrong, without a full stop.
        file: The file that is to be mended, if there is one.
        line: The line in that file, counted from 1.
        fix: How to mend it, a sentence without a full stop; empty when there is nothing useful to say.
    """

    def __init__(self, what: str, *, file: str | None = None, line: int | None = None, fix: str = "") -> None:
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(place + what + (f". Fix: {fix}" if fix else ""))
        self.what = what
        self.file = file
        self.line = line
        self.fix = fix

    def __reduce__(self) -> tuple[object, ...]:
        # An exception with keyword arguments does not cross processes by itself.
        return _rebuild, (self.what, self.file, self.line, self.fix)


def _rebuild(what: str, file: str | None, line: int | None, fix: str) -> RewardError:
    return RewardError(what, file=file, line=line, fix=fix)
