"""The gate: does a policy lap, from everywhere, both ways round, every time?"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hairpin.sim import Randomization, World, WorldConfig
from hairpin.sim.laps import Act, LapReport, Start, laps_done, run_trials, step_limit
from hairpin.sim.randomize import MILD

STARTS: Final = 16  # 8 places, both directions
LAPS: Final = 3
#: Trials that may fail, and how many end the evaluation, where objects stand in other places in each trial:
#: then a single failure says little, neither about a policy nor about which of two is better.
_TOLERATED, _HOPELESS = 1, 4
#: Another car and other light in every trial, so that a policy that only just laps does not pass; where and
#: how it starts is given.
_CONFIRMING: Final = dataclasses.replace(MILD, offset=None, heading=None)


@dataclass(frozen=True)
class Verdict:
    """What an evaluation during training found.

    Attributes:
        steps: Environment steps that the policy was trained for.
        passed: Every start gave its laps in the nominal world; with objects, all but one.
        confirmed: And again from other starts, with another car and light in every trial.
        progress: Laps per start when the first one failed (with objects: when more than `_HOPELESS` had), or
            when all were done.
        mean_lap: Of the first evaluation [s], if it passed.
    """

    steps: int
    passed: bool
    confirmed: bool
    progress: float
    mean_lap: float | None

    @property
    def rank(self) -> tuple[bool, bool, float, float]:
        """Sorts verdicts from worse to better."""
        return (self.confirmed, self.passed, self.progress, -(self.mean_lap or np.inf))

    def to_dict(self) -> dict[str, Any]:
        """All of it as what `json.dump` takes."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Trial:
    """What came of one trial of an evaluation.

    Attributes:
        completion: Share of the laps asked for that it did [%].
        time: That it took [s].
        status: How it ended; `in_progress` if another one's failure ended the evaluation before.
    """

    completion: float
    time: float
    status: str


class Gate:
    """Evaluates policies during training, in two worlds that it keeps.

    Args:
        world: The training world; track, camera and actions come from it.
        direction: "ccw", "cw" or "both".

    Attributes:
        trials: Of the last evaluation in the nominal world.
    """

    def __init__(self, world: WorldConfig, direction: str | None) -> None:
        self.trials: list[Trial] = []
        self._wanted = STARTS - (_TOLERATED if world.objects else 0)
        self._most_failures = _HOPELESS if world.objects else 0
        limit = max(step_limit(track, LAPS, world.control_hz) for track in world.tracks)
        base = dataclasses.replace(
            world, reward=None, laps=LAPS, max_steps=limit, direction=None, randomization=Randomization()
        )
        self._first = World(base, STARTS)
        self._second = World(dataclasses.replace(base, randomization=_CONFIRMING), STARTS)
        self._starts = _starts(direction, shift=0.0), _starts(direction, shift=1 / STARTS)

    def judge(self, act: Act, steps: int) -> Verdict:
        """Evaluate a policy; cheap for a bad one, since the first failure ends it."""
        report, laps = self._drive(self._first, act, self._starts[0], seed=0)
        race = self._first.race
        self.trials = [
            Trial(100.0 * done / LAPS, time, status)
            for done, time, status in zip(
                race.laps_done.tolist(), race.time.tolist(), report.statuses, strict=True
            )
        ]
        passed = report.completed >= self._wanted
        confirmed = False
        if passed:
            again, _ = self._drive(self._second, act, self._starts[1], seed=steps)
            confirmed = again.completed >= self._wanted
        return Verdict(steps, passed, confirmed, laps, report.mean_lap if passed else None)

    def close(self) -> None:
        """Release the worlds."""
        self._first.close()
        self._second.close()

    def _drive(self, world: World, act: Act, starts: list[Start], seed: int) -> tuple[LapReport, float]:
        report, _ = run_trials(
            world.config, act, starts, seed=seed, most_failures=self._most_failures, world=world
        )
        return report, float(laps_done(world).mean())


def _starts(direction: str | None, shift: float) -> list[Start]:
    if direction != "both":
        return [Start((i / STARTS + shift / 2) % 1.0, direction) for i in range(STARTS)]
    return [Start((i // 2 / (STARTS / 2) + shift) % 1.0, ("ccw", "cw")[i % 2]) for i in range(STARTS)]
