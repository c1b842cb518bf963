"""`hairpin analyze` and `replay`: what logs say, ours and DeepRacer's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JSON

if TYPE_CHECKING:
    from ..logs.figures import Figures
    from ..logs.log import Log
    from ..logs.replay import Rewards

_SHOWN = 15  # episodes in the table of rewards

_SOURCE_HELP = "A run, a folder of DeepRacer logs (any layout), a .tar.gz of one, a CSV or .log file."
_TRACK = typer.Option("--track", help="The track's name or file, where it cannot be told from the log.")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (analyze, replay):
        app.command()(command)


def analyze(
    source: Annotated[Path, typer.Argument(metavar="LOGS", help=_SOURCE_HELP)],
    track: Annotated[str | None, _TRACK] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the pictures.")] = None,
    compare: Annotated[Path | None, typer.Option("--compare", help="Other logs to draw beside them.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Tabulate logs of training and evaluation, and draw them: lines, speeds, actions, where it went wrong.

    Example: hairpin analyze runs/mine --compare runs/other
    """
    from ..logs.analysis import analyze as analyze_logs

    analysis = analyze_logs(source, track=track, out=out, compare=compare)
    if as_json:
        typer.echo(json.dumps(analysis.to_dict()))
        return
    for kind in analysis.logs:
        heading = {"training": "iteration", "evaluation": "evaluation"}[kind]
        title = f"{source}: {kind}" + (f" on {analysis.track}" if analysis.track else "")
        _print_table(title, heading, [*analysis.groups[kind], analysis.totals[kind]])
    if not analysis.is_drawn:
        named = f"{analysis.track} is no built-in track" if analysis.track else "the track is not known"
        typer.echo(f"{named}, so it is not drawn: give --track NAME_OR_FILE", err=True)
    for path in analysis.pictures:
        typer.echo(f"wrote {path}", err=True)


def replay(
    source: Annotated[Path, typer.Argument(metavar="LOG", help=_SOURCE_HELP)],
    track: Annotated[str | None, _TRACK] = None,
    video: Annotated[
        Path | None, typer.Option("--video", help="Film the episode into this .mp4 file.")
    ] = None,
    reward: Annotated[
        str | None, typer.Option("--reward", help="A reward file or name: what would it have paid?")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the episode's rewards into this .png file.")
    ] = None,
    episode: Annotated[int | None, typer.Option("--episode", help="Its number; the best one else.")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="training or evaluation, where both are.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="For a recording of hairpin-car: what would this policy have done?"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Show the car of a log on its track, and what a reward function would have paid on every step.

    So a reward is tuned on old laps, without training. A recording of hairpin-car (.mcap) is replayed too:
    with --bundle a policy decides on its frames, and the differences are shown; rewards and videos need to
    know where the car was, which recorded rehearsals do and real cars do not.

    Example: hairpin replay runs/mine --video best.mp4 --reward my_reward.py
    """
    from ..errors import RunError
    from ..logs.replay import film_episode, open_log, pay, pick, road_of
    from ..logs.run_pictures import draw_rewards
    from ..pictures import check_picture

    recorded = source.suffix == ".mcap"
    if bundle is not None and not recorded:
        raise RunError(f"--bundle needs the frames of a recording: {source} is no .mcap file")
    if recorded and not (as_json and (reward or video)):
        from .recordings import show_recording

        show_recording(source, bundle, as_json)
        if video is None and reward is None:
            return
    if video is None and reward is None:
        raise RunError("nothing to do: give --video FILE.mp4, --reward FILE.py or both")
    if plot is not None:
        check_picture(plot)
        if reward is None:
            raise RunError("--plot draws rewards: give --reward FILE.py too")
    log = _recorded_log(source, track) if recorded else open_log(source, kind)
    road = road_of(log, track)
    chosen = pick(log, episode)
    one = log.one(chosen)
    facts: dict[str, object] = {
        "kind": log.kind,
        "track": road.name,
        "episode": int(one.episode[0]),
        "progress": float(one.progress.max()),
        "time": float(log.lap_time[chosen]),
    }
    if reward is not None:
        rewards = pay(log, road, reward)
        facts |= _reward_facts(rewards, reward)
        if plot is not None:
            rows = slice(int(log.bounds[chosen]), int(log.bounds[chosen + 1]))
            draw_rewards(plot, one, rewards.paid[rows], reward, road)
        if not as_json:
            _print_rewards(rewards, chosen, reward)
    if video is not None:
        film_episode(video, one, road)
        facts["video"] = str(video)
    typer.echo(
        json.dumps(facts)
        if as_json
        else f"{log.kind} episode {facts['episode']} on {road.name}: {facts['progress']:.1f} % "
        f"in {facts['time']:.2f} s" + (f", filmed in {video}" if video else "")
    )


def _recorded_log(source: Path, track: str | None) -> Log:
    from ..logs.driven import log_of
    from ..logs.recordings import read_drive

    return log_of(read_drive(source), track)


def _reward_facts(rewards: Rewards, name: str) -> dict[str, object]:
    log = rewards.log
    return {
        "reward": name,
        "logged": log.total_reward.tolist(),
        "paid": rewards.total.tolist(),
        "episodes": log.episode[log.bounds[:-1]].tolist(),
    }


def _print_rewards(rewards: Rewards, chosen: int, name: str) -> None:
    """Print what episodes were paid and would have been: those around the chosen one, and all."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    log, total = rewards.log, rewards.total
    table = Table("episode", title=f"{log.source}: rewards by {name}", box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("group", justify="right", overflow="fold")
    for head in ("steps", "progress %", "logged", "would be", "per step"):
        table.add_column(head, justify="right", no_wrap=True)
    first = min(max(chosen - _SHOWN // 2, 0), max(log.num_episodes - _SHOWN, 0))
    shown = range(first, min(first + _SHOWN, log.num_episodes))
    for k in shown:
        rows = slice(int(log.bounds[k]), int(log.bounds[k + 1]))
        count = rows.stop - rows.start
        table.add_row(
            f"{log.episode[rows.start]}" + (" *" if k == chosen else ""),
            str(log.group[rows.start]),
            str(count),
            f"{log.progress[rows].max():.1f}",
            f"{log.total_reward[k]:.2f}",
            f"{total[k]:.2f}",
            f"{total[k] / count:.3f}",
            end_section=k == shown[-1],
        )
    sums = f"{log.reward.sum():.2f}", f"{total.sum():.2f}", f"{total.sum() / len(log.x):.3f}"
    table.add_row("all", "", str(len(log.x)), "", *sums)
    Console().print(table)


def _print_table(title: str, heading: str, rows: list[Figures]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    heads = ("episodes", "mean %", "best %", "laps", "lap s", "reward", "m/s", "asked")
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 0, 0, 1))  # 80 columns are few
    table.add_column(heading, overflow="fold")
    for name in heads:
        table.add_column(name, justify="right", no_wrap=True)  # half a number says nothing
    for row in rows:
        table.add_row(
            row.group,
            str(row.episodes),
            f"{row.mean_progress:.1f}",
            f"{row.best_progress:.1f}",
            str(row.laps),
            "-" if row.best_lap is None else f"{row.best_lap:.2f}",
            f"{row.mean_reward:.2f}",
            f"{row.mean_speed:.2f}",
            f"{row.mean_command:.2f}",
            end_section=row is rows[-2],
        )
    Console().print(table)
