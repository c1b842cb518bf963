"""Trying a reward function before a run: what would stop it, and what would make it learn badly or slowly."""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .judge import judge
from .params import RewardParams
from .problem import Problem
from .resolve import DEFAULT_FUNCTION, Reward
from .service import service_notes
from .state import is_stateful
from .static import static_problems
from .timeout import run_limited
from .trial import CALL_LIMIT, Trial, fresh

Situations = Sequence[tuple[str, RewardParams]]
"""Named steps to try."""

TRAINING_STEP_US = 300.0
"""What a whole training step costs with the small network of preset `fast`, learning included [us]."""

_SLOW_US = 200.0
_TIMING_SECONDS = 0.3


@dataclass(frozen=True)
class Timing:
    """What a call costs.

    Args:
        calls: Calls that were timed.
        median_us: Median [us].
        p99_us: 99th percentile [us].
    """

    calls: int
    median_us: float
    p99_us: float

    @property
    def share_of_step(self) -> float:
        """Median as a share of a training step of `TRAINING_STEP_US`."""
        return self.median_us / TRAINING_STEP_US


@dataclass(frozen=True)
class CheckReport:
    """What `check` found.

    Args:
        name: The reward's name.
        file: The reward's file, or its name where there is none.
        problems: Errors first, then warnings, then notes; by line.
        rewards: Situation -> reward, None where the function failed.
        terms: Situation -> named terms, where the function names them.
        timing: None when no situation could be run.
        stateful: The function may keep something between steps.
    """

    name: str
    file: str
    problems: tuple[Problem, ...]
    rewards: Mapping[str, float | None] = field(default_factory=dict)
    terms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    timing: Timing | None = None
    stateful: bool = False

    @property
    def ok(self) -> bool:
        """Nothing was found that would stop a run."""
        return all(problem.severity != "error" for problem in self.problems)


def check(reward: Reward, situations: Situations) -> CheckReport:
    """Run a reward function on sample situations and read its source.

    A function that keeps state is loaded anew for each situation, and sees the step before it (`step_before`)
    as the first of an episode; the caller's `reward` keeps the state that it has.

    Args:
        reward: The reward function.
        situations: (name, params) pairs.
    """
    stateful = is_stateful(reward)
    trial = Trial(reward, stateful)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        trial.run(situations)
        timing = _time(fresh(reward, stateful), trial.passed)
    problems = list(trial.problems())
    failed = {problem.line for problem in problems if problem.severity == "error"}
    # A line that was seen to fail needs no second finding from reading it.
    problems += [p for p in _source_problems(reward) if p.severity != "error" or p.line not in failed]
    problems += judge(situations, trial.rewards)
    if printed.getvalue():
        what = "prints at each step, which slows training and hides its output"
        problems.append(Problem("warning", what, _print_line(reward), "remove print()"))
    if timing is not None and timing.median_us > _SLOW_US:
        times = f"{1 + timing.share_of_step:.1f} times"
        what = f"takes {timing.median_us:.0f} us a call, which makes a training step {times} as long"
        fix = "compute once, at the top of the file, what never changes"
        problems.append(Problem("warning", what, fix=fix))
    return CheckReport(
        name=reward.name,
        file=reward.file or reward.name,
        problems=in_order(problems),
        rewards=trial.rewards,
        terms=trial.terms,
        timing=timing,
        stateful=stateful,
    )


def in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Errors first, then warnings, then notes; each by line, without repetition."""
    rank = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (rank[p.severity], p.line or 0)))


def _time(reward: Reward, steps: Sequence[RewardParams]) -> Timing | None:
    def timed() -> list[int]:
        spent: list[int] = []
        end = time.perf_counter() + _TIMING_SECONDS
        while time.perf_counter() < end:
            for params in [copy.deepcopy(step) for step in steps]:
                begin = time.perf_counter_ns()
                reward.function(params)
                spent.append(time.perf_counter_ns() - begin)
        return spent

    if not steps:
        return None
    try:
        spent = sorted(run_limited(timed, CALL_LIMIT))
    except Exception:  # it fails only after many steps: the run will name the step
        return None
    return Timing(len(spent), statistics.median(spent) / 1e3, spent[int(0.99 * (len(spent) - 1))] / 1e3)


def _source_problems(reward: Reward) -> list[Problem]:
    if reward.source is None or not isinstance(reward.ref, str):
        return []
    function = function_name(reward)
    return [*static_problems(reward.source, function), *service_notes(reward.source, function)]


def function_name(reward: Reward) -> str:
    """The name under which the function stands in its file."""
    return reward.name.rpartition(":")[2] if ":" in reward.name else DEFAULT_FUNCTION


def _print_line(reward: Reward) -> int | None:
    if reward.source is None or not isinstance(reward.ref, str):
        return None
    for function in ast.walk(ast.parse(reward.source)):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                    return node.lineno
    return None
