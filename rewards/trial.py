"""Running a reward function on sample situations, and noting what happens."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .call import evaluate
from .earlier import step_before
from .errors import RewardError
from .params import RewardParams
from .problem import Problem
from .resolve import Reward, resolve
from .timeout import TooSlowError, run_limited

CALL_LIMIT = 5.0
"""The longest that a call may take [s], as in the original validator."""


class Trial:
    """What a reward function did on each situation.

    Attributes:
        rewards: Situation -> reward, None where the function failed.
        terms: Situation -> named terms, where the function names them.
        passed: The steps on which it did not fail; none when it hung.
    """

    def __init__(self, reward: Reward, stateful: bool) -> None:
        self.rewards: dict[str, float | None] = {}
        self.terms: dict[str, Mapping[str, float]] = {}
        self.passed: list[RewardParams] = []
        self._reward = reward
        self._stateful = stateful
        self._errors: dict[tuple[int | None, str], tuple[RewardError, list[str]]] = {}
        self._whole_numbers: list[str] = []
        self._uncertain: list[str] = []
        self._changed: set[str] = set()
        self._hung = False

    def run(self, situations: Sequence[tuple[str, RewardParams]]) -> None:
        """Try every situation, each on a reward that has seen nothing but the step before it."""
        for name, params in situations:
            self.rewards[name] = None
            if not self._hung:  # each further call would take the whole limit
                self._try(name, params)
        if self._hung:
            self.passed = []

    def _try(self, name: str, params: RewardParams) -> None:
        given = copy.deepcopy(params)
        try:
            value, terms, raw = self._call(given)
        except RewardError as error:
            # The same failure in several situations is one finding; its text differs by step and values.
            self._errors.setdefault(failure(error), (error, []))[1].append(name)
            return
        self.rewards[name] = value
        self.passed.append(params)
        if terms:
            self.terms[name] = dict(terms)
        if isinstance(raw, int):
            self._whole_numbers.append(name)
        keys = given.keys() | params.keys()  # compared as text, since a user may store arrays
        self._changed |= {key for key in keys if repr(given.get(key)) != repr(params.get(key))}
        try:
            again = self._call(copy.deepcopy(params))[0]
        except RewardError:
            again = None
        if again != value:
            self._uncertain.append(name)

    def _call(self, params: RewardParams) -> tuple[float, Mapping[str, float], object]:
        """Reward, terms and what the function itself returned."""
        reward = fresh(self._reward, self._stateful)
        results: list[Any] = []

        @functools.wraps(reward.function)
        def recorded(given: Any) -> Any:
            results.append(reward.function(given))
            return results[-1]

        watched = dataclasses.replace(reward, function=recorded)

        def steps() -> tuple[float, Mapping[str, float]]:
            if self._stateful and params["steps"] > 2:
                evaluate(watched, copy.deepcopy(step_before(params)))
            return evaluate(watched, params)

        try:
            value, terms = run_limited(steps, CALL_LIMIT)
        except TooSlowError as error:
            self._hung = True
            lines = [line for file, line in error.lines if file == reward.file]
            raise RewardError(
                f"did not return within {CALL_LIMIT:g} s",
                file=reward.file,
                line=lines[-1] if lines else None,
                fix="look for a loop that never ends",
            ) from error
        return value, terms, results[-1]

    def problems(self) -> Iterator[Problem]:
        """What went wrong, each failure once with the situations in which it occurred."""
        for error, names in self._errors.values():
            yield Problem("error", f"{error.what} [{_some(names)}]", error.line, error.fix)
        if self._uncertain:
            what = f"pays differently each time for the same step ({_some(self._uncertain)})"
            yield Problem("warning", what, fix="leave chance and the clock out of a reward")
        if self._whole_numbers:
            where = _some(self._whole_numbers)
            what = f"the DeepRacer console would refuse this: it returns an int, not a float ({where})"
            yield Problem("note", what, fix="return float(reward)")
        if self._changed:
            what = f"changes params ({_some(sorted(self._changed))}); the change is gone at the next step"
            yield Problem("note", what)


def fresh(reward: Reward, stateful: bool) -> Reward:
    """The reward as it was when it was loaded."""
    if not stateful:
        return reward
    return resolve(reward.ref if isinstance(reward.ref, str) else copy.deepcopy(reward.ref))


def failure(found: RewardError | Problem) -> tuple[int | None, str]:
    """What two reports of the same failure share; the rest of the text is the step and its values."""
    return found.line, found.what.partition(" at step ")[0]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
