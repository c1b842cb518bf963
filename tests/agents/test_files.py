"""Places that cannot be written to are found out before time is spent on what would be written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from hairpin.agents import RunError, evaluate, resume
from hairpin.agents.files import check_writable
from hairpin.agents.logs.analysis import analyze
from hairpin.agents.watch import evaluate_and_show, stress_and_show

QUICK = {"physics": "single_track", "trials": 1, "laps": 1}


@pytest.fixture
def sealed(copy_of, discrete_run, monkeypatch):
    """A run in a folder that nothing can be written to; tests may run as root, who can write anywhere."""
    run = copy_of(discrete_run)
    make = tempfile.TemporaryFile

    def refuse(*arguments, dir: Path, **settings):
        if Path(dir).is_relative_to(run.path):
            raise PermissionError(13, "Permission denied")
        return make(*arguments, dir=dir, **settings)

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    return run


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda run: evaluate(run.path, log=True, **QUICK), "Permission denied; evaluate with --no-log"),
        (lambda run: resume(run.path, steps=4096), "cannot be written to: Permission denied; to go on, copy"),
        (lambda run: stress_and_show(run.path), "Permission denied; copy the run, or give a bundle of it"),
        (lambda run: analyze(run.path), "Permission denied; name another folder with --out"),
        (
            lambda run: evaluate_and_show(run.path, plot=run.path / "laps.png", log=False, **QUICK),
            "laps.png cannot be written: Permission denied; give another folder",
        ),
    ],
)
def test_a_run_that_cannot_be_written_to_is_refused_at_once(sealed, monkeypatch, use, text) -> None:
    monkeypatch.setattr("hairpin.sim.World.step", lambda *arguments: pytest.fail("it drove before"))
    before = contents(sealed.path)
    with pytest.raises(RunError, match=text) as refused:
        use(sealed)
    assert "\n" not in str(refused.value)
    assert contents(sealed.path) == before


def test_without_a_log_it_is_evaluated(sealed) -> None:
    assert evaluate(sealed.path, log=False, **QUICK).log is None


def test_a_folder_is_made_and_left_empty(tmp_path) -> None:
    check_writable(tmp_path / "a" / "b", "no", "give up")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="no: File exists; give up"):
        check_writable(tmp_path / "file", "no", "give up")
