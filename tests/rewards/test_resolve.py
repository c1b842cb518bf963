"""Finding a reward function, and saying clearly why one cannot be found."""

from __future__ import annotations

import functools
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairpin.rewards import RewardError, evaluate, library, resolve

GOOD = "def reward_function(params):\n    return float(params['speed'])\n"
COUNTER = (
    "calls = 0\n\ndef reward_function(params):\n    global calls\n    calls += 1\n    return float(calls)\n"
)


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def top_level_reward(params):
    return params["speed"]


class WithCall:
    def __init__(self):
        self.seen = 0

    def __call__(self, params):
        self.seen += 1
        return float(self.seen)


def test_forms_of_reference(write, make_params, monkeypatch) -> None:
    path = write(GOOD + "\ndef other(params):\n    return -1.0\n")
    monkeypatch.chdir(path.parent)
    for ref in (path, str(path), "mine.py", "./mine.py", f"{path}:reward_function", "mine:reward_function"):
        assert evaluate(resolve(ref), make_params(speed=2.5))[0] == 2.5, ref
    for ref in (f"{path}:other", "mine.py:other", "mine:other"):
        assert evaluate(resolve(ref), make_params())[0] == -1.0, ref
    assert resolve("mine.py:other").name == "mine:other"
    assert resolve(top_level_reward).function is top_level_reward
    assert evaluate(resolve("center_line"), make_params())[0] == 1.0


def test_a_module_in_a_package_may_import_its_neighbours(write, make_params, monkeypatch, tmp_path) -> None:
    (tmp_path / "team_pkg").mkdir()
    write("", "team_pkg/__init__.py")
    write("FACTOR = 4.0\n", "team_pkg/settings.py")
    write("from .settings import FACTOR\ndef fast(params):\n    return FACTOR\n", "team_pkg/rewards.py")
    monkeypatch.chdir(tmp_path)
    assert evaluate(resolve("team_pkg.rewards:fast"), make_params())[0] == 4.0


def test_a_helper_module_beside_the_file_is_found_and_not_left_behind(write, make_params, tmp_path) -> None:
    write("SCALE = 3.0\n", "my_helper_xyz.py")
    path = write("import my_helper_xyz\ndef reward_function(params):\n    return my_helper_xyz.SCALE\n")
    assert evaluate(resolve(path), make_params())[0] == 3.0
    assert "my_helper_xyz" not in sys.modules
    assert str(tmp_path) not in sys.path


def test_each_resolve_of_a_file_has_globals_of_its_own(write, make_params) -> None:
    path = write(COUNTER)
    first, second = resolve(path), resolve(path)
    assert [evaluate(first, make_params())[0] for _ in range(3)] == [1.0, 2.0, 3.0]
    assert evaluate(second, make_params())[0] == 1.0
    assert first.digest == second.digest


def test_dataclasses_and_enums_in_a_reward_file_work(write, make_params) -> None:
    path = write(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport enum\n"
        "class Side(enum.Enum):\n    LEFT = 1\n"
        "@dataclass\nclass Seen:\n    steps: int = 0\n    side: Side = Side.LEFT\n"
        "def reward_function(params):\n    return float(Seen(2).steps)\n"
    )
    assert evaluate(resolve(path), make_params())[0] == 2.0


def test_the_main_block_does_not_run(write) -> None:
    resolve(write(GOOD + "if __name__ == '__main__':\n    raise SystemExit(1)\n"))


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_files_of_every_system_load_with_one_digest(write, make_params, prefix, newline) -> None:
    text = GOOD.replace("    ", "\t").encode()
    reward = resolve(write(prefix + text.replace(b"\n", newline)))
    assert evaluate(reward, make_params(speed=1.0))[0] == 1.0
    assert reward.digest == resolve(write(text)).digest


def test_a_coding_line_is_honoured(write, make_params) -> None:
    text = "# -*- coding: latin-1 -*-\nNAME = 'caf\xe9'\ndef reward_function(params):\n    return len(NAME)\n"
    assert evaluate(resolve(write(text.encode("latin-1"))), make_params())[0] == 4.0


