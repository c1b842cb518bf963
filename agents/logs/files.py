"""Where logs lie: every folder layout that deepracer-utils 1.5.6 knows, as it is or packed, and single files.

Layouts (deepracer-utils, docs/folder-structures.md): a run of ours and deepracer-for-cloud with one worker
(`training-simtrace/`), with several (`0/training-simtrace/`), DeepRacer on AWS
(`sim-trace/training/<time>/`), the console (`sim-trace/training/training-simtrace/` and `logs/`).
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from ..errors import RunError

_ITERATION: Final = re.compile(r"(?:^|/)(training|evaluation)-simtrace/(\d+)-iteration\.csv$")
_SIMULATION: Final = re.compile(
    r"(?:^|/)(?:(training|evaluation|leaderboard)/)?([^/]+?)[-_](?:robomaker|simulation)\.log$"
)
_LARGEST: Final = 512 * 2**20  # [bytes]


@dataclass(frozen=True)
class LogFile:
    """One file of a log.

    Attributes:
        name: Where it is, for people.
        kind: "training" or "evaluation"; `None` where only its content says it.
        group: Iteration, or name of the evaluation.
        worker: Number of the worker.
        is_csv: A simtrace CSV file; else the log of a simulation.
        read: Gives its text.
    """

    name: str
    kind: str | None
    group: str
    worker: int
    is_csv: bool
    read: Callable[[], str]


def find_logs(source: Path) -> list[LogFile]:
    """The log files of a folder, of a `.tar.gz` archive, or the one file.

    Simulation logs hold the same rows as CSV files, so they are used only where there are none of the kind.

    Raises:
        RunError: There is nothing there, or no log in it.
    """
    if source.is_dir():
        listed = ((p.relative_to(source).as_posix(), _reader(p)) for p in sorted(source.rglob("*")))
        found = _known((name, read) for name, read in listed if name.endswith((".csv", ".log")))
    elif source.name.endswith((".tar.gz", ".tgz")) and source.is_file():
        found = _known(_members(source))
    elif source.is_file() and source.suffix == ".csv":
        found = [LogFile(str(source), None, "0", 0, True, _reader(source))]
    elif source.is_file():
        found = [LogFile(str(source), None, source.stem, 0, False, _reader(source))]
    else:
        raise RunError(f"no log at {source}: give a run, a folder of logs, an archive of one, or a log file")
    if not found:
        raise RunError(
            f"{source} has no logs: what is looked for are training-simtrace/*-iteration.csv, "
            "evaluation-simtrace/*-iteration.csv and *-robomaker.log or *-simulation.log"
        )
    return sorted(found, key=lambda file: (file.kind or "", _order(file.group), file.worker, file.name))


def _known(files: Iterable[tuple[str, Callable[[], str]]]) -> list[LogFile]:
    tables, logs = [], []
    for name, read in files:
        table = _csv(name, read)
        if table is not None:
            tables.append(table)
        elif match := _SIMULATION.search(name):
            kind = "evaluation" if match[1] == "leaderboard" else match[1]
            logs.append(LogFile(name, kind, match[2], 0, False, read))
    kinds = {table.kind for table in tables}
    return tables + [log for log in logs if log.kind not in kinds and (log.kind or not tables)]


def _csv(name: str, read: Callable[[], str]) -> LogFile | None:
    match = _ITERATION.search(name)
    if match is None:
        return None
    above = PurePosixPath(name).parent.parent.name
    if match[1] == "training":
        worker = int(above) if re.fullmatch(r"\d", above) else 0
        return LogFile(name, "training", match[2], worker, True, read)
    return LogFile(name, "evaluation", above.removeprefix("evaluation-") or "0", 0, True, read)


def _reader(path: Path) -> Callable[[], str]:
    def read() -> str:
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}") from error

    return read


def _members(archive: Path) -> list[tuple[str, Callable[[], str]]]:
    """Files of an archive; nothing is unpacked to the disk."""
    contents: list[tuple[str, Callable[[], str]]] = []
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.isfile() and member.name.endswith((".csv", ".log")) and member.size <= _LARGEST:
                    stream = tar.extractfile(member)
                    text = "" if stream is None else stream.read().decode("utf-8", "replace")
                    contents.append((member.name, lambda text=text: text))  # type: ignore[misc]
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RunError(f"{archive} cannot be unpacked ({error}): download it again") from error
    return sorted(contents, key=lambda entry: entry[0])


def _order(group: str) -> tuple[int, str]:
    """Iterations in the order of their numbers; evaluations, named by their time, in that of their names."""
    return (int(group), "") if group.isdecimal() else (0, group)
