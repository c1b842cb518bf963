"""Checking a reward before a run: what is found, where, and what is left alone."""

from __future__ import annotations

import time

import pytest

from hairpin.rewards import check, library, resolve
from hairpin.rewards.timeout import TooSlowError, run_limited


@pytest.fixture
def checked(tmp_path, situations):
    def checked(body, before=""):
        path = tmp_path / "mine.py"
        lines = "\n".join(f"    {line}" for line in body.split("\n"))
        path.write_text(f"{before}\ndef reward_function(params):\n{lines}\n")
        return check(resolve(path), situations)

    return checked


def found(report, severity):
    return [problem.what for problem in report.problems if problem.severity == severity]


@pytest.mark.parametrize("name", library())
def test_the_library_passes(name, situations) -> None:
    report = check(resolve(name), situations)
    assert report.ok and found(report, "warning") == []
    assert report.timing is not None and report.timing.median_us < 1000
    assert list(report.rewards) == [name for name, _ in situations]


@pytest.mark.parametrize(
    ("returned", "what"),
    [("None", "is None"), ("float('nan')", "is NaN"), ("[1.0]", "not a number"), ("{}", "no terms")],
)
def test_a_bad_result_is_one_error_at_the_function_s_line(checked, returned, what) -> None:
    report = checked(f"return {returned}", before="\n\n\n")
    (error,) = [p for p in report.problems if p.severity == "error"]
    assert error.line == 5 and what in error.what


def test_an_infinite_reward_is_no_matter_of_scale(checked) -> None:
    (error,) = [p for p in checked("return 1e308 * 10").problems if p.severity == "error"]
    assert "is inf" in error.what and "division by zero" in error.fix


@pytest.mark.parametrize(
    ("test", "warned"),
    [
        ("params['steps'] == 1", True),
        ("params['steps'] <= 1", True),
        ("steps < 2", True),
        ("steps == 1.0", False),  # no whole number: left alone
        ("steps <= 2", False),
        ("steps < 3", False),
        ("steps > 1", False),
        ("params['speed'] == 1", False),
        ("speed == 1", False),
    ],
)
def test_a_first_step_that_no_call_sees_is_pointed_out(checked, test, warned) -> None:
    body = (
        f"steps = params['steps']\nspeed = params['speed']\nif {test}:\n    speed = 0.0\nreturn 1.0 + speed"
    )
    warnings = [p for p in checked(body).problems if "never true" in p.what]
    assert len(warnings) == warned
    assert not warned or (warnings[0].line == 5 and "<= 2" in warnings[0].fix)


def test_an_exception_is_one_error_with_line_fix_and_situations(checked) -> None:
    report = checked("return 1.0 / params['distance_from_center']")
    (error,) = [p for p in report.problems if p.severity == "error"]
    assert not report.ok
    assert error.line == 3 and "ZeroDivisionError" in error.what and "1e-6" in error.fix
    assert "[start, mid-lap, bend and 1 more]" in error.what
    assert report.rewards["start"] is None and report.rewards["fast"] == pytest.approx(20.0)
    assert error.text("mine.py").startswith("mine.py:3: error: ZeroDivisionError")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("return params['speed'] * params['is_offtarck']", "KeyError 'is_offtarck'"),
        ("reward = params['speed']", "its result is None"),
        ("return float('nan')", "NaN"),
        ("return params['speed'] * 1e6", "outside -1e5..1e5"),
        ("return [params['speed']]", "not a number but list"),
        ("while True:\n    x = params['speed']", "did not return within"),
    ],
)
def test_what_would_stop_a_run_is_an_error(checked, monkeypatch, body, what) -> None:
    monkeypatch.setattr("hairpin.rewards.trial.CALL_LIMIT", 0.3)
    report = checked(body)
    assert any(what in text for text in found(report, "error")), report.problems


def test_an_endless_loop_names_its_line(checked, monkeypatch) -> None:
    monkeypatch.setattr("hairpin.rewards.trial.CALL_LIMIT", 0.3)
    report = checked("n = 0\nwhile n >= 0:\n    n += 1\nreturn 1.0")
    assert [p.line in (4, 5) for p in report.problems if "did not return" in p.what] == [True]
    assert report.timing is None


