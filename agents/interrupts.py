"""Ctrl-C that is never lost."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback


class Interrupts(BaseCallback):
    """Raises a KeyboardInterrupt again, at the next step, that something swallowed; a context to train in.

    Python may handle the signal wherever it is, also in a finaliser or in a callback of compiled code, from
    where no exception gets out: it is printed at best, and the training would go on.
    """

    def __init__(self) -> None:
        super().__init__()
        self._came = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        before = signal.getsignal(signal.SIGINT)
        if callable(before) and threading.current_thread() is threading.main_thread():
            self._before = before
            signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        self._before(number, frame)

    def _on_step(self) -> bool:
        if self._came:
            raise KeyboardInterrupt
        return True
