"""The console's own newest log lines."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Final

#: What the console and its parts write to; also shown by `journalctl -u hairpin-console`.
LOG: Final = logging.getLogger("hairpin.console")

_MOST_LINES: Final = 300


class Journal(logging.Handler):
    """Keeps the newest lines.

    Attributes:
        count: How many lines there ever were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; what came from outside cannot forge a second one."""
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        self._lines.append(f"{at} {record.getMessage()}".replace("\n", " "))
        self.count += 1

    def after(self, count: int) -> list[str]:
        """The lines that came after the first `count`, as far as they are kept."""
        new = min(self.count - count, len(self._lines))
        return list(self._lines)[-new:] if new > 0 else []
