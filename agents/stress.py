"""The robustness card: how well a policy laps under each disturbance alone, at several strengths."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from hairpin.sim import Randomization, World, WorldConfig
from hairpin.sim.errors import check_whole
from hairpin.sim.laps import Act, LapReport, Start, run_trials, starts, world_of
from hairpin.sim.report import merge
from hairpin.tracks import Track

from .disturbances import NOMINAL, disturbances
from .errors import RunError
from .evaluation import only_track, open_subject, tracks_of

#: Of each disturbance and strength: a minute in the one physics, some minutes in the other.
TRIALS: Final = {"single_track": 16, "bullet": 8}


@dataclass(frozen=True)
class Result:
    """What came of one disturbance at one strength.

    Attributes:
        strength: For people.
        completion: Share of the trials that did all their laps.
        wheels_out: Share of the driven steps on which a wheel was off the road.
        mean_speed: [m/s].
        steering_change: Mean change of the steering command from step to step [deg].
    """

    strength: str
    completion: float
    wheels_out: float
    mean_speed: float
    steering_change: float


@dataclass(frozen=True)
class Card:
    """A policy's robustness.

    Attributes:
        policy: Name of the run or bundle.
        track: Name of the track.
        physics: "single_track" or "bullet".
        direction: "ccw", "cw" or "both".
        trials: Of each disturbance and strength.
        laps: Laps of each trial.
        nominal: What came of undisturbed trials.
        disturbances: By name, with their results, weaker ones first.
    """

    policy: str
    track: str
    physics: str
    direction: str
    trials: int
    laps: int
    nominal: Result
    disturbances: dict[str, list[Result]]

    @property
    def score(self) -> float:
        """Mean completion over the disturbances, each the mean over its strengths."""
        return sum(_mean(results) for results in self.disturbances.values()) / len(self.disturbances)

    @property
    def weakest(self) -> str:
        """The disturbance that the fewest trials complete; "none" if all complete all."""
        name = min(self.disturbances, key=lambda name: _mean(self.disturbances[name]))
        return name if _mean(self.disturbances[name]) < 1.0 else "none"

    def to_dict(self) -> dict[str, Any]:
        """All of it as what `json.dump` takes."""
        return dataclasses.asdict(self) | {"score": self.score, "weakest": self.weakest}


def _mean(results: Sequence[Result]) -> float:
    return sum(result.completion for result in results) / len(results)


def stress(
    source: str | Path,
    *,
    track: str | Path | Track | None = None,
    physics: str | None = None,
    trials: int | None = None,
    laps: int = 1,
    direction: str = "both",
    seed: int = 0,
    on_cell: Callable[[str, int, int], None] | None = None,
) -> Card:
    """Drive trials under every disturbance.

    Args:
        source: A run folder (its best checkpoint drives) or a bundle.
        track: Where to drive; the policy's own track if not given.
        physics: "bullet" or "single_track"; if not given, PyBullet if it is installed.
        trials: Of each disturbance and strength, spread evenly over the lap; a multiple of 4. If not given,
            16, or 8 in PyBullet.
        laps: Laps of each trial.
        direction: "ccw", "cw" or "both".
        seed: Of what is drawn.
        on_cell: Told which disturbance comes next, how many cells are done, and how many there are.

    Raises:
        RunError, BundleError, SimError, TrackError: Something cannot be used.
    """
    physics = physics or ("bullet" if find_spec("pybullet") else "single_track")
    trials = TRIALS.get(physics, 16) if trials is None else trials
    for name, value, least in (("trials", trials, 4), ("laps", laps, 1), ("seed", seed, 0)):
        check_whole(name, value, least, RunError)
    if trials % 4:
        raise RunError(f"trials is {trials}: give a multiple of 4, for both directions and both sides")
    subject = open_subject(source)
    road, contract = only_track(tracks_of(subject, track), subject), subject.contract
    config = world_of(contract, road, laps, physics=physics, start="line")
    rows = disturbances()
    jobs = [("undisturbed", NOMINAL), *((row.name, cell) for row in rows for cell in row.cells)]
    results: dict[str, list[Result]] = {}
    places = list(enumerate(starts(trials, direction)))
    begin = [[start for i, start in places if i // 2 % 2 == side] for side in range(2)]
    with ExitStack() as stack:
        worlds = _Worlds(config, trials // 2, stack)
        for i, (name, cell) in enumerate(jobs):
            if on_cell is not None:
                on_cell(name, i, len(jobs))
            reports = [
                _drive(worlds.of(variant), subject.act, begin[side], seed + side)
                for side, variant in enumerate(cell.variants)
            ]
            results.setdefault(name, []).append(_result(cell.label, merge(reports), contract.control_hz))
    return Card(
        policy=subject.name,
        track=road.name,
        physics=config.physics,
        direction=direction,
        trials=trials,
        laps=laps,
        nominal=results.pop("undisturbed")[0],
        disturbances=results,
    )


class _Worlds:
    """One world of each set of colours: what else trials differ in is drawn when they begin."""

    def __init__(self, config: WorldConfig, num_cars: int, stack: ExitStack) -> None:
        self._config, self._num_cars, self._stack = config, num_cars, stack
        self._worlds: dict[tuple[int, int], World] = {}

    def of(self, randomization: Randomization) -> World:
        """A world whose cars differ as asked for."""
        config = dataclasses.replace(self._config, randomization=randomization)
        key = randomization.styles, randomization.style_seed
        if key not in self._worlds:
            self._worlds[key] = self._stack.enter_context(closing(World(config, self._num_cars)))
        self._worlds[key].config = config
        return self._worlds[key]


def _drive(world: World, act: Act, begin: Sequence[Start], seed: int) -> LapReport:
    return run_trials(world.config, act, begin, seed=seed, world=world)[0]


def _result(strength: str, report: LapReport, control_hz: float) -> Result:
    return Result(
        strength=strength,
        completion=report.completion_rate,
        wheels_out=report.wheels_out / max(report.time * control_hz, 1.0),
        mean_speed=report.mean_speed,
        steering_change=report.steering_change,
    )
