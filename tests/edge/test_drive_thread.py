"""A drive's loop beside a program that answers people."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from hairpin.edge.drive_thread import in_thread


def test_what_ends_the_loop_is_told_at_once_and_raised_at_the_end() -> None:
    ended, stopped = threading.Event(), threading.Event()

    def run() -> None:
        raise OSError("the decoder is gone")

    drive: Any = SimpleNamespace(run=run, stop=stopped.set)
    with pytest.raises(OSError, match="the decoder is gone"), in_thread(drive, ended.set):
        assert ended.wait(10.0)
    assert stopped.is_set()


def test_a_program_that_fails_stops_the_drive() -> None:
    stopping = threading.Event()
    running: list[bool] = []

    def run() -> None:
        stopping.wait(10.0)
        running.append(False)

    drive: Any = SimpleNamespace(run=run, stop=stopping.set)
    with pytest.raises(ValueError, match="a program's bug"), in_thread(drive, lambda: None):
        raise ValueError("a program's bug")
    assert running == [False], "the loop goes on"
