"""`hairpin analyze`: the figures of a folder of logs, and the pictures of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hairpin.tracks import Track, load_track

from ..errors import RunError
from ..files import check_writable
from ..run import RUN_FILE
from .figures import Figures, figures_of, per_group
from .lap_pictures import draw_actions, draw_laps_along, draw_lines, draw_off_tracks
from .log import Log
from .read import read_logs
from .roads import on_track, track_of_log, tracks_of_log
from .run_pictures import draw_comparison, draw_iterations


@dataclass(frozen=True)
class Analysis:
    """What a folder of logs says.

    Attributes:
        logs: "training" and "evaluation", those that there are.
        groups: Their figures per iteration, or per evaluation.
        totals: Their figures in all.
        track: Name of the track, or names of the tracks, if they are known.
        is_drawn: Whether the pictures show it.
        pictures: Files that were drawn.
    """

    logs: Mapping[str, Log]
    groups: Mapping[str, list[Figures]]
    totals: Mapping[str, Figures]
    track: str | None
    is_drawn: bool
    pictures: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as what `json.dump` takes."""
        return {
            "track": self.track,
            **{
                kind: {
                    "all": self.totals[kind].to_dict(),
                    "groups": [figures.to_dict() for figures in self.groups[kind]],
                }
                for kind in self.logs
            },
            "pictures": [str(path) for path in self.pictures],
        }


def analyze(
    source: str | Path,
    *,
    track: str | Path | None = None,
    out: Path | None = None,
    compare: str | Path | None = None,
) -> Analysis:
    """Read a folder of logs, ours or DeepRacer's, and draw what log analysts look for.

    Args:
        source: A run, a folder of logs in any of DeepRacer's layouts, an archive of one, or one log file.
        track: The track's name or file, where the log does not say it.
        out: Folder for the pictures; `analysis` in a run, else `analysis-<name>` here.
        compare: Another such source to draw beside it.

    Raises:
        RunError: There is no log, or a line of it cannot be read, or a picture cannot be written.
        TrackError: The track cannot be read.
    """
    source = Path(source)
    logs = read_logs(source)
    other = read_logs(compare) if compare is not None else None
    tracks = {kind: tracks_of_log(log, track) for kind, log in logs.items()}
    folder = out or (
        source / "analysis" if (source / RUN_FILE).is_file() else Path(f"analysis-{_name(source)}")
    )
    check_writable(folder, f"pictures cannot be written to {folder}", "name another folder with --out")
    pictures: list[Path] = []
    for kind, log in logs.items():
        pictures += _draw(folder, kind, log, tracks[kind])
    if other is not None and compare is not None:
        names = _name(source), _name(Path(compare))
        pictures.append(_compare(folder, logs, other, names, track))
    known = ", ".join(road.name for road in next((roads for roads in tracks.values() if roads), []))
    return Analysis(
        logs=logs,
        groups={kind: per_group(log) for kind, log in logs.items()},
        totals={kind: figures_of(log) for kind, log in logs.items()},
        track=known or next((log.world for log in logs.values() if log.world), None),
        is_drawn=bool(known),
        pictures=tuple(pictures),
    )


def _draw(folder: Path, kind: str, log: Log, tracks: Sequence[Track]) -> list[Path]:
    drawn = []
    if kind == "training":
        drawn.append(folder / "training_iterations.png")
        draw_iterations(drawn[-1], log)
    if len(tracks) < 2:
        return drawn + _draw_on(folder, kind, log, tracks[0] if tracks else None)
    for track in tracks:
        drawn += _draw_on(folder / track.name, kind, log.take(on_track(log, track)), track)
    return drawn


def _draw_on(folder: Path, kind: str, log: Log, track: Track | None) -> list[Path]:
    drawn = []
    for name, draw in (("lines", draw_lines), ("laps", draw_laps_along), ("actions", draw_actions)):
        drawn.append(folder / f"{kind}_{name}.png")
        draw(drawn[-1], log, track)
    off = folder / f"{kind}_off_track.png"
    if draw_off_tracks(off, log, track):
        drawn.append(off)
    return drawn


def _compare(
    folder: Path,
    ours: Mapping[str, Log],
    theirs: Mapping[str, Log],
    names: tuple[str, str],
    track: str | Path | None,
) -> Path:
    kind = next((kind for kind in ("training", "evaluation") if kind in ours and kind in theirs), None)
    if kind is None:
        raise RunError(
            f"{names[0]} has logs of {' and '.join(ours)} only, {names[1]} of {' and '.join(theirs)} only: "
            "compare logs of the same kind"
        )
    first, second = names if names[0] != names[1] else (f"{names[0]} (1)", f"{names[1]} (2)")
    path = folder / "compare.png"
    only = load_track(track) if track is not None else None
    roads = [
        track_of_log(log, only if only is not None and on_track(log, only).any() else None)
        for log in (ours[kind], theirs[kind])
    ]
    draw_comparison(path, {first: ours[kind], second: theirs[kind]}, roads)
    return path


def _name(source: Path) -> str:
    return source.resolve().name.removesuffix(".tar.gz").removesuffix(".tgz").removesuffix(".log")
