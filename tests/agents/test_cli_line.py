"""`hairpin tracks line`: what it prints and writes, and that training takes what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hairpin.agents import TrainConfig
from hairpin.agents.config import plan
from hairpin.edge.contract import read_model_metadata
from hairpin.rewards import evaluate as pay
from hairpin.rewards import resolve


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_draws_writes_and_proposes(hairpin, folder) -> None:
    options = ("--plot", "line.png", "--out", "line.csv", "--actions", 8, "--metadata-out", "m.json")
    code, output, errors = hairpin("tracks", "line", "oval", *options)
    assert code == 0 and output.startswith("oval, ccw: 3.4")
    assert (folder / "line.png").read_bytes().startswith(b"\x89PNG")
    assert len((folder / "line.csv").read_text().splitlines()) > 100
    assert [line.split(":")[0] for line in errors.splitlines()] == ["actions", "line", "picture"]
    actions = read_model_metadata(folder / "m.json").actions
    assert actions.size == 8 and len(set(actions.actions)) == 8
    assert plan(TrainConfig(track="oval", model_metadata=folder / "m.json")).world.actions == actions


def test_json_and_the_other_way_round(hairpin, folder) -> None:
    code, output, _ = hairpin("tracks", "line", "oval", "--direction", "cw", "--max-speed", 2, "--json")
    facts = json.loads(output)
    assert code == 0 and facts["direction"] == "cw" and facts["fastest"] == pytest.approx(2.0, abs=1e-3)
    assert facts["lap_time"] == pytest.approx(6.1, abs=0.3)


def test_the_python_file_is_a_reward_for_the_line(hairpin, folder, make_line_params) -> None:
    assert hairpin("tracks", "line", "oval", "--out", "line.py")[0] == 0
    reward = resolve(folder / "line.py")
    x, y, speed = reward.function.__globals__["RACING_LINE"][10]
    on, slow, beside = (
        pay(reward, make_line_params(x, y + dy, pace))[0]
        for dy, pace in ((0.0, speed), (0.0, 0.5 * speed), (0.3, speed))
    )
    assert on == pytest.approx(1.0) and slow == pytest.approx(0.5) and beside < 0.6


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("ovla",), "did you mean oval?"),
        (("oval", "--max-speed", 9), "max_speed is 9: give 0.1 to 4 m/s"),
        (("oval", "--direction", "left"), "direction is 'left': give ccw or cw"),
        (("oval", "--actions", 2), "2 actions: give 5 to 30"),
        (("oval", "--out", "line.xls"), "write a .csv or .py file, not '.xls'"),
        (("oval", "--plot", "line.xls"), "a picture is a .png, .svg or .pdf file"),
        (("oval", "--actions", 5, "--metadata-out", "no/where.json"), "cannot write no/where.json"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(hairpin, folder, options, text) -> None:
    code, _, errors = hairpin("tracks", "line", *options)
    assert code != 0 and text in errors and len(errors.strip().splitlines()) == 1
    assert not list(folder.iterdir())


@pytest.fixture
def make_line_params():
    def make(x: float, y: float, speed: float) -> dict[str, object]:
        return {"all_wheels_on_track": True, "x": x, "y": y, "speed": speed, "track_width": 0.8}

    return make


def test_speeds_are_never_above_the_cap(hairpin, folder) -> None:
    assert hairpin("tracks", "line", "bowtie", "--max-speed", 3, "--out", "b.csv")[0] == 0
    head, *rows = (folder / "b.csv").read_text().splitlines()
    speed = [float(row.split(",")[head.split(",").index("speed_mps")]) for row in rows]
    assert np.max(speed) <= 3.0001
