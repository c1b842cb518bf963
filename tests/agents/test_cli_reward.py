"""`hairpin reward`: what it prints, writes and answers with."""

from __future__ import annotations

import json
import math
import sys
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

from hairpin.agents.cli.reward import app
from hairpin.rewards import PARAMS, RewardError, library, resolve
from hairpin.tracks import Track, TrackError

GOOD = "def reward_function(params):\n    return 0.1 if params['is_offtrack'] else float(params['speed'])\n"


def _params(track: Track, x: float, y: float, speed: float, heading: float, **changes):
    s, d = (float(v) for v in track.to_road(np.array([x, y])))
    width = float(track.width(s))
    params = {key: 0.0 if doc.type == "float" else False for key, doc in PARAMS.items()}
    params |= {key: [] for key, doc in PARAMS.items() if doc.type.startswith("list")}
    return params | {
        "x": x,
        "y": y,
        "heading": math.degrees(float(track.heading(s)) + heading),
        "distance_from_center": abs(d),
        "is_left_of_center": d > 0,
        "all_wheels_on_track": abs(d) < width / 2 - 0.1,
        "is_offtrack": abs(d) > width / 2 + 0.1,
        "track_width": width,
        "track_length": track.length,
        "progress": 100 * s / track.length,
        "steps": 10.0,
        "speed": speed,
        "waypoints": [tuple(row) for row in track.center.tolist()],
        "closest_waypoints": [0, 1],
        "closest_objects": [0, 0],
        **changes,
    }


def _situations(track: Track, race: str = "time_trial"):
    def at(share: float, d: float, **changes):
        s = share * track.length
        x, y = track.to_world(s, d)
        return _params(track, float(x), float(y), 1.0 + share, 0.0, **changes)

    return [
        ("start", at(0.001, 0.0, steps=2.0)),
        *((f"at {share:.0%}", at(share, 0.1)) for share in (0.2, 0.4, 0.6)),
        ("off the track", at(0.5, 1.0)),
    ]


def _grid(
    track: Track, spacing: float, speed: float, heading: float, steering: float = 0.0, reverse: bool = False
):
    spacing = max(spacing, 0.25)  # coarse: a test, not a picture
    low, high = track.outer.min(axis=0), track.outer.max(axis=0)
    xs, ys = (np.arange(low[i], high[i] + spacing, spacing) for i in (0, 1))
    rows = [[_params(track, float(x), float(y), speed, heading) for x in xs] for y in ys]
    for row in rows:
        for column, params in enumerate(row):
            if params["distance_from_center"] > params["track_width"]:
                row[column] = None
    return xs, ys, rows


@pytest.fixture(autouse=True)
def simulator(monkeypatch):
    """The command's way of asking the simulator, without the simulator."""
    module = ModuleType("hairpin.sim.situations")
    module.reward_situations, module.params_grid = _situations, _grid
    monkeypatch.setitem(sys.modules, "hairpin.sim.situations", module)


