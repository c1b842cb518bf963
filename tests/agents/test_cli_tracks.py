"""`hairpin tracks`: what it prints, where, and what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hairpin.agents.cli.tracks import app
from hairpin.tracks import TrackError, generate, load_track, save_track, track_names

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_list_has_a_row_for_every_track(folder: Path) -> None:
    rows = run("list").stdout.splitlines()
    assert [row.split()[0] for row in rows[1:]] == track_names()
    assert "17.6 m  0.76 m  ccw" in next(row for row in rows if row.startswith("reinvent_2018"))


def test_list_as_json_is_one_value_with_plain_numbers(folder: Path) -> None:
    facts = {entry["name"]: entry for entry in json.loads(run("list", "--json").stdout)}
    assert facts["reinvent_2018"]["length"] == pytest.approx(17.6, abs=0.01)
    assert facts["alley"]["direction"] == "cw" and facts["alley"]["closed"] is True
    assert set(facts) == set(track_names())


def test_show_draws_a_picture_and_keeps_messages_off_stdout(folder: Path) -> None:
    result = run("show", "reinvent_2018")
    assert "17.60 m, counter-clockwise" in result.stdout and "picture" not in result.stdout
    assert "picture: reinvent_2018.png" in result.stderr
    assert (folder / "reinvent_2018.png").read_bytes().startswith(PNG)
    assert json.loads(run("show", "oval", "--json", "--out", "o.svg").stdout)["name"] == "oval"
    assert "<svg" in (folder / "o.svg").read_text()


def test_the_picture_shows_road_on_ground(folder: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    run("show", "oval")
    picture = cv2.imread("oval.png").astype(int)
    blue, green, red = picture.transpose(2, 0, 1)
    ground = ((green > red + 20) & (green > blue + 20)).mean()
    road = ((np.ptp(picture, axis=2) < 15) & (picture.mean(axis=2) < 90)).mean()
    assert ground > 0.3 and 0.1 < road < 0.6


def test_show_open_and_real_tracks(folder: Path, deepracer_data: Path) -> None:
    data = deepracer_data / "tracks"
    assert "open" in run("show", str(data / "Straight_track.npy")).stdout
    assert "repeated" in run("show", str(data / "Tokyo_Training_track.npy")).stdout
    assert (folder / "Straight_track.png").stat().st_size > 5000


def test_import_converts_between_formats(folder: Path) -> None:
    save_track(generate(1), folder / "a.npy")
    result = run("import", "a.npy", "--out", "b.csv")
    assert "wrote b.csv" in result.stderr and "20.00 m" in result.stdout
    run("import", "b.csv")
    assert load_track("b.npy").length == pytest.approx(20.0, abs=0.001)


def test_import_never_writes_over_a_file_unasked(folder: Path) -> None:
    save_track(generate(1), folder / "a.npy")
    before = (folder / "a.npy").read_bytes()
    assert "needs no conversion" in run("import", "a.npy").stderr
    run("import", "a.npy", "--out", "a.csv")
    with pytest.raises(TrackError, match="exists already"):
        run("import", "a.csv")
    assert (folder / "a.npy").read_bytes() == before


def test_import_scales_other_units(folder: Path) -> None:
    np.save("mm.npy", generate(1).waypoints * 1000)
    with pytest.raises(TrackError, match="--scale"):
        run("import", "mm.npy", "--out", "m.npy")
    run("import", "mm.npy", "--scale", "0.001", "--out", "m.npy")
    assert load_track("m.npy").length == pytest.approx(20.0)
    for words, text in ((["m.npy", "--scale", "-1"], "above 0"), (["oval", "--scale", "2"], "in metres")):
        with pytest.raises(TrackError, match=text):
            run("import", *words)


def test_generate_writes_one_or_many(folder: Path) -> None:
    assert "random_3.npy" in run("generate", "--seed", "3").stdout
    assert load_track("random_3.npy").digest == generate(3).digest
    rows = run(
        "generate", "--seed", "5", "--count", "3", "--length", "12", "--out", "many"
    ).stdout.splitlines()
    assert len(rows) == 4
    assert sorted(path.name for path in Path("many").iterdir()) == [f"random_{n}.npy" for n in (5, 6, 7)]
    run("generate", "--out", "mine.csv", "--width", "0.6")
    assert np.median(load_track("mine.csv").width(np.arange(0, 20, 0.5))) == pytest.approx(0.6, abs=0.01)
    assert CliRunner().invoke(app, ["generate", "--count", "2", "--out", "x.npy"]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["show", "ovall"], "did you mean oval"),
        (["show", "oval", "--out", "oval.xyz"], "a picture is a .png"),
        (["show", "oval", "--out", "none/oval.png"], "No such file"),
        (["import", "none.npy"], "no file none.npy"),
        (["generate", "--length", "1"], "length 1 m is outside"),
        (["generate", "--out", "mine.track"], "drawn by hand"),
        (["generate", "--out", f"{__file__}/x"], "Not a directory; name another folder with --out"),
    ],
)
def test_bad_input_is_a_track_error(folder: Path, words: list[str], text: str) -> None:
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, TrackError) and text in str(result.exception)
    assert list(folder.iterdir()) == []


def test_the_command_starts_without_heavy_imports() -> None:
    heavy = "'numpy', 'matplotlib', 'torch'"
    code = f"import sys, hairpin.agents.cli.tracks; print([m for m in ({heavy}) if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