@given(st.binary(max_size=200))
def test_any_bytes_load_or_are_refused_in_one_line(tmp_path_factory, content) -> None:
    path = tmp_path_factory.mktemp("any") / "any.py"
    path.write_bytes(content)
    with pytest.raises(RewardError) as caught:
        resolve(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


BROKEN = {
    "syntax": ("def reward_function(params)\n    return 1.0\n", 1, "expected ':'"),
    "python 2 print": ("def reward_function(params):\n    print 'x'\n    return 1.0\n", 2, "print(...)"),
    "typographic quotes": ("def reward_function(params):\n    return params[“speed”]\n", 2, "plain ones"),
    "indent": ("def reward_function(params):\n    x = 1\n      y = 2\n    return 1.0\n", 3, "four spaces"),
    "tabs and spaces": (
        "def reward_function(params):\n\tif 1:\n        x = 1\n\treturn 1.0\n",
        None,
        "spaces",
    ),
    "null byte": ("def reward_function(params):\n    return 1.0\0\n", None, "null bytes. Fix: save it"),
    "missing module": ("import no_such_module_1\n" + GOOD, 1, "pip install no_such_module_1"),
    "mistyped module": ("import nunpy\n" + GOOD, 1, "did you mean 'numpy'"),
    "simulator module": ("import rospy\n" + GOOD, 1, "only inside the DeepRacer simulator"),
    "python 2 module": ("import ConfigParser\n" + GOOD, 1, "Python 3"),
    "fails at import": ("x = 1\ny = x / 0\n" + GOOD, 2, "ZeroDivisionError"),
    "exits at import": ("import sys\nsys.exit()\n" + GOOD, 2, "ends the program"),
    "no function": ("x = 1\n", None, "add `def reward_function(params):`"),
    "other name": ("def reward_fuction(params):\n    return 1.0\n", None, "rename reward_fuction"),
    "two parameters": (
        "def reward_function(params, track):\n    return 1.0\n",
        1,
        "def reward_function(params):",
    ),
    "no parameter": ("def reward_function():\n    return 1.0\n", 1, "def reward_function(params):"),
    "class": ("class reward_function:\n    pass\n", None, "is a class"),
    "number": ("reward_function = 3\n", None, "is int, not a function"),
    "async": ("async def reward_function(params):\n    return 1.0\n", 1, "not `async def`"),
    "generator": ("def reward_function(params):\n    yield 1.0\n", 1, "not `yield`"),
    "UTF-16": ("﻿" + GOOD, None, "UTF-8"),
    "Latin-1": ("#\n#\n# caf\xe9\n" + GOOD, 3, "UTF-8"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_gets_one_clear_line(write, case) -> None:
    text, line, words = BROKEN[case]
    encoding = {"UTF-16": "utf-16-le", "Latin-1": "latin-1"}.get(case, "utf-8")
    path = write(text.encode(encoding))
    with pytest.raises(RewardError) as caught:
        resolve(path)
    message = str(caught.value)
    assert words in message and "\n" not in message
    assert message.startswith(f"{path}:{line}: " if line else f"{path}")


def test_a_broken_helper_module_is_named(write) -> None:
    helper = write("def f(:\n", "bad_helper_q.py")
    path = write("import bad_helper_q\n" + GOOD)
    with pytest.raises(RewardError) as caught:
        resolve(path)
    assert str(caught.value).startswith(f"{helper}:1: SyntaxError")


def test_missing_files_and_names_are_guessed(write, tmp_path, monkeypatch) -> None:
    path = write(GOOD, "racing.py")
    write(GOOD, "reward_function.py")
    monkeypatch.chdir(tmp_path)
    for ref, words in {
        str(tmp_path / "racng.py"): f"did you mean {path}",
        "center_lin": "did you mean 'center_line'",
        "center_line.py": "did you mean center_line",
        "racing": "did you mean racing.py",
        "json.decoder": "did you mean json.decoder:reward_function",
        "no_such_pkg.rewards:f": "no_such_pkg.rewards",
        str(tmp_path): "reward_function.py",
        "nowhere/at/all.py": "no folder",
        f"{path}:reward_funktion": "leave ':reward_funktion' out",
        "": "built-in",
    }.items():
        with pytest.raises(RewardError) as caught:
            resolve(ref)
        assert words in str(caught.value), ref


@pytest.mark.parametrize("ref", [3, None, WithCall, [top_level_reward]])
def test_what_is_no_reward_is_refused(ref) -> None:
    with pytest.raises(RewardError):
        resolve(ref)


def test_callables_of_every_kind(make_params) -> None:
    def with_factor(factor, params):
        return factor * params["speed"]

    for ref in (
        top_level_reward,
        WithCall(),
        WithCall().__call__,
        functools.partial(with_factor, 2.0),
        lambda p: 1.0,
    ):
        reward = resolve(ref)
        assert evaluate(reward, make_params())[0] > 0
        assert len(reward.digest) == 64 and reward.name


def _pay(reward, params):
    return [evaluate(reward, params)[0] for _ in range(2)]


def test_rewards_travel_to_a_spawned_process(write, make_params, monkeypatch, tmp_path) -> None:
    path = write(COUNTER)
    monkeypatch.chdir(tmp_path)
    used = resolve("mine.py")
    evaluate(used, make_params())
    rewards = [used, resolve("center_line"), resolve(WithCall())]
    monkeypatch.chdir("/")  # the reference must not depend on the folder
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        paid = [pool.submit(_pay, reward, make_params()).result() for reward in rewards]
    assert paid == [[1.0, 2.0], [1.0, 1.0], [1.0, 2.0]]
    assert path.exists()


def test_a_changed_file_is_noticed_by_the_worker(write) -> None:
    path = write(GOOD)
    packed = pickle.dumps(resolve(path))
    assert pickle.loads(packed).digest == resolve(path).digest
    write(COUNTER)
    with pytest.raises(RewardError, match="was changed"):
        pickle.loads(packed)


def test_errors_travel_too() -> None:
    error = RewardError("is odd", file="a.py", line=3, fix="mend it")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "a.py:3: is odd. Fix: mend it"
    assert (copy.line, copy.fix) == (3, "mend it")


def test_the_library_is_described() -> None:
    assert {
        "center_line",
        "stay_inside",
        "waypoint_heading",
        "progress_per_step",
        "racing_line",
    } <= library().keys()
    assert all(line.endswith(".") for line in library().values())
