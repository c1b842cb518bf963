"""Evaluation: a trained policy, or an exported bundle, drives laps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final

from hairpin.edge.contract import Contract
from hairpin.sim import Bots, Obstacles, Randomization, World, WorldConfig
from hairpin.sim.errors import check_whole
from hairpin.sim.laps import PENALTIES, Act, LapReport, Trace, run_trials, starts, step_limit, world_of
from hairpin.sim.rules import Status
from hairpin.sim.trace import LapRecorder
from hairpin.tracks import Track, builtin_track, load_track

from .errors import RunError
from .logs.evaluations import check_log_place, write_evaluation
from .presets import preset
from .run import RUN_FILE, Run, open_run, race_of

BUNDLE_SUFFIX: Final = ".tar.gz"
_LONGEST_PENALTY: Final = 1000  # [s]


@dataclass(frozen=True)
class Subject:
    """What is evaluated: a policy with what it sees and says, and the tracks that it was trained on.

    Attributes:
        name: For people.
        act: The policy.
        contract: What it sees and says.
        tracks: Its own tracks, if there is a copy at hand.
        run: The run that it is of, if it is not a bundle.
    """

    name: str
    act: Act
    contract: Contract
    tracks: tuple[Track, ...] = ()
    run: Run | None = None


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation gave.

    Attributes:
        report: The figures.
        traces: Every step of every trial.
        world: The world that was driven in.
        log: The folder with the log of every step, if one was written.
    """

    report: LapReport
    traces: list[Trace]
    world: WorldConfig
    log: Path | None = None


def evaluate(
    source: str | Path,
    *,
    track: str | Path | Track | None = None,
    physics: str = "bullet",
    renderer: str = "raycast",
    trials: int = 8,
    laps: int = 3,
    direction: str | None = None,
    seed: int = 0,
    resets: int = 0,
    off_track_penalty: float = PENALTIES[Status.OFF_TRACK],
    collision_penalty: float = PENALTIES[Status.CRASHED],
    mercy: int = 0,
    randomization: Randomization | str = "none",
    race: str | None = None,
    obstacles: Obstacles | int | None = None,
    bots: Bots | int | None = None,
    on_step: Callable[[World], None] | None = None,
    log: bool = False,
) -> Evaluation:
    """Let a policy drive, and report.

    Trials start at places spread evenly over the lap, the first on the start line. A trial is completed when
    it did all its laps; leaving the track or running into an object ends it, unless `resets` are given.

    Args:
        source: A run folder (its best checkpoint drives) or a bundle.
        track: Where to drive; the policy's own track if not given, which a policy of several tracks needs.
        physics: "bullet", so that each evaluation is a rehearsal of the jump to reality, or "single_track".
        renderer: "raycast" or "bullet".
        trials: How many.
        laps: Laps of each.
        direction: "ccw", "cw" or "both"; as in its training if not given, and both for a bundle.
        seed: Of what `randomization` draws.
        resets: How often a car that leaves the track or runs into something is put back with a penalty, as
            DeepRacer's evaluation does.
        off_track_penalty: Time that leaving the track or going backwards then costs [s].
        collision_penalty: Time that running into something then costs [s].
        mercy: How often a car is put back behind the same box until it goes on ahead of it; 0 for ever.
        randomization: What differs between trials.
        race: "time_trial", "object_avoidance" or "head_to_bot"; the run's own if not given, and a time trial
            for a bundle. Objects stand in other places in each trial if they are drawn.
        obstacles: The boxes, or how many; the run's own if neither race nor boxes are given.
        bots: The slow cars, or how many; likewise.
        on_step: Called after every step of all cars.
        log: Log every step into the run's folder, as DeepRacer does; a bundle has none.

    Raises:
        RunError, BundleError, SimError, TrackError: Something cannot be used.
    """
    for name, value, least in (
        ("trials", trials, 1),
        ("laps", laps, 1),
        ("resets", resets, 0),
        ("mercy", mercy, 0),
        ("seed", seed, 0),
    ):
        check_whole(name, value, least, RunError)
    for name, seconds in (("off_track_penalty", off_track_penalty), ("collision_penalty", collision_penalty)):
        if not 0 <= seconds <= _LONGEST_PENALTY:
            raise RunError(f"{name} is {seconds}: give 0 to {_LONGEST_PENALTY} seconds")
    if mercy and not resets:
        raise RunError(f"mercy is {mercy} without resets, so nobody is put back: give resets (--resets) too")
    penalties = {**PENALTIES, Status.OFF_TRACK: off_track_penalty, Status.REVERSED: off_track_penalty}
    penalties[Status.CRASHED] = collision_penalty
    subject = open_subject(source)
    logged = subject.run if log else None
    if logged is not None:
        check_log_place(logged)
    road = only_track(tracks_of(subject, track), subject)
    contract = subject.contract
    waiting = resets * round(max(penalties.values()) * contract.control_hz)
    config = world_of(
        contract,
        road,
        laps,
        physics=physics,
        renderer=renderer,
        max_steps=step_limit(road, laps, contract.control_hz) + waiting,
        start="line",
        randomization=randomization,
        **_race(subject, race, obstacles, bots),
    )
    with closing(World(config, trials)) as cars:
        cars.recorder = recorder = LapRecorder(trials)
        report, traces = run_trials(
            config,
            subject.act,
            starts(trials, direction or _own_direction(subject)),
            seed=seed,
            resets=resets,
            penalties=penalties,
            mercy=mercy,
            on_step=on_step,
            world=cars,
        )
    folder = None if logged is None else write_evaluation(logged, recorder)
    return Evaluation(report, traces, config, folder)


