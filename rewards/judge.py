"""Judging the rewards of sample situations: would a car learn to lap from them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .params import RewardParams
from .problem import Problem

_LARGE = 1e3
_SMALL = 1e-2
_FEW = 4  # situations on the track, below which nothing is said about their spread


def judge(
    situations: Sequence[tuple[str, RewardParams]], rewards: Mapping[str, float | None]
) -> Iterator[Problem]:
    """Warn of rewards that teach nothing, or the wrong thing.

    Args:
        situations: (name, params) pairs.
        rewards: Name -> reward, None where the function failed.
    """
    paid = {name: value for name, _ in situations if (value := rewards.get(name)) is not None}
    on = {n: paid[n] for n, p in situations if n in paid and p["all_wheels_on_track"] and not p["is_crashed"]}
    off = {n: paid[n] for n, p in situations if n in paid and p["is_offtrack"]}
    if len(paid) >= _FEW and len(set(paid.values())) == 1:
        yield Problem(
            "warning",
            f"pays {next(iter(paid.values())):g} in every situation: there is nothing to learn from",
            fix="let it depend on params, for example on distance_from_center or progress",
        )
        return
    if on and off and max(off.values()) > max(on.values()) + 0.05 * abs(max(on.values())):
        best = max(off, key=lambda name: off[name])
        most = max(on.values())
        what = f"pays more off the track ({off[best]:.4g} in '{best}') than on it (at most {most:.4g})"
        yield Problem("warning", what, fix="pay little, such as 1e-3, when params['is_offtrack']")
    yield from _spread(list(on.values()))


def _spread(on: Sequence[float]) -> Iterator[Problem]:
    if len(on) < _FEW:
        return
    largest = max(abs(value) for value in on)
    if max(on) < 0:
        yield Problem(
            "warning",
            "every reward on the track is below zero: a car learns to leave the track soon",
            fix="add a constant, so that good steps pay more than nothing",
        )
    if largest > _LARGE:
        what = f"pays up to {largest:.3g} a step: such values are slow to learn"
        yield Problem("warning", what, fix="divide it, so that a good step pays about 1")
    elif largest < _SMALL:
        what = f"pays at most {largest:.3g} a step, too little to stand out from the exploration bonus"
        yield Problem("warning", what, fix="multiply it, so that a good step pays about 1")
    zeros = sum(abs(value) <= 1e-3 * largest for value in on)
    if zeros >= 0.75 * len(on):
        what = f"pays (nearly) nothing in {zeros} of {len(on)} situations on the track"
        yield Problem("warning", what, fix="pay a little for each good step, not only for rare ones")
