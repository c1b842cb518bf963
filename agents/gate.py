"""The gate: does a policy lap, from everywhere, both ways round, every time?"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hairpin.sim import Randomization, World, WorldConfig
from hairpin.sim.laps import Act, LapReport, Start, laps_done, run_trials, step_limit
from hairpin.sim.randomize import MILD, NAMED

STARTS: Final = 16  # 8 places, both directions
LAPS: Final = 3


@dataclass(frozen=True)
class Verdict:
    """What an evaluation during training found.

    Attributes:
        steps: Environment steps that the policy was trained for.
        passed: Every start gave its laps in the nominal world.
        confirmed: And again from other starts, with another car and light in every trial.
        progress: Laps per start when the first one failed, or all that were asked for.
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
        randomization: Name of what differs between the trials of the second evaluation: another car and other
            light in each, so that a policy that only just laps does not pass.

    Attributes:
        trials: Of the last evaluation in the nominal world.
    """

    def __init__(
        self, world: WorldConfig, direction: str | None, randomization: Randomization | str = MILD
    ) -> None:
        self.trials: list[Trial] = []
        limit = max(step_limit(track, LAPS, world.control_hz) for track in world.tracks)
        base = dataclasses.replace(
            world, reward=None, laps=LAPS, max_steps=limit, direction=None, randomization=Randomization()
        )
        self._first = World(base, STARTS)
        confirming = dataclasses.replace(
            NAMED[randomization] if isinstance(randomization, str) else randomization,
            offset=None,
            heading=None,
        )  # starts are given
        self._second = World(dataclasses.replace(base, randomization=confirming), STARTS)
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
        passed = report.completed == STARTS
        confirmed = False
        if passed:
            again, _ = self._drive(self._second, act, self._starts[1], seed=steps)
            confirmed = again.completed == STARTS
        return Verdict(steps, passed, confirmed, laps, report.mean_lap if passed else None)

    def close(self) -> None:
        """Release the worlds."""
        self._first.close()
        self._second.close()

    def _drive(self, world: World, act: Act, starts: list[Start], seed: int) -> tuple[LapReport, float]:
        report, _ = run_trials(world.config, act, starts, seed=seed, stop_at_failure=True, world=world)
        return report, float(laps_done(world).mean())


def _starts(direction: str | None, shift: float) -> list[Start]:
    if direction != "both":
        return [Start((i / STARTS + shift / 2) % 1.0, direction) for i in range(STARTS)]
    return [Start((i // 2 / (STARTS / 2) + shift) % 1.0, ("ccw", "cw")[i % 2]) for i in range(STARTS)]
