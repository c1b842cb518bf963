"""Who may see and move what: the console's doors, on a real server."""

from __future__ import annotations

import json
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from car_rig import GuardProcess, jpegs, wait_until, write_film
from console_rig import PASSWORD, ConsoleProcess, Visitor, page
from tiny_policies import DISCRETE, golden_frames, make_network
from websockets.exceptions import InvalidStatus

from hairpin.edge import write_bundle


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardProcess]:
    process = GuardProcess(tmp_path_factory.mktemp("guard"))
    yield process
    process.end()


@pytest.fixture(scope="module")
def console(guard: GuardProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    folder = tmp_path_factory.mktemp("console")
    process = ConsoleProcess(guard, folder, write_film(folder))
    yield process
    process.end()


@pytest.fixture(scope="module")
def visitor(console: ConsoleProcess) -> Visitor:
    """The first visitor, who chose the password."""
    first = Visitor(console)
    assert first.http.get("/api/session").json() == {"state": "first use"}
    assert "8 to 200" in first.log_in("short", path="/api/password").json()["error"]
    return first.choose()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder, network = tmp_path_factory.mktemp("bundle"), make_network(DISCRETE)
    xml, weights = network.to_ir(folder)
    frames = golden_frames(DISCRETE)
    write_bundle(
        folder / "policy.tar.gz",
        DISCRETE,
        model_xml=xml,
        model_bin=weights,
        golden_frames=frames,
        golden_outputs=network(frames),
        precision="fp32",
    )
    return (folder / "policy.tar.gz").read_bytes()


def test_a_stranger_sees_the_page_and_that_it_is_locked_and_nothing_else(
    console: ConsoleProcess, visitor: Visitor
) -> None:
    stranger = Visitor(console)
    assert stranger.http.get("/").status_code == 200
    assert stranger.http.get("/api/session").json() == {"state": "locked"}
    for method, path in (("PUT", "/api/models/a.tar.gz"), ("DELETE", "/api/models/a.tar.gz")):
        assert stranger.http.request(method, path).status_code == 401
    assert stranger.http.post("/api/logout").status_code == 401
    for path in ("/api/models", "/page/../app.py", "/page/%2e%2e/app.py", "/state", "/docs"):
        assert stranger.http.get(path).status_code in (404, 405)
    assert stranger.http.post("/stop").json() == {"stopped": True}
    assert stranger.http.get("/stop").status_code == 405
    assert stranger.log_in(path="/api/password").status_code == 409


@pytest.mark.parametrize("path", ["/talk", "/video"])
@pytest.mark.parametrize(
    "changes",
    [{"cookie": ""}, {"cookie": "hairpin=forged"}, {"csrf": ""}, {"csrf": "forged"}]
    + [{"origin": origin} for origin in (None, "http://elsewhere", "https://127.0.0.1", "null")],
)
def test_a_websocket_needs_the_session_its_token_and_the_consoles_page(
    visitor: Visitor, path: str, changes: dict[str, Any]
) -> None:
    visitor.socket(path).close()
    with pytest.raises(InvalidStatus, match="403"):
        visitor.socket(path, **changes)


@pytest.mark.parametrize(
    "origin", [None, "http://elsewhere", "null", "https://{host}", "http://{host}.elsewhere"]
)
def test_other_sites_pages_change_nothing(
    console: ConsoleProcess, visitor: Visitor, origin: str | None
) -> None:
    headers = {} if origin is None else {"Origin": origin.format(host=console.host)}
    cookies = dict(visitor.http.cookies)
    with httpx.Client(
        base_url=console.url, cookies=cookies, headers={"X-CSRF-Token": visitor.csrf}
    ) as client:
        for method, path in (
            ("POST", "/api/login"),
            ("POST", "/api/logout"),
            ("PUT", "/api/models/a.tar.gz"),
            ("DELETE", "/api/models/a.tar.gz"),
        ):
            assert client.request(method, path, headers=headers).status_code == 403
    assert visitor.http.get("/api/session").json()["state"] == "open"


def test_a_request_without_the_csrf_token_changes_nothing(visitor: Visitor) -> None:
    for token in ("", "forged", "ü"):
        answer = visitor.http.delete("/api/models/a.tar.gz", headers={b"X-CSRF-Token": token.encode()})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "host", ["elsewhere", "elsewhere:80", "127.0.0.1.elsewhere", "", "a@127.0.0.1", "[::1"]
)
def test_a_name_that_leads_here_is_not_enough(console: ConsoleProcess, visitor: Visitor, host: str) -> None:
    for path in ("/", "/api/session"):
        assert httpx.get(f"{console.url}{path}", headers={"Host": host}).status_code in (400, 403)
    forged = {"Host": host, "Origin": f"http://{host}"}
    answer = httpx.post(f"{console.url}/api/login", headers=forged, json={"password": PASSWORD})
    assert answer.status_code in (400, 403)
    for name in ("localhost:1234", "127.0.0.1", "[::1]:8080", "192.168.1.7:8080"):
        assert httpx.get(f"{console.url}/api/session", headers={"Host": name}).status_code == 200


