"""The console as a process, on a guard that writes to files, and a client that does what the page does."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from car_rig import GuardProcess, wait_until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PASSWORD = "correct horse"


class ConsoleProcess:
    """The console in a process of its own."""

    def __init__(
        self,
        guard: GuardProcess,
        folder: Path,
        film: Path,
        *options: str | Path,
        certificate: Path | None = None,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.tls = ssl.create_default_context(cafile=certificate) if certificate else None
        self.url, self.state = f"http{'s' if certificate else ''}://{self.host}", folder / "state"
        code = "from hairpin.edge.cli import main; main()"
        command = [sys.executable, "-c", code, "serve", "--host", "127.0.0.1", "--port", self.port]
        command += ["--camera", film, "--socket", guard.socket, "--root", guard.root, "--state", self.state]
        command += ["--calibration", folder / "calibration.json", *options]
        self.process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL)
        wait_until(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the console ended"
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/api/session", verify=self.tls or True).status_code == 200
        return False

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Visitor:
    """A browser without a page."""

    def __init__(self, console: ConsoleProcess) -> None:
        self.console, self.csrf = console, ""
        headers = {"Origin": console.url}
        verify = console.tls or True
        self.http = httpx.Client(base_url=console.url, headers=headers, timeout=20, verify=verify)

    def log_in(self, password: str = PASSWORD, path: str = "/api/login") -> httpx.Response:
        answer = self.http.post(path, json={"password": password})
        self.csrf = answer.json().get("csrf", "")
        self.http.headers["X-CSRF-Token"] = self.csrf
        return answer

    def choose(self) -> Visitor:
        assert self.log_in(path="/api/password").status_code == 200
        return self

    def socket(self, path: str, **changes: Any) -> ClientConnection:
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        headers = {"Cookie": changes.pop("cookie", cookie)}
        csrf = changes.pop("csrf", self.csrf)
        url = f"{self.console.url.replace('http', 'ws', 1)}{path}?csrf={csrf}"
        if self.console.tls is not None:
            changes["ssl"] = self.console.tls
        origin = changes.pop("origin", self.console.url)
        return connect(url, origin=origin, additional_headers=headers, **changes).__enter__()


class Page:
    """What the page does: it sends each tick back, and keeps the state."""

    def __init__(self, visitor: Visitor) -> None:
        self.state: dict[str, Any] = {}
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.said: list[str] = []
        self.steering = self.push = 0.0
        self.alive, self.delay, self.beats = True, 0.0, 0
        self._socket = visitor.socket("/talk")
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_until(lambda: "wheel" in self.state)

    def _listen(self) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            for text in self._socket:
                message = json.loads(text)
                for name, heard in (("error", self.errors), ("said", self.said)):
                    if name in message:
                        heard.append(message.pop(name))
                tick = message.pop("tick", None)
                self.lines += message.pop("log", [])
                self.state.update(message)
                if tick is not None and self.alive and self.state["wheel"]["mine"]:
                    time.sleep(self.delay)
                    self.send(tick=tick, steering=self.steering, push=self.push)
                    self.beats += 1

    def send(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def do(self, what: str, **more: Any) -> None:
        self.send(do=what, **more)

    def take(self) -> Page:
        self.do("take")
        wait_until(lambda: self.state["wheel"]["mine"])
        return self

    def drive(self, guard: GuardProcess, push: float = 1.0) -> Page:
        """Take the wheel, start, and move."""
        self.take()
        wait_until(lambda: not self.state["obstacle"] and self.beats > 2)
        self.push = push
        self.do("start")
        wait_until(guard.moving)
        return self

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def page(visitor: Visitor) -> Iterator[Page]:
    opened = Page(visitor)
    try:
        yield opened
    finally:
        opened.close()
