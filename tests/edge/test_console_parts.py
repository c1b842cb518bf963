"""Parts of the console that need no process: who holds the wheel, sessions, passwords, figures, logs."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import stat
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from hairpin.edge.console import serve
from hairpin.edge.console.folder import Folder
from hairpin.edge.console.health import Health
from hairpin.edge.console.journal import Journal
from hairpin.edge.console.passwords import Passwords
from hairpin.edge.console.sessions import IDLE, Attempts, Sessions
from hairpin.edge.console.talk import Talk
from hairpin.edge.console.wheel import EXPIRY, Seat, Wheel
from hairpin.edge.errors import CarError

A, B, C = (Seat(number, name) for number, name in enumerate("abc"))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_wheel_changes_hands_by_asking_alone() -> None:
    wheel = Wheel()
    assert wheel.take(A)
    assert not wheel.take(B)
    assert not wheel.take(C)  # B asked first
    assert (wheel.holder, wheel.asker) == (A, B)
    wheel.answer(B, give=True)  # not the holder's to say
    wheel.answer(A, give=False)
    assert (wheel.holder, wheel.asker) == (A, None)
    wheel.take(C)
    wheel.answer(A, give=True)
    assert (wheel.holder, wheel.asker) == (C, None)
    wheel.take(A)
    wheel.leave(A)
    wheel.take(B)
    wheel.leave(C)
    assert wheel.holder == B


def test_a_holder_who_is_not_heard_of_loses_the_wheel() -> None:
    clock = Clock()
    wheel = Wheel(clock)
    wheel.take(A)
    wheel.take(B)
    clock.now += EXPIRY - 0.1
    wheel.heard(A)
    wheel.heard(B)  # counts for nothing
    clock.now += EXPIRY - 0.1
    wheel.expire()
    assert wheel.holder == A
    clock.now += 0.2
    wheel.expire()
    assert wheel.holder == B


def test_sessions_end_and_tokens_are_not_kept() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    token, session = sessions.open()
    assert sessions.find(token) is session
    assert token not in repr(vars(sessions))
    assert sessions.find(token + "x") is None
    assert sessions.find(None) is None
    clock.now += IDLE + 1
    assert sessions.find(token) is None
    other, _ = sessions.open()
    sessions.close(other)
    assert sessions.find(other) is None


def test_there_are_never_many_sessions() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    tokens = []
    for _ in range(100):
        clock.now += 1
        tokens.append(sessions.open()[0])
    assert [sessions.find(token) is not None for token in tokens].count(True) == 32
    assert sessions.find(tokens[-1])


def test_who_guesses_waits_and_others_do_not() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(5):
        assert attempts.wait("a") == 0.0
        attempts.failed("a")
        clock.now += 1
    assert attempts.wait("a") == pytest.approx(55.0)
    assert attempts.wait("b") == 0.0
    clock.now += 55.1
    assert attempts.wait("a") == 0.0
    for number in range(30):
        attempts.failed(f"10.0.0.{number}")
    assert attempts.wait("b") > 0.0


def test_a_password_is_hashed_private_and_chosen_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "password.json"
    passwords = Passwords(path)
    assert not passwords.chosen()
    with pytest.raises(CarError, match="8 to 200 characters"):
        passwords.choose("short")
    passwords.choose("correct horse")
    with pytest.raises(CarError, match="chosen before"):
        passwords.choose("another horse")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "horse" not in path.read_text()
    assert list(path.parent.iterdir()) == [path]
    assert passwords.check("correct horse")
    assert not passwords.check("another horse")
    path.write_text("{}")
    assert passwords.chosen()
    with pytest.raises(CarError, match="delete it"):
        passwords.check("correct horse")


def test_a_file_that_is_deleted_while_it_is_listed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path, "recording", ".mcap")
    (tmp_path / "stays.mcap").write_bytes(b"123")
    (tmp_path / "goes.mcap").symlink_to(tmp_path / "gone")
    (tmp_path / "folder.mcap").mkdir()
    look = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: path.name == "goes.mcap" or look(path))  # a moment ago
    assert [(file["name"], file["size"]) for file in folder.files()] == [("stays.mcap", 3)]


def test_health_is_read_and_missing_files_are_nothing(tmp_path: Path) -> None:
    assert (Health(tmp_path).cpu(), Health(tmp_path).temperature()) == (None, None)
    (tmp_path / "proc").mkdir()
    statistics = tmp_path / "proc/stat"
    statistics.write_text("cpu  100 0 100 700 100 0 0 0 0 0\n")
    for number, reading in enumerate(("41000", "58500", "broken")):
        zone = tmp_path / f"sys/class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(reading)
    health = Health(tmp_path)
    statistics.write_text("cpu  150 0 125 715 110 0 0 0 0 0\n")
    assert health.cpu() == pytest.approx(0.75)
    assert health.temperature() == 58.5


def test_the_journal_keeps_the_newest_lines_each_on_one() -> None:
    journal = Journal()
    for number in range(400):
        journal.emit(logging.makeLogRecord({"msg": f"line {number}\nforged"}))
    assert journal.count == 400
    assert [line.split(" ", 1)[1] for line in journal.after(398)] == ["line 398 forged", "line 399 forged"]
    assert len(journal.after(0)) == 300
    assert journal.after(400) == []


def test_a_page_that_cannot_be_told_the_state_is_let_go_of() -> None:
    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    def breaks() -> None:
        raise RuntimeError("a bug in the state")

    wheel = SimpleNamespace(expire=lambda: None)
    cockpit = SimpleNamespace(wheel=wheel, change_wheel=lambda change: None, state=breaks)
    console: Any = SimpleNamespace(cockpit=cockpit, journal=None, vital={})
    page: Any = SimpleNamespace(close=close)
    talk = Talk(page, A, console, lambda: True)
    with pytest.raises(RuntimeError, match="a bug in the state"):
        asyncio.run(talk._tick())
    assert closed == [True], "it would wait for ticks for ever"


def test_a_signal_that_comes_before_the_server_listens_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def run(server: uvicorn.Server, sockets: object) -> None:
        hear = signal.getsignal(signal.SIGTERM)
        assert callable(hear)
        hear(signal.SIGTERM, None)  # not really raised, in a process whose signals are the test runner's
        asked.append(server.should_exit)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    driving, nothing = threading.Event(), lambda: None
    live = SimpleNamespace(run=driving.wait, stop=driving.set)
    cockpit = SimpleNamespace(live=live, stop=nothing)
    console: Any = SimpleNamespace(cockpit=cockpit, recordings=SimpleNamespace(end=nothing))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    try:
        serve.run(console, serve.Address("127.0.0.1", port))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert asked == [True]