def test_the_cookie_and_the_headers_are_strict(console: ConsoleProcess, visitor: Visitor) -> None:
    answer = Visitor(console).log_in()
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie  # plain HTTP here
    for path in ("/", "/page/app.js", "/api/session", "/nowhere"):
        headers = httpx.get(f"{console.url}{path}").headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
    file = console.state / "password.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()


def test_the_page_loads_nothing_from_elsewhere() -> None:
    folder = Path(__file__).parents[2] / "edge/console/page"
    for file in folder.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace(": //", "").split("\n// ")[0] or file.suffix == ".js"
        assert "http://" not in text
        assert "https://" not in text
        assert len(text.splitlines()) < 200
    assert "<script>" not in (folder / "index.html").read_text()
    assert "style=" not in (folder / "index.html").read_text()


def test_uploads_are_named_whole_and_bundles(
    console: ConsoleProcess, visitor: Visitor, bundle: bytes
) -> None:
    def put(name: str, content: Any) -> tuple[int, str]:
        answer = visitor.http.put(f"/api/models/{name}", content=content)
        return answer.status_code, answer.json().get("error", "")

    assert put("policy-1.tar.gz", bundle) == (201, "")
    assert put("half.tar.gz", bundle[: len(bundle) // 2]) == (
        422,
        "half.tar.gz: it is truncated: copy it again",
    )
    for name in ("policy.zip", ".hidden.tar.gz", "a b.tar.gz", "-x.tar.gz", "x" * 80 + ".tar.gz", "ü.tar.gz"):
        status, line = put(name, bundle)
        assert (status, line.split(":")[0]) == (422, "give a file named like policy.tar.gz"), name
    assert visitor.http.put("/api/models/..%2fevil.tar.gz", content=bundle).status_code in (404, 422)
    assert "larger than 64 MiB" in announce(visitor, 2**40)

    def endless() -> Iterator[bytes]:
        for _ in range(80):
            yield b"\x1f\x8b" + bytes(2**20 - 2)

    before = peak(console.process.pid)
    try:
        status, line = put("endless.tar.gz", endless())
        assert (status, line) == (422, "it is larger than 64 MiB: no policy bundle is")
    except httpx.HTTPError:  # the server may hang up on who keeps sending
        pass
    assert peak(console.process.pid) - before < 32 * 2**20
    wait_until(
        lambda: sorted(path.name for path in (console.state / "models").iterdir()) == ["policy-1.tar.gz"]
    )
    assert visitor.http.delete("/api/models/policy-1.tar.gz").status_code == 204
    assert "there is no model" in visitor.http.delete("/api/models/policy-1.tar.gz").json()["error"]


def announce(visitor: Visitor, size: int) -> str:
    """What is answered to an upload of this size before any of it was sent."""
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.http.cookies.items())
    headers = {"Host": visitor.console.host, "Origin": visitor.console.url, "Cookie": cookie}
    headers |= {"X-CSRF-Token": visitor.csrf, "Content-Length": str(size)}
    lines = ["PUT /api/models/large.tar.gz HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
    with socket.create_connection(("127.0.0.1", visitor.console.port)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        connection.settimeout(5)
        answer = b""
        while b"error" not in answer:
            answer += connection.recv(4096)
    return answer.decode()


def peak(process: int) -> int:
    """Most memory that a process ever had [bytes]."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


def test_the_picture_is_the_cameras_own_and_nobody_is_waited_for(visitor: Visitor) -> None:
    frames = set(jpegs())
    with visitor.socket("/video") as slow, visitor.socket("/video") as fast:
        seen = 0
        until = time.monotonic() + 1.5
        while time.monotonic() < until and seen < 20:
            frame = fast.recv(timeout=2)
            assert frame in frames
            fast.send("")
            seen += 1
        assert seen == 20
        got = [slow.recv(timeout=1), slow.recv(timeout=1)]
        assert set(got) <= frames
        with pytest.raises(TimeoutError):
            slow.recv(timeout=0.3)  # nothing more before it confirms


def test_the_state_has_what_the_page_shows(visitor: Visitor) -> None:
    with page(visitor) as watcher:
        wait_until(lambda: "cpu" in watcher.state and watcher.state["fps"]["real"] > 0)
        state = watcher.state
        assert (state["mode"], state["armed"], state["guard"], state["battery"]) == (
            "hand",
            False,
            True,
            None,
        )
        assert state["fps"]["set"] == 30
        assert 0 <= state["latency"]["p50"] <= state["latency"]["p99"]
        assert state["settings"] == {"speed_limit": 1.0, "scale": 0.3, "trim": 0.0}
        assert state["wheel"] == {"mine": False, "holder": "", "asker": "", "asking": False}
        assert any("a password was chosen" in line for line in watcher.lines)
        assert json.dumps(state)


def test_guessing_is_slowed_down(console: ConsoleProcess, visitor: Visitor) -> None:
    """The last of this file: afterwards this address must wait."""
    guesser = Visitor(console)
    codes = [guesser.log_in(f"wrong guess {number}").status_code for number in range(6)]
    assert codes == [403] * 5 + [429]
    refused = guesser.log_in()
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 30
    assert "wait" in refused.json()["error"]
    for body in (b"", b"[]", b"{", b'{"password": 3}', b'{"password": "' + b"x" * 5000 + b'"}'):
        assert guesser.http.post("/api/login", content=body).status_code == 400
    assert visitor.http.get("/api/session").json()["state"] == "open"  # who is in stays in


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_over_tls_the_cookie_is_secure(guard: GuardProcess, tmp_path: Path) -> None:
    key, certificate = (tmp_path / name for name in ("key.pem", "certificate.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    options = ("--certificate", certificate, "--key", key)
    console = ConsoleProcess(guard, tmp_path, write_film(tmp_path), *options, certificate=certificate)
    try:
        visitor = Visitor(console)
        answer = visitor.log_in(path="/api/password")
        assert "; secure" in answer.headers["set-cookie"].lower()
        with visitor.socket("/video") as video:
            assert video.recv(timeout=5) in jpegs()
        with pytest.raises(InvalidStatus, match="403"):
            visitor.socket("/video", origin=f"http://{console.host}")
    finally:
        console.end()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--certificate", "nowhere.pem"], "give both --certificate and --key"),
        (["--certificate", "nowhere.pem", "--key", "no.pem"], "there is no nowhere.pem"),
        (["--camera", "nowhere.mjpeg"], "cannot read nowhere.mjpeg"),
        (["--gamepad", "auto"], "no gamepad under"),
        (["--host", "203.0.113.1"], "cannot serve at 203.0.113.1 port 8080"),
    ],
)
def test_what_cannot_be_served_is_one_line(tmp_path: Path, options: list[str], line: str) -> None:
    code = "from hairpin.edge.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--state", str(tmp_path), "--root", str(tmp_path)]
    run = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith(f"error: {line}"), run.stderr
    assert "Traceback" not in run.stderr
