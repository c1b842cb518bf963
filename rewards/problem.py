"""One thing that is wrong with a reward function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Problem:
    """One finding.

    Args:
        severity: "error": training would stop; "warning": it would go badly or slowly; "note": good to know.
        what: What is wrong, without a full stop.
        line: Line in the reward file, counted from 1, where there is one.
        fix: How to mend it; empty when there is nothing useful to say.
    """

    severity: Severity
    what: str
    line: int | None = None
    fix: str = ""

    def text(self, file: str) -> str:
        """One line for people and editors: `file:line: severity: what. Fix: fix`."""
        place = f"{file}:{self.line}" if self.line else file
        return f"{place}: {self.severity}: {self.what}" + (f". Fix: {self.fix}" if self.fix else "")
