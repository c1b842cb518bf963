"""`hairpin reward`: check a reward function before training, and examples to start from."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hairpin.rewards import CheckReport, Problem, Reward, RewardError
    from hairpin.tracks import Track

app = typer.Typer(help="Check reward functions before they cost a training.", no_args_is_help=True)

_PLACES = 12_000  # about so many grid points make a picture that is sharp enough and drawn in seconds


@app.command()
def check(
    file: Annotated[
        str, typer.Argument(metavar="REWARD", help="FILE.py, FILE.py:function or a built-in name.")
    ],
    track: Annotated[str, typer.Option(help="A built-in track's name or a track file.")] = "reinvent_2018",
    speeds: Annotated[str, typer.Option(help="Speeds for the picture [m/s].")] = "1,2",
    headings: Annotated[str, typer.Option(help="Headings for it, relative to the track [deg].")] = "0,30",
    race: Annotated[
        str, typer.Option(help="time_trial, or object_avoidance or head_to_bot to try it with objects.")
    ] = "time_trial",
    out: Annotated[Path | None, typer.Option(help="The picture's file (.png, .svg, .pdf).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Try a reward function on a track: problems with line and fix, its cost, and a heat map."""
    from hairpin.rewards import RewardError, resolve
    from hairpin.rewards import check as check_reward
    from hairpin.sim.situations import reward_situations
    from hairpin.tracks import load_track

    speed_list, heading_list = _numbers(speeds, "--speeds"), _numbers(headings, "--headings")
    road = load_track(track)
    picture = undrawn = None
    try:
        reward = resolve(file)
    except RewardError as error:
        report = _refused(file, error)
    else:
        report = check_reward(reward, reward_situations(road, race))
        if any(value is not None for value in report.rewards.values()):
            picture = out or Path(f"reward_{reward.name.replace(':', '_')}_{road.name}.png")
            problems, undrawn = _draw(reward, report.stateful, road, speed_list, heading_list, picture)
            report = _with(report, problems)
    shown = None if undrawn else picture
    typer.echo(json.dumps(_as_json(report, shown)) if as_json else _as_text(report, shown))
    if undrawn is not None:
        raise undrawn  # not before the report: it is worth more than its picture
    if not report.ok:
        raise typer.Exit(2)


@app.command("list")
def list_rewards() -> None:
    """List the built-in rewards."""
    from hairpin.rewards import library

    rewards = library()
    width = max(map(len, rewards))
    for name, line in rewards.items():
        typer.echo(f"{name:<{width}}  {line}")


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="REWARD", help="A built-in name or a file.")]) -> None:
    """Print a reward's source."""
    from hairpin.rewards import resolve

    typer.echo(resolve(name).source, nl=False)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    like: Annotated[str, typer.Option(help="The built-in reward to start from.")] = "center_line",
) -> None:
    """Write a reward function of your own, starting from an example."""
    from hairpin.rewards import RewardError, resolve

    source = resolve(like).source or ""
    try:
        with file.open("x", encoding="utf-8") as stream:  # "x": never over somebody's work
            stream.write(source)
    except FileExistsError as error:
        raise RewardError("exists already", file=str(file), fix="choose another name") from error
    except OSError as error:
        raise RewardError(f"cannot be written: {error.strerror}", file=str(file)) from error
    typer.echo(f"{file}: edit it, then try it with: hairpin reward check {file}")


def _with(report: CheckReport, problems: Sequence[Problem]) -> CheckReport:
    """The report with more problems, without those that are other words for one that it has."""
    from hairpin.rewards.check import in_order
    from hairpin.rewards.trial import failure

    known = {failure(problem) for problem in report.problems}
    unseen = [problem for problem in problems if failure(problem) not in known]
    return replace(report, problems=in_order([*report.problems, *unseen]))


def _draw(
    reward: Reward,
    stateful: bool,
    track: Track,
    speeds: Sequence[float],
    headings: Sequence[float],
    target: Path,
) -> tuple[list[Problem], RewardError | None]:
    """Draw the heat map; returns what failed on the way, each failure once, and why there is no picture."""
    import numpy as np

    from hairpin.rewards import Problem, RewardError, draw, evaluate_grid, resolve
    from hairpin.rewards.trial import failure
    from hairpin.sim.situations import params_grid

    fresh = resolve(reward.ref)
    angles = [math.radians(heading) for heading in headings]
    spans = np.ptp(track.waypoints.reshape(-1, 2), axis=0) + 0.5
    spacing = float(np.clip(np.sqrt(spans.prod() / _PLACES), 0.03, 0.25))
    panels, failures = [], {}
    for speed in speeds:
        for angle in angles:
            xs, ys, grid = params_grid(track, spacing, speed, angle)
            values, errors = evaluate_grid(fresh, grid, stateful=stateful)
            panels.append(values)
            failures.update({failure(error): error for error in errors})
    values = np.reshape(panels, (len(speeds), len(angles), len(ys), len(xs)))
    problems = [Problem("error", f"{e.what} [heat map]", e.line, e.fix) for e in failures.values()]
    try:
        draw(track.waypoints, xs, ys, values, speeds, angles, target, f"{reward.name} on {track.name}")
    except RewardError as error:
        return problems, error
    return problems, None


def _refused(file: str, error: RewardError) -> CheckReport:
    from hairpin.rewards import CheckReport, Problem

    return CheckReport(file, error.file or file, (Problem("error", error.what, error.line, error.fix),))


def _numbers(text: str, option: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(map(math.isfinite, numbers)):
        raise typer.BadParameter(f"{text!r} is no list of numbers such as 1,2", param_hint=option)
    return numbers


def _as_json(report: CheckReport, picture: Path | None) -> dict[str, Any]:
    timing = report.timing
    return {
        "reward": report.name,
        "file": report.file,
        "ok": report.ok,
        "stateful": report.stateful,
        "problems": [asdict(problem) for problem in report.problems],
        "situations": dict(report.rewards),
        "terms": {name: dict(terms) for name, terms in report.terms.items()},
        "timing": timing and {**asdict(timing), "share_of_step": timing.share_of_step},
        "heat_map": str(picture) if picture else None,
    }


def _as_text(report: CheckReport, picture: Path | None) -> str:
    lines = [problem.text(report.file) for problem in report.problems]
    if report.rewards:
        width = max(map(len, report.rewards))
        lines += ["", f"{'situation':<{width}}      reward"]
        for name, value in report.rewards.items():
            terms = ", ".join(f"{key} {term:.4g}" for key, term in report.terms.get(name, {}).items())
            amount = "failed" if value is None else f"{value:.4f}"
            lines.append(f"{name:<{width}}  {amount:>10}" + (f"  = {terms}" if terms else ""))
    if report.timing is not None:
        timing = report.timing
        lines += [
            "",
            f"{timing.median_us:.1f} us a call (99th percentile {timing.p99_us:.1f} us), "
            f"{100 * timing.share_of_step:.1f} % of a training step",
        ]
    if report.stateful:
        lines.append("keeps state between steps (or may): each car gets a copy of its own")
    if picture is not None:
        lines.append(f"heat map: {picture}")
    counts = Counter(problem.severity for problem in report.problems)
    words = [f"{count} {kind}{'s' * (count != 1)}" for kind, count in counts.items()]
    lines.append(", ".join(words) or "no problems found")
    return "\n".join(lines)