def _race(
    subject: Subject, race: str | None, obstacles: Obstacles | int | None, bots: Bots | int | None
) -> dict[str, Any]:
    """What is raced: as asked for, and else what the policy was trained for."""
    own = {} if subject.run is None else race_of(subject.run)
    if race is not None and race != own.get("race"):
        own = {"race": race}
    given = {"obstacles": obstacles, "bots": bots}
    return own | {name: value for name, value in given.items() if value is not None}


def open_subject(source: str | Path) -> Subject:
    """The policy of a run folder or a bundle.

    Raises:
        RunError, BundleError: It is neither, or broken.
    """
    path = Path(source)
    if path.name.endswith(BUNDLE_SUFFIX) and not path.exists():
        raise RunError(f"no bundle at {path}: hairpin export RUN --out {quote(str(path))} makes one")
    if path.is_dir() or not path.exists():
        from .head import act_with
        from .learner import load_model

        run = open_run(path)
        contract = run.contract
        model = load_model(run.best.path, contract.algorithm)
        return Subject(run.name, act_with(model), contract, run.tracks, run)
    if path.name == RUN_FILE or path.suffix == ".zip":
        raise RunError(f"{path} is a part of a run: give the run's folder")
    from hairpin.edge.policy import Policy

    policy = Policy.load(path)
    return Subject(path.name, policy.act, policy.contract)


def tracks_of(subject: Subject, track: str | Path | Track | None) -> tuple[Track, ...]:
    """The track asked for, or the policy's own ones.

    Raises:
        TrackError: There is no such track.
        RunError: A bundle knows its track by name and digest only, and there is no such built-in track.
    """
    if track is not None:
        return (load_track(track),)
    if subject.tracks:
        return subject.tracks
    wanted = subject.contract.track
    found = builtin_track(wanted.name, wanted.digest)
    if found is not None:
        return (found,)
    raise RunError(
        f"{subject.name} was trained on {wanted.name!r}, which is not a built-in track: give --track"
    )


def only_track(tracks: tuple[Track, ...], subject: Subject) -> Track:
    """The one track to drive on.

    Raises:
        RunError: There are several.
    """
    if len(tracks) > 1:
        names = ", ".join(track.name for track in tracks)
        raise RunError(f"{subject.name} was trained on several tracks: give one of {names} as track")
    return tracks[0]


def _own_direction(subject: Subject) -> str | None:
    """The direction that a policy was trained in; `None` is the order of the track's rows."""
    if subject.run is None:
        return "both"
    settings = subject.run.settings["settings"]
    direction: str | None = settings.get("direction") or preset(settings["preset"]).direction
    return "both" if direction == "alternate" else direction