@pytest.mark.parametrize(
    ("body", "what", "line"),
    [
        ("return 0.5", "pays 0.5 in every situation", None),
        ("return 1.0 if params['is_offtrack'] else 0.1 + params['speed'] / 10", "more off the track", None),
        ("return -1.0 - params['distance_from_center']", "below zero", None),
        ("return 5000.0 * params['speed']", "up to 1.5e+04 a step", None),
        ("return 1e-4 * params['speed']", "at most 0.0003 a step", None),
        ("return 100.0 if params['progress'] >= 100 else 0.0", "(nearly) nothing", None),
        ("import random\nreturn random.random()", "differently each time", None),
        ("print(params['speed'])\nreturn params['speed']", "prints at each step", 3),
        ("import math\nreturn 2 + math.cos(params['heading'])", "'heading' is in degrees", 4),
        ("import math\nh = params['heading']\nreturn 2 + math.sin(h)", "'heading' is in degrees", 5),
        ("x = params.get('offtrack', False)\nreturn params['speed']", "always gives its default", 3),
        ("if params['speed'] > 0:\n    return params['speed']", "may end without `return`", 2),
        ("open(__file__).close()\nreturn params['speed']", "reads a file at each step", 3),
        ("x = params['speed']\nreturn x if x is not 7 else 0.0", "Python warns", 4),
        ("import time\ntime.sleep(4e-4)\nreturn params['speed']", "us a call", None),
    ],
)
def test_what_would_go_badly_is_a_warning(checked, body, what, line) -> None:
    report = checked(body)
    assert report.ok
    assert [p.line for p in report.problems if p.severity == "warning" and what in p.what] == [line], report


@pytest.mark.parametrize(
    "body",
    [
        "import math\nreturn 2 + math.cos(math.radians(params['heading']))",
        "h = params['heading']\nh = h / 57.3\nimport math\nreturn 2 + math.sin(h)",
        "if params['speed'] > 0:\n    return params['speed']\nelse:\n    return 0.1",
        "try:\n    return params['speed']\nexcept KeyError:\n    return 0.1",
        "for i in range(2):\n    if params['speed'] > i:\n        return params['speed']\nreturn 0.1",
        "params['mine'] = 1.0\nreturn params['mine'] * params['speed']",
        "if 'extra' in params:\n    return params['extra']\nreturn params['speed']",
        "def helper(x):\n    print\n    return\nreturn params['speed']",
    ],
)
def test_good_code_gets_no_warning(checked, body) -> None:
    report = checked(body)
    assert found(report, "error") == found(report, "warning") == []


@pytest.mark.parametrize(
    ("body", "before", "what"),
    [
        ("return 1 + int(params['speed'])", "", "returns an int"),
        ("return params['speed']", "import os", "module 'os' is not on its list"),
        ("import math\nreturn params['speed']", "", "import inside a function"),
        ("payload = 1.0\nreturn payload * params['speed']", "", "contains 'load'"),
        ("return params['speed'] + params['sim_time'] * 0", "", "no params['sim_time']"),
        ("return eval('1.0') * params['speed']", "", "call of eval()"),
        ("params['waypoints'].clear()\nreturn params['speed']", "", "changes params (waypoints)"),
    ],
)
def test_what_the_original_console_refuses_is_a_note(checked, body, before, what) -> None:
    report = checked(body, before)
    assert report.ok and any(what in text for text in found(report, "note")), report.problems


def test_a_clean_function_has_no_problems_at_all(checked) -> None:
    assert checked("return float(params['speed'] * (0.1 if params['is_offtrack'] else 1.0))").problems == ()


def test_state_starts_anew_in_each_situation(checked, situations) -> None:
    report = checked(
        "global last\nif params['steps'] <= 2:\n    last = params['progress']\n"
        "gain, last = params['progress'] - last, params['progress']\nreturn gain + 0.1"
    )
    assert report.ok and report.stateful  # `last` exists only after the first step, and that one is shown
    moved = 100 * 3.0 / 15 / situations[0][1]["track_length"]
    assert report.rewards["start"] == 0.1 and report.rewards["fast"] == pytest.approx(moved + 0.1)


def test_the_callers_own_state_is_left_alone(tmp_path, situations) -> None:
    path = tmp_path / "counts.py"
    path.write_text("n = 0\ndef reward_function(params):\n    global n\n    n += 1\n    return float(n)\n")
    reward = resolve(path)
    check(reward, situations)
    assert reward.function({}) == 1.0


def test_named_terms_are_reported(situations) -> None:
    report = check(resolve("named_terms"), situations)
    assert report.terms["start"].keys() == {"centre", "speed", "steady"}
    assert sum(report.terms["start"].values()) == pytest.approx(report.rewards["start"])


def test_a_plain_callable_is_checked_too(situations) -> None:
    assert check(resolve(lambda params: params["speed"]), situations).ok


def test_run_limited_returns_raises_and_stops() -> None:
    assert run_limited(lambda: 3, 5.0) == 3
    with pytest.raises(ZeroDivisionError):
        run_limited(lambda: 1 / 0, 5.0)
    alive = []

    def loop():
        while True:
            alive.append(1)
            time.sleep(1e-3)

    with pytest.raises(TooSlowError) as caught:
        run_limited(loop, 0.1)
    assert caught.value.lines[-1][0] == __file__
    count = len(alive)
    time.sleep(0.05)
    assert len(alive) == count  # the thread has ended
