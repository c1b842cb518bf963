"""A real Chromium, spoken to in its own protocol (Chrome DevTools Protocol) over a websocket."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page in a headless Chromium.

    Attributes:
        problems: What the page complained about: exceptions, errors on its console, refused requests.
    """

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM is not None
        options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            "--no-first-run",
        ]
        options += [
            f"--user-data-dir={folder}",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            [CHROMIUM, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        port_file = folder / "DevToolsActivePort"
        _wait(lambda: port_file.exists() and "\n" in port_file.read_text())
        port = port_file.read_text().split()[0]
        pages = [page for page in httpx.get(f"http://127.0.0.1:{port}/json").json() if page["type"] == "page"]
        self._socket = connect(pages[0]["webSocketDebuggerUrl"], max_size=2**26).__enter__()
        self._numbers = count(1)
        self.problems: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": arguments}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        about = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(
                about["exceptionDetails"].get("exception", {}).get("description", "exception")
            )
        if message.get("method") == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.problems.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")

    def show(self, width: int, height: int, dark: bool = True, touch: bool = False) -> None:
        """Be a screen of this size [pixels]."""
        scale = 2 if touch else 1
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": touch}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def go(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until an expression is true."""
        _wait(lambda: self.run(f"(() => {{ try {{ return {script} }} catch {{ return false }} }})()"))

    def text(self, selector: str) -> str:
        found = self.run(f"document.querySelector({selector!r})?.textContent")
        return str(found or "")

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        x, y = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def touch(self, selector: str, right: float, down: float) -> None:
        """Put a finger on the middle of something, and drag it by shares of its width; it stays there."""
        x, y = self._middle(selector)
        width = self.run(f"document.querySelector({selector!r}).getBoundingClientRect().width")
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        point = {"x": x + right * width, "y": y + down * width}
        self.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[point])

    def lift(self) -> None:
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, code: str, key: str, down: bool) -> None:
        kind = "keyDown" if down else "keyUp"
        self.call("Input.dispatchKeyEvent", type=kind, code=code, key=key)

    def type(self, selector: str, text: str) -> None:
        self.run(f"document.querySelector({selector!r}).focus()")
        self.call("Input.insertText", text=text)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def end(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(10)

    def _middle(self, selector: str) -> tuple[float, float]:
        box = self.run(f"document.querySelector({selector!r}).getBoundingClientRect().toJSON()")
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _wait(condition: Callable[[], Any], limit: float = 20.0) -> None:
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)
