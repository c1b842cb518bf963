"""Contenders that take turns: each in a process of its own, all on one core, a few short pieces at a time.

What else the machine does falls on all alike. The median is what the machine gave; the best of many short
pieces comes close to what it gives when it does nothing else.
"""

from __future__ import annotations

import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from .contenders import Steps

PIECE = 0.005
"""Length of a piece of work [s]."""
PIECES = 4
"""Pieces in a turn."""


@dataclass
class Contender:
    """One row of a table.

    Attributes:
        name: What it is.
        make: Makes it, in its own process.
        arguments: What `make` is given.
        note: What an observation is.
        python: The interpreter that has it.
        rates: Steps per second of CPU time, one for each turn.
        best: Most steps per second of wall-clock time in a piece.
        start: Wall-clock time until it has done a piece of work [s].
        memory: Most memory that the process took [MB].
        failure: Why it is missing.
    """

    name: str
    make: Callable[..., Steps]
    arguments: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    python: str = sys.executable
    rates: list[float] = field(default_factory=list)
    best: float = 0.0
    start: float = 0.0
    memory: float = 0.0
    failure: str = ""

    @property
    def median(self) -> float:
        """Steps per second of CPU time."""
        return statistics.median(self.rates) if self.rates else 0.0

    @property
    def spread(self) -> tuple[float, float]:
        """Rates that a tenth of the turns fell below and rose above."""
        ordered = sorted(self.rates)
        return ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]


def compare(contenders: Sequence[Contender], rounds: int) -> None:
    """Run all of them; fills in what their attributes name."""
    core = max(os.sched_getaffinity(0))
    running = []
    for contender in contenders:
        began = time.perf_counter()
        process, connection = _start(contender.python)
        connection.send((core, contender.make, contender.arguments))
        contender.failure = _receive(connection)
        contender.start = time.perf_counter() - began
        if not contender.failure:
            running.append((contender, connection, process))
    for _ in range(rounds):
        for contender, connection, _ in running:
            connection.send(True)
            rate, best = connection.recv()
            contender.rates.append(rate)
            contender.best = max(contender.best, best)
    for contender, connection, process in running:
        connection.send(False)
        contender.memory = connection.recv()
        process.wait()


def _start(python: str) -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = socket.socketpair()
    with theirs:
        # Whatever a library prints goes nowhere: tables are printed here.
        process = subprocess.Popen(
            [python, "-m", "benchmarks.turns", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return process, Connection(ours.detach())


def _receive(connection: Connection) -> str:
    try:
        return str(connection.recv())
    except (EOFError, ConnectionError):
        return "its process died"


def _serve(connection: Connection) -> None:
    """One contender's side: make it, then run a piece whenever asked to."""
    core, make, arguments = connection.recv()
    os.sched_setaffinity(0, {core})
    try:
        run = make(**arguments)
        calls = _calls_in_a_piece(run)
    except ImportError:
        connection.send("not installed")
        return
    except Exception as error:  # a peer that does not run is a line in the table
        connection.send(f"{type(error).__name__}: {error}".splitlines()[0][:60])
        return
    connection.send("")
    while connection.recv():
        cpu, steps, best = time.process_time(), 0, 0.0
        for _ in range(PIECES):
            began = time.perf_counter()
            made = run(calls)
            steps, best = steps + made, max(best, made / (time.perf_counter() - began))
        connection.send((steps / (time.process_time() - cpu), best))
    connection.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _calls_in_a_piece(run: Steps) -> int:
    run(1)
    calls = 1
    while True:
        began = time.process_time()
        run(calls)
        if time.process_time() - began > PIECE / 2:
            return calls
        calls *= 2


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