@pytest.fixture
def hairpin_reward(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def test_check_prints_rewards_cost_and_picture(hairpin_reward, tmp_path) -> None:
    (tmp_path / "mine.py").write_text(GOOD)
    result = hairpin_reward("check", "mine.py", "--track", "reinvent_2018")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert any(line.split() == ["at", "20%", "1.2000"] for line in lines)
    assert "us a call" in result.stdout and "% of a training step" in result.stdout
    assert lines[-2:] == ["heat map: reward_mine_reinvent_2018.png", "no problems found"]
    assert (tmp_path / "reward_mine_reinvent_2018.png").read_bytes().startswith(b"\x89PNG")


def test_check_as_json_is_one_object(hairpin_reward, tmp_path) -> None:
    (tmp_path / "mine.py").write_text(GOOD.replace("'speed'", "'speeed'"))
    result = hairpin_reward(
        "check", "mine.py", "--speeds", "1", "--headings", "0", "--out", "map.png", "--json"
    )
    assert result.exit_code == 2
    answer = json.loads(result.stdout)
    assert answer["reward"] == "mine" and answer["ok"] is False
    assert answer["situations"]["start"] is None and answer["situations"]["off the track"] == 0.1
    (problem,) = answer["problems"]
    assert (problem["severity"], problem["line"]) == ("error", 2) and "'speed'" in problem["fix"]
    assert answer["heat_map"] == "map.png" and (tmp_path / "map.png").exists()
    assert answer["timing"]["calls"] > 0


@pytest.mark.parametrize(
    ("out", "text"),
    [
        ("map.xyz", "map.xyz: no picture format 'xyz'. Fix: name the file .png, .svg or .pdf"),
        ("folder.png", "folder.png: the picture cannot be written: Is a directory. Fix: name another file"),
        ("none/map.png", "none/map.png: there is no folder for the picture. Fix: make it first"),
    ],
)
def test_a_picture_that_cannot_be_written_does_not_cost_the_report(
    hairpin_reward, tmp_path, out: str, text: str
) -> None:
    (tmp_path / "mine.py").write_text(GOOD)
    (tmp_path / "folder.png").mkdir()
    result = hairpin_reward("check", "mine.py", "--speeds", "1", "--headings", "0", "--out", out)
    assert isinstance(result.exception, RewardError) and text in str(result.exception)
    assert "us a call" in result.stdout and result.stdout.endswith("no problems found\n")
    assert "heat map:" not in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.png", "mine.py"]


def test_a_file_that_does_not_load_is_reported_and_exits_with_2(hairpin_reward, tmp_path) -> None:
    (tmp_path / "mine.py").write_text("def reward_function(params)\n")
    result = hairpin_reward("check", "mine.py")
    assert result.exit_code == 2
    assert result.stdout.startswith(f"{tmp_path}/mine.py:1: error: SyntaxError: expected ':'")
    assert json.loads(hairpin_reward("check", "mine.py", "--json").stdout)["problems"][0]["line"] == 1


def test_what_fails_only_somewhere_on_the_track_is_found_by_the_picture(hairpin_reward, tmp_path) -> None:
    (tmp_path / "mine.py").write_text(
        "def reward_function(params):\n"
        "    if params['heading'] > 130 and params['speed'] == 2.0:\n"
        "        return None\n"
        "    return params['speed']\n"
    )
    result = hairpin_reward("check", "mine.py")
    assert result.exit_code == 2
    assert "error: its result is None at step" in result.stdout and "[heat map]" in result.stdout
    assert result.stdout.count("[heat map]") == 1


@pytest.mark.parametrize("name", ["progress_per_step", "named_terms"])
def test_built_in_rewards_check_clean(hairpin_reward, name) -> None:
    result = hairpin_reward("check", name, "--speeds", "1.5", "--headings", "0")
    assert result.exit_code == 0, result.output
    assert ("keeps state" in result.stdout) == (name == "progress_per_step")
    assert ("= centre 0." in result.stdout) == (name == "named_terms")


def test_bad_arguments_are_refused(hairpin_reward, tmp_path) -> None:
    (tmp_path / "mine.py").write_text(GOOD)
    assert hairpin_reward("check", "mine.py", "--speeds", "fast").exit_code == 2
    assert isinstance(hairpin_reward("check", "mine.py", "--track", "nowhere").exception, TrackError)
    assert isinstance(hairpin_reward("check", "mine.py", "--out", "no/such/map.png").exception, RewardError)


def test_list_names_every_built_in_reward(hairpin_reward) -> None:
    lines = hairpin_reward("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(library())


def test_show_prints_the_source(hairpin_reward) -> None:
    assert hairpin_reward("show", "center_line").stdout == resolve("center_line").source
    assert isinstance(hairpin_reward("show", "centre_line").exception, RewardError)


def test_new_copies_an_example_and_never_overwrites(hairpin_reward, tmp_path) -> None:
    assert hairpin_reward("new", "mine.py", "--like", "racing_line").exit_code == 0
    assert resolve(tmp_path / "mine.py").digest == resolve("racing_line").digest
    again = hairpin_reward("new", "mine.py")
    assert isinstance(again.exception, RewardError) and "exists already" in str(again.exception)
    assert resolve(tmp_path / "mine.py").digest == resolve("racing_line").digest
    assert "cannot be written" in str(hairpin_reward("new", "no/such/mine.py").exception)
