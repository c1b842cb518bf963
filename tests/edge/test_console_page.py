"""The page in a real Chromium: first use, driving with finger and keys, STOP, models, and what it shows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from car_rig import NEUTRAL, GuardProcess, outputs, wait_until
from console_rig import PASSWORD, ConsoleProcess, Visitor, page
from tiny_policies import WriteBundle

from hairpin.edge.calibration import Calibration

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium"),
]

PHONE, DESKTOP = (390, 844), (1280, 800)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(tmp_path / "chromium")
    yield opened
    opened.end()


def view(name: str) -> str:
    return f"document.body.dataset.view === {json.dumps(name)}"


def kind(name: str) -> str:
    return f"document.querySelector('#status').dataset.kind === {json.dumps(name)}"


def enter(browser: Browser, console: ConsoleProcess, touch: bool = True) -> None:
    """First use, until the car is ready."""
    browser.show(*(PHONE if touch else DESKTOP), touch=touch)
    browser.go(console.url)
    browser.wait(view("first use"))
    browser.type("#password", PASSWORD)
    browser.type("#again", PASSWORD)
    browser.click("#gate button")
    browser.wait(view("open"))
    browser.wait(f"{kind('ready')} && !document.querySelector('#start').disabled")


def start(browser: Browser) -> None:
    browser.click("#start")
    browser.wait(kind("armed"))


def test_first_use_driving_with_a_finger_and_stop(
    browser: Browser, console: ConsoleProcess, guard: GuardProcess
) -> None:
    enter(browser, console)
    start(browser)
    for size in ((320, 568), (844, 390), (1280, 800), PHONE):  # what it takes to drive, without scrolling
        browser.show(*size, touch=True)
        top = browser.run("document.querySelector('footer').getBoundingClientRect().top")
        for part in ("#film", "#stick"):
            box = browser.run(f"document.querySelector('{part}').getBoundingClientRect().toJSON()")
            assert box["top"] >= 0
            assert box["bottom"] <= top, (size, part)
    browser.touch("#stick", -0.36, -0.36)
    wait_until(guard.moving)
    servo = Calibration().servo
    wait_until(lambda: outputs(guard.root).steering > servo.pulse(0.6))  # left
    browser.lift()
    wait_until(lambda: outputs(guard.root)[:2] == NEUTRAL)
    assert outputs(guard.root).on
    browser.click("#stop")
    wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))
    browser.wait(kind("ready"))
    assert browser.problems == []


def test_keys_drive_and_the_space_bar_stops(
    browser: Browser, console: ConsoleProcess, guard: GuardProcess
) -> None:
    enter(browser, console, touch=False)
    start(browser)
    browser.key("KeyW", "w", down=True)
    browser.key("ArrowRight", "ArrowRight", down=True)
    wait_until(guard.moving)
    wait_until(lambda: outputs(guard.root).steering == Calibration().servo.pulse(-1.0))
    browser.key("ArrowRight", "ArrowRight", down=False)
    wait_until(lambda: outputs(guard.root).steering == NEUTRAL[0])
    browser.key("Space", " ", down=True)
    wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))
    browser.wait(kind("ready"))
    assert browser.problems == []


PAD = """(() => {
  const button = () => ({ value: 0, pressed: false });
  const axes = [0, 0, 0, 0];
  window.pad = { connected: true, mapping: "standard", axes, buttons: Array.from({ length: 17 }, button) };
  navigator.getGamepads = () => [null, window.pad, null, null];
})()"""


def test_a_gamepad_steers_drives_both_ways_and_its_b_stops(
    browser: Browser, console: ConsoleProcess, guard: GuardProcess
) -> None:
    enter(browser, console, touch=False)
    browser.run(PAD)
    start(browser)
    servo, motor = Calibration().servo, Calibration().motor

    browser.run("pad.axes[0] = 0.1")  # no thumb is that quiet
    browser.run("pad.buttons[7].value = 1")
    wait_until(guard.moving)
    forward = outputs(guard.root)
    assert forward.steering == NEUTRAL[0]
    assert forward.throttle < NEUTRAL[1]  # a DeepRacer's shorter pulses are forward
    browser.run("pad.axes[0] = -1")
    wait_until(lambda: outputs(guard.root).steering == servo.pulse(1.0))  # left
    browser.run("pad.axes[0] = 1")
    wait_until(lambda: outputs(guard.root).steering == servo.pulse(-1.0))
    browser.run("pad.buttons[7].value = 0; pad.buttons[6].value = 0.5")
    wait_until(lambda: outputs(guard.root).throttle > motor.mid)
    browser.run("pad.buttons[6].value = 0; pad.axes[0] = 0")
    wait_until(lambda: outputs(guard.root)[:2] == NEUTRAL)
    assert outputs(guard.root).on
    browser.run("pad.buttons[7].value = 1")
    wait_until(guard.moving)
    browser.run("pad.buttons[1].pressed = true")
    wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))
    browser.wait(kind("ready"))
    assert browser.problems == []


@pytest.mark.parametrize(
    "lost",
    [
        "pad.connected = false",
        "navigator.getGamepads = () => [null, null, null, null]",
        "pad.mapping = ''",  # buttons whose meaning nobody knows
    ],
)
def test_a_gamepad_that_is_gone_pushes_nothing(
    browser: Browser, console: ConsoleProcess, guard: GuardProcess, lost: str
) -> None:
    enter(browser, console, touch=False)
    browser.run(PAD)
    browser.click("#start")
    browser.run("pad.buttons[7].value = 1")
    wait_until(guard.moving)
    browser.run(lost)
    wait_until(lambda: outputs(guard.root)[:2] == NEUTRAL)


def test_a_drive_is_recorded_fetched_and_deleted(
    browser: Browser, console: ConsoleProcess, guard: GuardProcess
) -> None:
    enter(browser, console)
    assert browser.text("#record-words") == "Record"
    browser.click("#record")
    browser.wait("document.querySelector('#record').ariaPressed === 'true'")
    start(browser)
    browser.wait("document.querySelector('#record-words').textContent.match(/^0:0[1-9]/)")
    browser.click("#stop")
    browser.wait(kind("ready"))
    browser.click("#tab-log")
    browser.wait(r"document.querySelector('#record-line').textContent.match(/: 0:\d\d, \d.* B?.*GB left/)")
    assert browser.text("#recording-list") == ""
    browser.click("#record")
    browser.wait("document.querySelector('#recording-list h3') !== null")
    name = browser.text("#recording-list h3")
    head = browser.run(
        "fetch(document.querySelector('#recording-list a').href).then(answer => answer.arrayBuffer())"
        ".then(content => String.fromCharCode(...new Uint8Array(content).slice(1, 5)))"
    )
    assert head == "MCAP"
    assert browser.run("document.querySelector('#recording-list a').download") == name
    browser.click("#recording-list .danger")
    assert browser.text("#recording-list h3") == name
    browser.click("#recording-list .danger")
    browser.wait("document.querySelector('#recording-list h3') === null")
    assert list((console.state / "recordings").iterdir()) == []
    assert browser.problems == []


def test_a_hidden_page_stops_the_car(browser: Browser, console: ConsoleProcess, guard: GuardProcess) -> None:
    enter(browser, console)
    start(browser)
    browser.go("about:blank")
    wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))


def test_a_fault_is_named_and_a_lost_console_is_seen(
    browser: Browser, console: ConsoleProcess, guard: GuardProcess
) -> None:
    enter(browser, console)
    start(browser)
    guard.process.kill()
    guard.process.wait()
    browser.wait(kind("fault"))
    browser.wait("document.querySelector('#reason').textContent.includes('the guard does not answer')")
    console.process.kill()
    browser.wait("document.querySelector('#headline').textContent === 'No connection'")
    browser.click("#stop")
    browser.wait("document.querySelector('#toast').textContent.includes('Use its switch')")


def test_a_model_is_activated_and_drives_and_the_picture_is_live(
    browser: Browser, console: ConsoleProcess, guard: GuardProcess, write: WriteBundle
) -> None:
    enter(browser, console)
    visitor = Visitor(console)
    visitor.log_in()
    assert visitor.http.put("/api/models/oval.tar.gz", content=write().read_bytes()).status_code == 201
    browser.click("#tab-models")
    browser.wait("document.querySelector('#model-list h3')?.textContent === 'oval.tar.gz'")
    browser.click("#model-list .primary")
    browser.wait("document.querySelector('#model-list .badge') !== null")
    browser.click("#tab-drive")
    browser.click("#mode label:last-child")
    browser.wait("document.querySelector('#pilot').textContent === 'Model: oval.tar.gz'")
    browser.wait("!document.querySelector('#start').disabled")
    browser.click("#start")
    wait_until(guard.moving)
    browser.wait("document.querySelector('#headline').textContent === 'Policy drives'")
    pixels = "[...document.querySelector('#film').getContext('2d').getImageData(0, 0, 64, 64).data].join()"
    first = browser.run(pixels)
    wait_until(lambda: browser.run(pixels) != first)
    assert browser.text("#blind") == ""
    browser.click("#stop")
    wait_until(lambda: outputs(guard.root) == (*NEUTRAL, False))


def test_a_calibration_is_felt_and_saved(
    browser: Browser, console: ConsoleProcess, guard: GuardProcess, tmp_path: Path
) -> None:
    enter(browser, console, touch=False)
    browser.click("#tab-calibrate")
    assert browser.run("document.querySelector('#calibrate > .primary').disabled")
    browser.click("#calibrate .check input")
    browser.click("#calibrate > .primary")
    wait_until(lambda: outputs(guard.root).on)
    browser.wait("!document.querySelector('.axis button').disabled")
    browser.click(
        ".axis .point:nth-of-type(3) button:last-child"
    )  # longest pulse of the servo, a step longer
    wait_until(lambda: outputs(guard.root).steering == 1_705_000)
    browser.click("#calibrate > .row .primary")
    wait_until((tmp_path / "calibration.json").exists)
    browser.wait("document.querySelector('#calibrate > .row .primary').textContent === 'Saved'")
    assert browser.problems == []


def test_the_wheel_is_asked_for_and_handed_over(browser: Browser, console: ConsoleProcess) -> None:
    enter(browser, console)
    visitor = Visitor(console)
    visitor.log_in()
    with page(visitor) as other:
        other.do("take")
        browser.wait("document.querySelector('#wheel-text').textContent.includes('asks for the wheel')")
        browser.click("#wheel-yes")
        wait_until(lambda: other.state["wheel"]["mine"])
        browser.wait("document.querySelector('#wheel-yes').textContent === 'Ask for it'")
        assert browser.run("document.querySelector('#start').disabled")
        browser.click("#wheel-yes")
        wait_until(
            lambda: other.state["wheel"]["asker"] == "phone at 127.0.0.1" or other.state["wheel"]["asker"]
        )


@pytest.mark.parametrize("size", [PHONE, DESKTOP, (844, 390), (320, 568)])
def test_everything_can_be_touched_named_and_read(
    browser: Browser, console: ConsoleProcess, size: tuple[int, int]
) -> None:
    enter(browser, console)
    browser.show(*size, touch=True)
    time.sleep(0.3)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    for tab in ("drive", "models", "calibrate", "log"):
        browser.click(f"#tab-{tab}")
        small = browser.run(
            "[...document.querySelectorAll('button, input:not([type=radio], [type=file], .check *)')]"
            ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 32)"
            ".map(e => e.id || e.outerHTML)"
        )
        assert small == []
        nameless = browser.run(
            "[...document.querySelectorAll('button, input, canvas')].filter(e => e.offsetParent &&"
            " !(e.textContent.trim() || e.labels?.length || e.getAttribute('aria-label')))"
            ".map(e => e.outerHTML)"
        )
        assert nameless == []
        stop = browser.run("document.querySelector('#stop').getBoundingClientRect().toJSON()")
        assert stop["height"] >= 48
        assert stop["bottom"] <= size[1]
