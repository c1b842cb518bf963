"""Driving through the console: each way to lose the person ends in neutral, and STOP works for anybody."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from car_rig import NEUTRAL, GuardProcess, outputs, wait_until
from console_rig import ConsoleProcess, Page, Visitor, page
from tiny_policies import WriteBundle

from hairpin.edge.calibration import Calibration, read_calibration
from hairpin.edge.console.app import make_app
from hairpin.edge.console.journal import LOG
from hairpin.edge.console.serve import make_console
from hairpin.edge.drivers.camera import camera_named
from hairpin.edge.live import Status
from hairpin.edge.reasons import Reason

pytestmark = pytest.mark.alone

LIMIT = 0.3  # from any fault to neutral and off [s]


def silent(console: ConsoleProcess, visitor: Visitor, driver: Page) -> None:
    driver.alive = False


def closed(console: ConsoleProcess, visitor: Visitor, driver: Page) -> None:
    driver.close()


def late(console: ConsoleProcess, visitor: Visitor, driver: Page) -> None:
    """Every sign of life comes, but half a second after its tick, as from a network that queues."""
    driver.delay = 0.5


def logged_out(console: ConsoleProcess, visitor: Visitor, driver: Page) -> None:
    assert visitor.http.post("/api/logout").status_code == 204


def stopped_by_a_stranger(console: ConsoleProcess, visitor: Visitor, driver: Page) -> None:
    answer = httpx.post(f"{console.url}/stop", headers={"Origin": "http://elsewhere", "Host": "elsewhere"})
    assert answer.json() == {"stopped": True}


def stopped_by_a_watcher(console: ConsoleProcess, visitor: Visitor, driver: Page) -> None:
    with page(visitor) as watcher:
        watcher.do("stop")
        wait_until(lambda: not watcher.state["armed"])


def sent(number: signal.Signals) -> Callable[[ConsoleProcess, Visitor, Page], None]:
    return lambda console, visitor, driver: console.process.send_signal(number)


FAULTS = {
    "console killed": sent(signal.SIGKILL),
    "console stopped": sent(signal.SIGSTOP),
    "console asked to end": sent(signal.SIGTERM),
    "page silent": silent,
    "page closed": closed,
    "network late": late,
    "logged out": logged_out,
    "STOP of a stranger": stopped_by_a_stranger,
    "STOP of a watcher": stopped_by_a_watcher,
    "STOP of the driver": lambda console, visitor, driver: driver.do("stop"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_losing_the_person_ends_in_neutral(
    guard: GuardProcess, console: ConsoleProcess, visitor: Visitor, name: str
) -> None:
    with page(visitor) as driver:
        driver.drive(guard)
        fault = time.monotonic()
        FAULTS[name](console, visitor, driver)
        taken = guard.time_to_neutral(fault)
        print(f"time to neutral, {name}: {1e3 * taken:.0f} ms")
        assert taken <= LIMIT


def test_stop_works_though_the_drive_loop_cannot_say_how_it_is(
    guard: GuardProcess, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = make_console(
        camera_named(str(film)),
        state=tmp_path / "state",
        socket=guard.socket,
        calibration=tmp_path / "calibration.json",
        root=guard.root,
    )

    def fails() -> Status:
        raise RuntimeError("it is broken")

    monkeypatch.setattr(console.cockpit.live, "status", fails)
    LOG.removeHandler(console.journal)
    app, link = make_app(console), guard.link()

    async def press() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
            assert link.arm().armed
            return await client.post("http://localhost/stop")

    answer = asyncio.run(press())
    assert link.status().reason is Reason.STOPPED
    assert answer.json() == {"stopped": True}


def test_after_a_stop_somebody_must_start_again(guard: GuardProcess, visitor: Visitor) -> None:
    with page(visitor) as driver:
        driver.drive(guard)
        wait_until(lambda: driver.state["armed"])
        driver.do("stop")
        wait_until(lambda: not driver.state["armed"])
        time.sleep(0.5)  # the stick is still pushed, and signs of life go on
        assert outputs(guard.root) == (*NEUTRAL, False)
        assert driver.state["reason"] == "somebody stopped it"
        driver.do("start")
        wait_until(guard.moving)
        assert "stopped: somebody stopped it" in " ".join(driver.lines)


def test_by_hand_both_ways_and_within_the_limits(guard: GuardProcess, visitor: Visitor) -> None:
    with page(visitor) as driver:
        driver.drive(guard)
        driver.steering = -1.0
        wait_until(lambda: outputs(guard.root).steering == Calibration().servo.pulse(-1.0))
        slow = outputs(guard.root).throttle
        driver.do("limit", name="scale", value=0.6)
        wait_until(lambda: outputs(guard.root).throttle < slow)  # a DeepRacer's shorter pulses are forward
        driver.push = -1.0
        wait_until(lambda: outputs(guard.root).throttle > NEUTRAL[1])
        driver.do("limit", name="speed_limit", value=0.0)
        wait_until(lambda: outputs(guard.root).throttle == NEUTRAL[1])
        driver.do("limit", name="scale", value=7)
        wait_until(lambda: bool(driver.errors))
        assert driver.errors == ["scale is 7: give a number from 0 to 1"]


def test_only_who_holds_the_wheel_drives(guard: GuardProcess, visitor: Visitor) -> None:
    with page(visitor) as driver, page(visitor) as other:
        driver.take()
        other.push = 1.0
        for wish in ({"do": "start"}, {"do": "mode", "mode": "hand"}, {"do": "save"}):
            other.send(**wish)
        other.send(tick=round(1e3 * time.monotonic()), steering=0.5, push=1.0)
        wait_until(lambda: len(other.errors) == 3)
        assert set(other.errors) == {"take the wheel first"}
        wait_until(lambda: other.state["wheel"]["holder"] == "computer at 127.0.0.1")
        driver.push = 1.0
        driver.do("start")
        wait_until(guard.moving)
        other.do("take")
        wait_until(lambda: driver.state["wheel"]["asker"] != "")
        assert guard.moving()
        driver.do("answer", give=True)
        wait_until(lambda: other.state["wheel"]["mine"])
        wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))  # who gets it finds the car stopped
        other.alive = False
        wait_until(lambda: not other.state["wheel"]["mine"])  # expired
        driver.take()


def test_a_policy_is_uploaded_activated_and_drives(
    guard: GuardProcess, console: ConsoleProcess, visitor: Visitor, write: WriteBundle
) -> None:
    content = write().read_bytes()
    for name in ("one.tar.gz", "two.tar.gz"):
        assert visitor.http.put(f"/api/models/{name}", content=content).status_code == 201
    with page(visitor) as driver:
        driver.take()
        driver.do("mode", mode="policy")
        wait_until(lambda: bool(driver.errors))
        assert driver.errors.pop() == "no model is active: activate one first"
        driver.do("activate", name="one.tar.gz")
        wait_until(lambda: driver.state["active"] == "one.tar.gz")
        driver.do("mode", mode="policy")
        wait_until(lambda: driver.state["mode"] == "policy" and not driver.state["obstacle"])
        driver.do("start")
        wait_until(guard.moving)
        driver.do("activate", name="two.tar.gz")
        wait_until(lambda: bool(driver.errors))
        assert driver.errors.pop() == "the car is driving: stop it first"
        assert visitor.http.put("/api/models/x.tar.gz", content=content).status_code == 409
        refused = visitor.http.delete("/api/models/one.tar.gz")
        assert "is active" in refused.json()["error"]
        driver.alive = False
        wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))
    assert (console.state / "models" / ".active").read_text() == "one.tar.gz"


def test_a_calibration_is_felt_at_once_and_kept_when_saved(
    guard: GuardProcess, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "calibration.json"
    with page(visitor) as driver:
        driver.take().do("mode", mode="calibration")
        driver.do("start")
        wait_until(lambda: bool(driver.errors))
        assert "off the ground" in driver.errors.pop()
        assert not outputs(guard.root).on
        driver.do("start", wheels_off_ground=True)
        wait_until(lambda: driver.state["armed"] and outputs(guard.root).on)
        trial = driver.state["calibration"]["trial"]
        trial["servo"]["max"] = 1_790_000
        driver.do("show", calibration=trial, point="servo.max")
        wait_until(lambda: outputs(guard.root).steering == 1_790_000)
        trial["motor"]["mid"] = 1_450_000
        driver.do("show", calibration=trial, point="motor.min")
        wait_until(lambda: outputs(guard.root).throttle == 1_450_000 - round(0.2 * 139_000))
        trial["servo"]["max"] = 5_000_000
        driver.do("show", calibration=trial, point="servo.max")
        wait_until(lambda: bool(driver.errors))
        assert "servo" in driver.errors[0] or "calibration max" in driver.errors[0]
        assert not file.exists()
        driver.do("save")
        wait_until(file.exists)
        wait_until(lambda: outputs(guard.root) == (NEUTRAL[0], 1_450_000, False))
        assert read_calibration(file).servo.max == 1_790_000
        driver.do("start", wheels_off_ground=True)
        wait_until(lambda: outputs(guard.root).on)
        driver.alive = False
        wait_until(lambda: not outputs(guard.root).on)


def test_no_calibration_is_saved_while_the_car_drives(
    guard: GuardProcess, visitor: Visitor, tmp_path: Path
) -> None:
    with page(visitor) as driver:
        driver.drive(guard)
        driver.do("save")  # the guard would not take it, though the file would hold it
        wait_until(lambda: bool(driver.errors))
        assert driver.errors == ["the car is driving: stop it first"]
        assert guard.moving() and not (tmp_path / "calibration.json").exists()


def test_the_console_lives_without_a_guard_and_finds_it_again(guard: GuardProcess, visitor: Visitor) -> None:
    with page(visitor) as driver:
        driver.take()
        guard.process.kill()
        guard.process.wait()
        wait_until(lambda: driver.state["guard"] is False)
        answer = visitor.http.post("/stop")
        assert (answer.status_code, answer.json()) == (503, {"stopped": False})
        driver.do("start")
        wait_until(lambda: bool(driver.errors))
        assert "guard" in driver.errors[0]
        guard.process = subprocess.Popen(guard.process.args)
        wait_until(lambda: driver.state["guard"] is True)
        driver.drive(guard)


def test_the_pages_nonsense_is_one_line(visitor: Visitor) -> None:
    nonsense = ["x", "[]", "{}", '{"do": "fly"}', '{"tick": "now"}', '{"tick": 1, "steering": 9, "push": 0}']
    nonsense += [
        '{"do": "limit", "name": "lives", "value": 9}',
        '{"do": "activate", "name": "../../etc/passwd"}',
    ]
    with page(visitor) as driver:
        driver.take()
        for text in nonsense:
            driver._socket.send(text)
        driver._socket.send(json.dumps({"do": "show", "calibration": 3, "point": "servo.min"}))
        wait_until(lambda: len(driver.errors) == len(nonsense) + 1)
        assert all("\n" not in line and len(line) < 200 for line in driver.errors), driver.errors
