"""Calling a reward function: what is taken, what is refused, and how failures are explained."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairpin.rewards import LARGEST, RewardError, evaluate, resolve


def returning(value):
    return resolve(lambda params: value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, 1.5),
        (2, 2.0),
        (True, 1.0),
        ("1e-3", 1e-3),
        (np.float64(0.25), 0.25),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(4.0), 4.0),
        (np.array([5.0]), 5.0),
        (-LARGEST, -LARGEST),
    ],
)
def test_numbers_of_every_kind_are_taken(make_params, value, expected) -> None:
    reward, terms = evaluate(returning(value), make_params())
    assert (reward, dict(terms)) == (expected, {})
    assert type(reward) is float


def test_named_terms_are_summed(make_params) -> None:
    reward, terms = evaluate(
        returning({"centre": 0.5, "speed": np.float32(0.25), "penalty": -1}), make_params()
    )
    assert reward == -0.25
    assert terms == {"centre": 0.5, "speed": 0.25, "penalty": -1.0}


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers())
def test_only_finite_numbers_in_range_pass(value) -> None:
    reward = returning(value)
    if -LARGEST <= value <= LARGEST:
        assert evaluate(reward, {})[0] == value
    else:
        with pytest.raises(RewardError, match=r"NaN|outside"):
            evaluate(reward, {})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "`return float(reward)`"),
        ([1.0], "not a number but list"),
        ((1.0,), "drop the comma"),
        ((1.0, 2.0), "return one number"),
        ("fast", "not a number but str 'fast'"),
        (1j, "not a number but complex"),
        (abs, "call the function"),
        (np.zeros(3), "not a number but ndarray"),
        ({}, "no terms"),
        ({"speed": None}, "term 'speed' is None"),
        ({"speed": math.nan}, "term 'speed' is NaN"),
        ({"a": 9e4, "b": 9e4}, "the sum of its terms is 180000"),
        (math.inf, "outside -1e5..1e5"),
    ],
)
def test_what_is_no_reward_is_refused_with_the_step(make_params, value, words) -> None:
    with pytest.raises(RewardError) as caught:
        evaluate(returning(value), make_params(steps=17.0))
    message = str(caught.value)
    assert words in message and "at step 17" in message and "progress=" in message and "\n" not in message


FAILURES = {
    "mistyped key": ("x = params['speeed']", "KeyError 'speeed' at step 9", "did you mean 'speed'"),
    "own dict": ("x = {'a': 1}['b']", "KeyError 'b'", "params has"),
    "division": (
        "x = params['speed'] / params['steering_angle']",
        "with speed=1.5, steering_angle=0",
        "max(b, 1e-6)",
    ),
    "local values": ("a, b = 3.0, 0\n    x = a / b", "`x = a / b` with a=3, b=0", "divisor"),
    "waypoint index": ("x = params['waypoints'][999]", "IndexError", "% len(waypoints)"),
    "no objects": ("x = params['objects_location'][0]", "IndexError", "no objects"),
    "forgotten import": ("x = math.sqrt(2)", "NameError", "add `import math`"),
    "mistyped name": ("speed = 1\n    x = sped + 1", "NameError", "did you mean 'speed'"),
    "unread key": ("x = progress + 1", "NameError", "params['progress']"),
    "python 2 name": ("x = xrange(3)", "NameError", "use 'range'"),
    "unbound": ("count += 1", "UnboundLocalError", "make `global count`"),
    "numpy alias": ("import numpy as np\n    x = np.float(1)", "AttributeError", "use float"),
    "attribute": ("x = params.speed", "AttributeError", "params['speed']"),
    "domain": ("from math import acos\n    x = acos(2.0)", "math domain", "clamp"),
    "none": ("last = None\n    x = params['speed'] - last", "last=None", "None"),
    "late import": ("import no_such_module_2", "ModuleNotFoundError", "pip install no_such_module_2"),
    "exit": ("raise SystemExit", "ended the program", "exit()"),
    "recursion": ("return reward_function(params)", "RecursionError", "calls itself"),
    "condition": ("if params['speed'] > params['spede']:\n        pass", "KeyError 'spede'", "'speed'"),
    "assertion": ("assert params['speed'] > 5", "AssertionError at step 9", ""),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_names_line_values_and_fix(tmp_path, make_params, case) -> None:
    code, what, fix = FAILURES[case]
    path = tmp_path / "fails.py"
    path.write_text(f"count = 0\n\n\ndef reward_function(params):\n    {code}\n    return 1.0\n")
    reward = resolve(path)
    with pytest.raises(RewardError) as caught:
        evaluate(reward, make_params(steps=9.0, steering_angle=0.0))
    error = caught.value
    assert what in error.what and fix in error.fix
    failing = 5 + (code.count("\n") if "\n" in code and "if " not in code else 0)
    assert error.line == failing and str(error).startswith(f"{path}:{failing}: ") and "\n" not in str(error)


def test_the_line_is_the_users_own_even_below_a_library(tmp_path, make_params) -> None:
    path = tmp_path / "deep.py"
    path.write_text("import json\ndef reward_function(params):\n    return json.loads('{')\n")
    with pytest.raises(RewardError) as caught:
        evaluate(resolve(path), make_params())
    assert caught.value.line == 3 and "json.loads" in caught.value.what


def test_the_text_is_of_the_source_that_runs(tmp_path, make_params) -> None:
    path = tmp_path / "edited.py"
    path.write_text("def reward_function(params):\n    return 1 / 0\n")
    reward = resolve(path)
    path.write_text("# something else\n# altogether\n")
    with pytest.raises(RewardError, match="return 1 / 0"):
        evaluate(reward, make_params())


def test_an_interrupt_is_no_error_of_the_reward() -> None:
    def interrupted(params):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(resolve(interrupted), {})
