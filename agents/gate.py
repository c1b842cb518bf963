"""The gate: does a policy lap, from everywhere, every time, with every wheel on the road?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hairpin.sim import Randomization, World, WorldConfig
from hairpin.sim.laps import Act, LapReport, Start, run_trials, step_limit
from hairpin.sim.randomize import MILD, NAMED, another_car
from hairpin.tracks import Track

STARTS: Final = 16  # 8 places, both directions
LAPS: Final = 3
COMPLETION: Final = 0.95  # share of the trials that a racing policy has to complete
_PATIENCE: Final = 3  # evaluations of policies that lap, none with fewer wheels out than before
_LEAST_EXTRA: Final = 16_384  # steps that training goes on for, after a policy laps, until it does so cleanly
#: Where objects stand in other places in each trial, one failure says little, neither about a policy nor
#: about which of two is better: so many trials then, of which so many may fail; more than so many end it.
OBJECT_STARTS: Final = 32
_TOLERATED, _HOPELESS = 1, 8
#: Evaluations that have to confirm then, each with new places: of many, one does so by chance.
_CONFIRMED: Final = 2


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
        robust: Laps per start of the second one when it ended; 0 if there was none.
        wheels_out: Steps of both evaluations on which a wheel was off the road.
        racing: Whether lap times are what counts, of policies that complete nearly all trials.
        objects: Whether there were objects; then laps count, and a wheel may go over the line to avoid one.
    """

    steps: int
    passed: bool
    confirmed: bool
    progress: float
    mean_lap: float | None
    wheels_out: int = 0
    robust: float = 0.0
    racing: bool = False
    objects: bool = False

    @property
    def clean(self) -> bool:
        """Whether it is confirmed, and no wheel ever left the road."""
        return self.confirmed and self.wheels_out == 0

    @property
    def rank(self) -> tuple[bool, bool, int, float, float, float]:
        """Sorts verdicts from worse to better."""
        lap = -(self.mean_lap or np.inf)
        if self.racing and self.confirmed:
            return (True, True, 0, 0.0, 0.0, lap)
        if self.objects:
            return (self.confirmed, self.passed, 0, self.progress + self.robust, 0.0, lap)
        out = self.wheels_out if self.confirmed else 0
        return (self.confirmed, self.passed, -out, self.progress, self.robust, lap)

    def to_dict(self) -> dict[str, Any]:
        """All of it as what `json.dump` takes."""
        return dataclasses.asdict(self)


