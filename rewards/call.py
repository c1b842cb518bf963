"""Calling a reward function on one step, and trusting nothing that comes back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .errors import RewardError
from .explain import explain
from .params import RewardParams
from .resolve import Reward

LARGEST = 1e5
"""Rewards beyond +-1e5 are refused, as by the original simulator (`rollout_agent_ctrl.py`)."""

_NO_TERMS: Mapping[str, float] = MappingProxyType({})


def evaluate(reward: Reward, params: RewardParams) -> tuple[float, Mapping[str, float]]:
    """The reward of one step, and its named terms.

    A function may return a number, anything that `float` accepts (numpy scalars, numeric text), or a mapping
    of named terms, whose sum is the reward.

    Args:
        reward: The reward function.
        params: The step; the function may change it, so give each call a dict of its own.

    Returns:
        The reward, and the terms (empty unless the function names them).

    Raises:
        RewardError: The function fails, or returns what is no finite number within +-`LARGEST`.
    """
    try:
        value = reward.function(params)
    except (Exception, SystemExit) as error:
        raise explain(error, reward, params) from error
    # The common case costs one comparison, which NaN fails.
    if type(value) is float and -LARGEST <= value <= LARGEST:
        return value, _NO_TERMS
    if isinstance(value, Mapping):
        terms = {str(name): _number(term, reward, params, f"term '{name}'") for name, term in value.items()}
        if not terms:
            raise _refusal(reward, params, "returned no terms", "return at least one named term, or a number")
        total = sum(terms.values())
        return _within(total, reward, params, "the sum of its terms"), terms
    return _number(value, reward, params, "its result"), _NO_TERMS


def _number(value: Any, reward: Reward, params: RewardParams, what: str) -> float:
    if value is None:
        raise _refusal(reward, params, f"{what} is None", "end every path with `return float(reward)`")
    if isinstance(value, tuple):
        fix = "drop the comma after the returned value" if len(value) == 1 else "return one number"
        raise _refusal(reward, params, f"{what} is a tuple {_short(value)}", fix)
    try:
        number = float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, OverflowError):
        kind = type(value).__name__
        fix = "call the function: NAME(params)" if callable(value) else "return float(reward)"
        raise _refusal(reward, params, f"{what} is not a number but {kind} {_short(value)}", fix) from None
    return _within(number, reward, params, what)


def _within(number: float, reward: Reward, params: RewardParams, what: str) -> float:
    if -LARGEST <= number <= LARGEST:
        return number
    if number != number:
        fix = "look for 0/0, inf - inf or a square root of a negative number"
        raise _refusal(reward, params, f"{what} is NaN", fix)
    fix = "scale it; rewards of about 1 a step learn best"
    if abs(number) == float("inf"):
        fix = "look for a division by zero or an overflow"
    raise _refusal(reward, params, f"{what} is {number:g}, outside -1e5..1e5", fix)


def _refusal(reward: Reward, params: RewardParams, what: str, fix: str) -> RewardError:
    code = getattr(inspect.unwrap(reward.function), "__code__", None)
    return RewardError(
        f"{what} at step {params.get('steps', 0):g} ({_where(params)})",
        file=reward.file or reward.name,
        line=code.co_firstlineno if code is not None else None,
        fix=fix,
    )


def _where(params: Mapping[str, Any]) -> str:
    keys = ("progress", "distance_from_center", "heading", "speed", "steering_angle", "all_wheels_on_track")
    return ", ".join(f"{key}={_short(params[key])}" for key in keys if key in params)


def _short(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
