"""Pictures of laps and of learning."""

from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest

from hairpin.agents import RunError, evaluate, evaluations_of
from hairpin.agents.pictures import draw_laps, draw_learning, laps_title
from hairpin.sim.laps import Trace
from hairpin.tracks import Track, load_track

RED = np.array([1.0, 0.165, 0.165])


def red_pixels(file) -> int:
    picture = matplotlib.image.imread(file)[..., :3]
    return int((np.abs(picture - RED).max(axis=2) < 0.02).sum())


def test_laps_are_drawn_and_failures_marked(ring_run, tmp_path) -> None:
    settings = {"physics": "single_track", "trials": 2, "laps": 1}
    pictures = {}
    for direction in ("ccw", "cw"):
        evaluation = evaluate(ring_run.path, direction=direction, **settings)
        pictures[direction] = tmp_path / "new" / f"{direction}.png"
        draw_laps(pictures[direction], ring_run.track, evaluation.traces, evaluation.report)
    assert red_pixels(pictures["cw"]) > 100 + red_pixels(pictures["ccw"])
    assert laps_title(evaluation.report).startswith(
        "ring, single_track physics, clockwise\n0 of 2 trials did a lap, no lap, mean speed "
    )


def test_an_open_track_and_a_car_that_hardly_moved(ring_run, tmp_path) -> None:
    rows = load_track("oval").waypoints[:20]
    track = Track("open", rows)
    assert not track.closed
    report = evaluate(ring_run.path, physics="single_track", trials=1, laps=1, direction="cw").report
    trace = Trace(reverse=False)
    trace.pose.append(np.array([*track.center[0], 0.0]))
    trace.speed.append(0.1)
    draw_laps(tmp_path / "open.png", track, [trace], report)
    assert (tmp_path / "open.png").stat().st_size > 10_000


def test_learning_curves(discrete_run, copy_of, tmp_path) -> None:
    draw_learning(tmp_path / "learning.png", discrete_run, evaluations_of(discrete_run))
    height, width, _ = matplotlib.image.imread(tmp_path / "learning.png").shape
    assert height > 800 and width > 800
    run = copy_of(discrete_run)  # a run that was stopped before anything finished
    for file in (run.path / "training-simtrace").iterdir():
        file.unlink()
    draw_learning(tmp_path / "empty.png", run, [])
    assert (tmp_path / "empty.png").exists()


def test_pictures_that_cannot_be_written(discrete_run, tmp_path) -> None:
    with pytest.raises(RunError, match=r"give a name that ends in .png"):
        draw_learning(tmp_path / "learning.jpg", discrete_run, [])
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        draw_learning(tmp_path / "file" / "learning.png", discrete_run, [])