def enough(verdicts: Sequence[Verdict], steps: int) -> bool:
    """Whether training is done: a policy laps cleanly, or laps, and more training has not made it clean.

    A reward may not care about a wheel over the line, and then no training makes a policy clean. Among
    objects a wheel may be out, but two evaluations have to confirm what was learned.

    Args:
        verdicts: Those of all evaluations so far.
        steps: Environment steps trained for.
    """
    if any(verdict.objects for verdict in verdicts):
        return len({verdict.steps for verdict in verdicts if verdict.confirmed}) >= _CONFIRMED
    if any(verdict.clean for verdict in verdicts):
        return True
    confirmed = [verdict for verdict in verdicts if verdict.confirmed]
    if not confirmed:
        return False
    first, out = confirmed[0].steps, [verdict.wheels_out for verdict in confirmed]
    hopeless = len(out) > _PATIENCE and min(out[-_PATIENCE:]) >= min(out[:-_PATIENCE])
    return hopeless or steps >= first + max(first, _LEAST_EXTRA)


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
    """Evaluates policies during training, in two worlds of each track that it keeps.

    Args:
        world: The training world; tracks, directions, camera and actions come from it.
        randomization: What differs between the trials of the second evaluation: another car and other light
            in each, so that a policy that only just laps does not pass; where and how it starts is given.
        thorough: Whether the second evaluation goes on when a trial has failed: on tracks that a policy has
            never seen some may, and how many ranks it.
        racing: Whether a policy passes that completes nearly all trials of both evaluations; of those that
            pass, the fastest is the best.

    Attributes:
        trials: Of the last evaluation in the nominal worlds.
    """

    def __init__(
        self,
        world: WorldConfig,
        randomization: Randomization | str = MILD,
        *,
        thorough: bool = False,
        racing: bool = False,
    ) -> None:
        self._thorough = thorough
        self._racing = racing
        self.trials: list[Trial] = []
        self._abandoned = False
        drawn = NAMED[randomization] if isinstance(randomization, str) else randomization
        # Who trains for another car than the nominal one is judged in that one.
        car: dict[str, Any] = another_car(world.randomization)
        nominal, confirming = (
            Randomization(**car),
            dataclasses.replace(drawn, offset=None, heading=None, **car),
        )
        self._objects = world.objects is not None
        trials = OBJECT_STARTS if self._objects else STARTS
        self._wanted = trials - (_TOLERATED if self._objects else 0)
        self._nominal = [World(_config(world, track, nominal), trials) for track in world.tracks]
        self._confirming = [World(_config(world, track, confirming), trials) for track in world.tracks]
        both = world.direction in ("both", "alternate")
        direction = None if both else world.direction
        self._starts = tuple(_starts(trials, direction, both, shift) for shift in (0.0, 1 / trials))

    def judge(self, act: Act, steps: int) -> Verdict:
        """Evaluate a policy; cheap for a bad one, since the first failure ends it, unless it races."""
        self.trials = []
        if self._racing:
            return self._race(act, steps)
        laps, reports = [], []
        for world in self._nominal:
            reports.append(self._drive(world, act, self._starts[0], seed=self._seed(steps)))
            laps.append(float(world.race.laps_done.mean()))
            self.trials += _trials(world, reports[-1])
            if reports[-1].completed < self._wanted:
                break
        passed = all(report.completed >= self._wanted for report in reports)
        times = [time for report in reports for time in report.lap_times]
        again, robust = [], []
        for world in self._confirming if passed else ():
            again.append(self._drive(world, act, self._starts[1], seed=steps, to_the_end=self._thorough))
            robust.append(float(world.race.laps_done.mean()))
            if again[-1].completed < self._wanted and not self._thorough:
                break
        return Verdict(
            steps=steps,
            passed=passed,
            confirmed=passed and all(report.completed >= self._wanted for report in again),
            progress=sum(laps) / len(self._nominal),
            mean_lap=float(np.mean(times)) if passed else None,
            wheels_out=sum(report.wheels_out for report in (*reports, *again)),
            robust=sum(robust) / len(self._confirming),
            objects=self._objects,
        )

    def _seed(self, steps: int) -> int:
        """Of the nominal trials: objects in other places each time, and than in the confirming trials."""
        return steps + 1 if self._objects else 0

    def _race(self, act: Act, steps: int) -> Verdict:
        nominal, again = (
            [self._drive(world, act, begin, seed=self._seed(steps), to_the_end=True) for world in worlds]
            for worlds, begin in zip((self._nominal, self._confirming), self._starts, strict=True)
        )
        laps = np.mean([world.race.laps_done.mean() for world in self._nominal])
        for world, report in zip(self._nominal, nominal, strict=True):
            self.trials += _trials(world, report)
        reports = [*nominal, *again]
        completion = sum(report.completed for report in reports) / sum(report.trials for report in reports)
        passed = completion >= COMPLETION
        return Verdict(
            steps=steps,
            passed=passed,
            confirmed=passed,
            progress=float(laps),
            mean_lap=float(np.mean([t for r in nominal for t in r.lap_times])) if passed else None,
            wheels_out=sum(report.wheels_out for report in reports),
            racing=True,
        )

    def abandon(self) -> None:
        """Have an evaluation that another thread drives end at once, by an error."""
        self._abandoned = True

    def _drive(
        self, world: World, act: Act, starts: list[Start], seed: int, *, to_the_end: bool = False
    ) -> LapReport:
        most_failures = _HOPELESS if world.config.objects else 0
        report, _ = run_trials(
            world.config,
            act,
            starts,
            seed=seed,
            most_failures=None if to_the_end else most_failures,
            on_step=self._go_on,
            world=world,
        )
        return report

    def _go_on(self, world: World) -> None:
        if self._abandoned:
            raise InterruptedError("the evaluation is given up")

    def close(self) -> None:
        """Release the worlds."""
        for world in (*self._nominal, *self._confirming):
            world.close()


def _config(world: WorldConfig, track: Track, randomization: Randomization) -> WorldConfig:
    return dataclasses.replace(
        world,
        tracks=(track,),
        reward=None,
        laps=LAPS,
        max_steps=step_limit(track, LAPS, world.control_hz),
        direction=None,
        randomization=randomization,
    )


def _trials(world: World, report: LapReport) -> list[Trial]:
    done, times = world.race.laps_done.tolist(), world.race.time.tolist()
    return [
        Trial(100.0 * laps / LAPS, time, status)
        for laps, time, status in zip(done, times, report.statuses, strict=True)
    ]


def _starts(trials: int, direction: str | None, both: bool, shift: float) -> list[Start]:
    if not both:
        return [Start((i / trials + shift / 2) % 1.0, direction) for i in range(trials)]
    return [Start((i // 2 / (trials / 2) + shift) % 1.0, ("ccw", "cw")[i % 2]) for i in range(trials)]
