"""Recordings from the console: who may, what is kept, and what becomes of them when things go wrong."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx
import pytest
from car_rig import GuardProcess, jpegs, wait_until
from console_rig import ConsoleProcess, Visitor, page
from tiny_policies import WriteBundle

from hairpin.edge.console import recordings as recordings_module
from hairpin.edge.console.recordings import Recordings
from hairpin.edge.drivers.camera import Image
from hairpin.edge.errors import CarError
from hairpin.edge.mcap_file import read_about, read_messages
from hairpin.edge.watchers import Watchers


def made(folder: Path) -> list[Path]:
    """Recordings in the order in which they were begun; a clock of seconds may number them."""
    return sorted(folder.glob("*.mcap"), key=lambda path: path.stat().st_mtime_ns)


def test_a_stranger_records_fetches_and_deletes_nothing(console: ConsoleProcess, visitor: Visitor) -> None:
    stranger = Visitor(console)
    assert visitor.http.post("/api/recording").status_code == 201
    wait_until(lambda: made(console.state / "recordings"))
    name = made(console.state / "recordings")[0].name
    asked = [("POST", "/api/recording"), ("DELETE", "/api/recording")]
    asked += [(method, f"/api/recordings/{name}") for method in ("GET", "DELETE")]
    for method, path in asked:
        assert stranger.http.request(method, path).status_code == 401, (method, path)
    cookies = dict(visitor.http.cookies)
    with httpx.Client(base_url=console.url, cookies=cookies, headers={"Origin": console.url}) as client:
        for method, path in asked:  # the cookie alone, as another site's page would have it sent
            assert client.request(method, path).status_code == 401, (method, path)
            assert client.request(method, path, params={"csrf": "forged"}).status_code == 401
        client.headers = {"X-CSRF-Token": visitor.csrf, "Origin": "http://elsewhere"}
        for method, path in (*asked[:2], asked[3]):
            assert client.request(method, path).status_code == 403, (method, path)
    assert made(console.state / "recordings")[0].name == name


@pytest.mark.alone
def test_it_is_begun_seen_ended_fetched_and_deleted(
    console: ConsoleProcess, visitor: Visitor, guard: GuardProcess
) -> None:
    with page(visitor) as driver:
        assert (driver.state["recording"], driver.state["recordings"]) == (None, [])
        assert visitor.http.post("/api/recording").status_code == 201
        assert "already" in visitor.http.post("/api/recording").json()["error"]
        wait_until(lambda: driver.state["recording"] is not None)
        driver.drive(guard)
        wait_until(lambda: driver.state["recording"]["seconds"] >= 2)
        wait_until(lambda: driver.state["recording"]["size"] > 10_000)
        assert driver.state["room"] > 50_000_000
        name = driver.state["recording"]["name"]
        for answer in (visitor.http.delete(f"/api/recordings/{name}"), fetch(visitor, name)):
            assert "is being recorded" in answer.json()["error"]
        driver.do("stop")
        wait_until(lambda: not driver.state["armed"])
        time.sleep(0.1)
        assert visitor.http.delete("/api/recording").status_code == 200
        wait_until(lambda: driver.state["recording"] is None)
        assert [file["name"] for file in driver.state["recordings"]] == [name]
        answer = fetch(visitor, name)
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        copy = console.state / "copy.mcap"
        copy.write_bytes(answer.content)
        assert read_about(copy) == {}  # a person drove
        messages = list(read_messages(copy))
        assert {m.value for m in messages if m.topic == "camera"} <= set(jpegs())
        assert [m for m in messages if m.topic == "decision" and m.value.get("sent")]
        assert "somebody stopped it" in [m.value["reason"] for m in messages if m.topic == "health"]
        assert visitor.http.delete(f"/api/recordings/{name}").status_code == 204
        wait_until(lambda: driver.state["recordings"] == [])
        for answer in (fetch(visitor, name), fetch(visitor, "..%2fpassword.json"), fetch(visitor, "x.json")):
            assert answer.status_code == 404


def fetch(visitor: Visitor, name: str) -> httpx.Response:
    return visitor.http.get(f"/api/recordings/{name}", params={"csrf": visitor.csrf})


@pytest.mark.alone
def test_each_file_is_of_one_driver_and_a_download_waits_for_the_car(
    console: ConsoleProcess, visitor: Visitor, guard: GuardProcess, write: WriteBundle
) -> None:
    folder = console.state / "recordings"
    assert visitor.http.put("/api/models/a.tar.gz", content=write().read_bytes()).status_code == 201
    with page(visitor) as driver:
        driver.take()
        driver.do("activate", name="a.tar.gz")
        wait_until(lambda: driver.state["active"] == "a.tar.gz")
        visitor.http.post("/api/recording")
        driver.do("mode", mode="policy")
        wait_until(lambda: driver.state["mode"] == "policy" and not driver.state["obstacle"])
        wait_until(lambda: len(made(folder)) == 2)
        driver.drive(guard)
        first = made(folder)[0].name
        began = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            visitor.http.get(f"/api/recordings/{first}", params={"csrf": visitor.csrf}, timeout=1.0)
        assert time.monotonic() - began > 0.9 and driver.state["armed"]
        driver.do("stop")
        wait_until(lambda: not driver.state["armed"])
        assert fetch(visitor, first).status_code == 200
        visitor.http.delete("/api/recording")
        wait_until(lambda: driver.state["recording"] is None)
    by_hand, by_policy = (read_about(path) for path in made(folder))
    assert by_hand == {} and '"algorithm": "ppo"' in by_policy["contract"]


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_console_costs_no_recording(
    console: ConsoleProcess, visitor: Visitor, number: signal.Signals
) -> None:
    visitor.http.post("/api/recording")
    time.sleep(2.5)
    console.process.send_signal(number)
    console.process.wait(10)
    (file,) = made(console.state / "recordings")
    frames = sum(m.topic == "camera" for m in read_messages(file))
    assert frames >= (40 if number is signal.SIGKILL else 60)  # of 75; a kill may cost half a second


def record(recordings: Recordings, watchers: Watchers, frames: int = 30) -> None:
    recordings.begin({})
    for i in range(frames):
        watchers.frame(Image(b"\xff\xd8" + bytes(30_000) + b"%d" % i, time.monotonic()))


def test_a_full_disk_is_said_before_and_while_it_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchers = Watchers()
    recordings = Recordings(tmp_path / "recordings", watchers)
    monkeypatch.setattr(Recordings, "room", lambda self: 1_000_000)
    with pytest.raises(CarError, match="disk is full: delete a recording"):
        recordings.begin({})
    monkeypatch.undo()

    class Full:
        failed, lost = "cannot write: No space left on device", 0

        def __init__(self, *given: object) -> None:
            pass

        def close(self) -> None:
            """It has ended already."""

    with monkeypatch.context() as patch:
        patch.setattr(recordings_module, "Recorder", Full)
        recordings.begin({})
        state = recordings.state()
    assert state["recording"] is None
    assert "No space left" in state["recording_failed"]
    assert watchers.failed == ""
    record(recordings, watchers)
    assert recordings.state()["recording_failed"] == ""
    recordings.end()


def test_a_recording_takes_no_more_than_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchers = Watchers()
    recordings = Recordings(tmp_path, watchers)
    monkeypatch.setattr(Recordings, "room", lambda self: 4_000_000)
    monkeypatch.setattr(recordings_module, "_LEAST", 1)
    recordings.begin({})
    for i in range(400):  # 12 MB
        watchers.frame(Image(b"\xff\xd8" + bytes(30_000) + b"%d" % i, time.monotonic()))
        wait_until(lambda: len(recordings._recorder._waiting) < 50)
    recordings.end()
    wait_until(lambda: all(m for m in map(list, map(read_messages, tmp_path.iterdir()))))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 4_000_000 + 2 * 600_000
    assert len(list(tmp_path.iterdir())) == 2
    assert len(recordings.files()) == 2


def test_no_recording_takes_anothers_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings_module.time, "strftime", lambda pattern: "drive-20200101-000000")
    watchers = Watchers()
    recordings = Recordings(tmp_path, watchers)
    for _ in range(3):
        record(recordings, watchers, frames=2)
        wait_until(lambda: recordings._file.exists())
        recordings.end()
    stem = "drive-20200101-000000"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{stem}-1.mcap",
        f"{stem}-2.mcap",
        f"{stem}.mcap",
    ]


def test_a_change_of_driver_on_a_full_disk_ends_the_recording_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = Recordings(tmp_path, Watchers())
    recordings.begin({})
    monkeypatch.setattr(Recordings, "room", lambda recordings: 0)
    recordings.change({"origin": "another policy"})  # it drives, whether or not that is recorded
    state = recordings.state()
    assert state["recording"] is None
    assert "disk is full" in state["recording_failed"]
