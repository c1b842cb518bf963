"""Rewards that remember: found out, and one for each car."""

# ruff: noqa: E501  (programs as data, a line each)

from __future__ import annotations

import functools

import pytest

from hairpin.rewards import evaluate, is_stateful, per_car, resolve

STATEFUL = {
    "global": "n = 0\ndef reward_function(params):\n    global n\n    n += 1\n    return n",
    "list": "seen = []\ndef reward_function(params):\n    seen.append(1)\n    return 1.0",
    "dict": "D = {'n': 0}\ndef reward_function(params):\n    D['n'] += 1\n    return 1.0",
    "alias": "D = {'n': []}\ndef reward_function(params):\n    d = D['n']\n    d += [1]\n    return 1.0",
    "alias append": "D = {'n': []}\ndef reward_function(params):\n    d = D['n']\n    d.append(1)\n    return 1.0",
    "loop over it": "L = [[0]]\ndef reward_function(params):\n    for x in L:\n        x[0] += 1\n    return 1.0",
    "class attribute": "class S:\n    n = 0\ndef reward_function(params):\n    S.n += 1\n    return 1.0",
    "function attribute": (
        "def reward_function(params):\n    reward_function.n = 1\n    return 1.0\nreward_function.n = 0"
    ),
    "object": (
        "class R:\n    def __init__(self):\n        self.a = None\n    def f(self, params):\n        self.a = 1\n"
        "        return 1.0\nr = R()\ndef reward_function(params):\n    return r.f(params)"
    ),
    "mutable default": "def reward_function(params, seen=[]):\n    seen.append(1)\n    return 1.0",
    "closure": (
        "def make():\n    n = 0\n    def f(params):\n        nonlocal n\n        n += 1\n        return n\n"
        "    return f\nreward_function = make()"
    ),
    "generator": "import itertools\nc = itertools.count()\ndef reward_function(params):\n    return next(c)",
    "helper changes its argument": (
        "L = []\ndef note(where):\n    where.append(1)\ndef reward_function(params):\n    note(L)\n    return 1.0"
    ),
    "setattr": "class S: pass\ndef reward_function(params):\n    setattr(S, 'a', 1)\n    return 1.0",
    "helper module": "import my_own_helper\ndef reward_function(params):\n    return my_own_helper.pay(params)",
    "out=": (
        "import numpy as np\nA = np.zeros(2)\ndef reward_function(params):\n    np.add(A, 1, out=A)\n    return 1.0"
    ),
    "deque": (
        "from collections import deque\nq = deque()\ndef reward_function(params):\n    q.appendleft(1)\n    return 1.0"
    ),
}
STATELESS = {
    "plain": "def reward_function(params):\n    reward = 1.0\n    reward += params['speed']\n    return reward",
    "constants": (
        "MIN = 1e-3\nLINE = [[0, 1], [2, 3]]\ndef reward_function(params):\n    reward = MIN\n    reward += LINE[0][0]\n"
        "    return reward"
    ),
    "local lists": (
        "def reward_function(params):\n    d = []\n    for w in params['waypoints']:\n        d.append(w[0])\n"
        "    d.sort()\n    best = {}\n    best['x'] = d[0]\n    return best['x']"
    ),
    "helpers": (
        "import math\ndef dist(a, b):\n    return math.hypot(a[0] - b[0], a[1] - b[1])\n"
        "def reward_function(params):\n    return dist((0, 0), params['waypoints'][0])"
    ),
    "own params": "def reward_function(p):\n    p['mine'] = 1\n    return p['mine']",
    "numpy": (
        "import numpy as np\nT = np.array([1.0])\ndef reward_function(params):\n    a = np.zeros(3)\n    a[0] = T[0]\n"
        "    return a.sum()"
    ),
    "cache": (
        "import functools\n@functools.lru_cache\ndef square(x):\n    return x * x\n"
        "def reward_function(params):\n    return square(2.0)"
    ),
}


@pytest.fixture
def load(tmp_path):
    (tmp_path / "my_own_helper.py").write_text("def pay(params):\n    return 1.0\n")

    def load(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return resolve(path)

    return load


@pytest.mark.parametrize("case", STATEFUL)
def test_state_is_noticed(load, case) -> None:
    assert is_stateful(load(STATEFUL[case]))


@pytest.mark.parametrize("case", STATELESS)
def test_functions_without_state_are_recognised(load, case) -> None:
    assert not is_stateful(load(STATELESS[case]))


LIMIT = 0.5
MEMORY = [0]


def uses_a_constant(params):
    return params["distance_from_center"] < LIMIT


def calls_another(params):
    return float(uses_a_constant(params))


def changes_a_list(params):
    MEMORY[0] += 1
    return float(MEMORY[0])


def calls_what_changes_a_list(params):
    return changes_a_list(params)


class Counting:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, params):
        self.calls += 1
        return float(self.calls)


def test_callables() -> None:
    assert not is_stateful(resolve(uses_a_constant))
    assert not is_stateful(resolve(calls_another))
    assert is_stateful(resolve(changes_a_list))
    assert is_stateful(resolve(calls_what_changes_a_list))
    assert is_stateful(resolve(Counting()))
    assert is_stateful(resolve(functools.partial(uses_a_constant)))  # cannot be told from its lines


def test_cars_share_a_function_without_state() -> None:
    reward = resolve("center_line")
    assert all(car is reward for car in per_car(reward, 3))


def test_cars_do_not_share_state(load, make_params) -> None:
    for ref in (load(STATEFUL["global"]), resolve(Counting())):
        cars = per_car(ref, 3)
        assert [evaluate(cars[0], make_params())[0] for _ in range(3)] == [1.0, 2.0, 3.0]
        assert [evaluate(car, make_params())[0] for car in cars[1:]] == [1.0, 1.0]


def test_a_function_with_state_that_cannot_be_copied_gives_a_warning() -> None:
    reward = resolve(changes_a_list)
    with pytest.warns(UserWarning, match="2 cars share it"):
        assert per_car(reward, 2) == [reward, reward]
    assert per_car(reward, 1) == [reward]
