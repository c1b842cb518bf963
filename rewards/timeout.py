"""Running a user's code with a time limit, on any platform and in any thread."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any


class TooSlowError(Exception):
    """The limit has passed; `lines` are the (file, line) pairs of the call stack then, innermost last."""

    def __init__(self, lines: list[tuple[str, int]]) -> None:
        super().__init__("time limit exceeded")
        self.lines = lines


class _Stop(BaseException):
    """Raised inside the thread that is to end; user code that catches Exception does not catch it."""


def run_limited(function: Callable[[], Any], seconds: float) -> Any:
    """Call a function in a thread of its own and wait for it no longer than `seconds`.

    A signal would work in the main thread of a Unix process alone. The thread is asked to end by an
    exception; code that hangs inside a C function goes on until the process ends.

    Raises:
        TooSlowError: It was still running at the end.
    """
    result: dict[str, Any] = {}

    def target() -> None:
        try:
            result["value"] = function()
        except _Stop:
            pass
        except BaseException as error:
            result["error"] = error

    thread = threading.Thread(target=target, daemon=True, name="reward-check")
    thread.start()
    thread.join(seconds)
    if thread.is_alive() and thread.ident is not None:
        lines = _stack(thread.ident)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop))
        thread.join(0.2)
        raise TooSlowError(lines)
    if "error" in result:
        raise result["error"]
    return result.get("value")


def _stack(ident: int) -> list[tuple[str, int]]:
    frame = sys._current_frames().get(ident)
    lines: list[tuple[str, int]] = []
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno or 0))
        frame = frame.f_back
    return lines[::-1]
