"""Videos of evaluations."""

from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from rich.console import Console

from hairpin.agents import RunError
from hairpin.agents.video import film
from hairpin.agents.watch import evaluate_and_show
from hairpin.sim import World
from hairpin.sim.paint import HEIGHT, WIDTH


def frames_of(file: Path) -> list[np.ndarray]:
    reader = imageio_ffmpeg.read_frames(str(file))
    size = next(reader)["size"]
    return [np.frombuffer(frame, np.uint8).reshape(size[1], size[0], 3) for frame in reader]


def show(source, **settings):
    console = Console(quiet=True)
    [evaluation] = evaluate_and_show(source, physics="single_track", laps=1, console=console, **settings)
    return evaluation


def test_a_video_has_a_frame_per_step_of_the_first_trial(ring_run, tmp_path) -> None:
    file, plot = tmp_path / "new" / "laps.mp4", tmp_path / "laps.png"
    # Counter-clockwise, then clockwise, which fails: the first trial is the longer one.
    evaluation = show(ring_run.path, trials=2, video=file, plot=plot)
    steps = [len(trace.pose) for trace in evaluation.traces]
    assert steps[0] > 100 > steps[1]
    frames = frames_of(file)
    assert len(frames) == steps[0]
    assert frames[0].shape == (HEIGHT, WIDTH, 3)
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 1.0
    assert plot.exists() and sorted(p.name for p in file.parent.iterdir()) == ["laps.mp4"]


def test_a_first_trial_that_ends_early_ends_the_video(ring_run, tmp_path) -> None:
    evaluation = show(ring_run.path, trials=1, direction="cw", video=tmp_path / "laps.mp4")
    assert len(frames_of(tmp_path / "laps.mp4")) == len(evaluation.traces[0].pose) < 100


def test_a_failing_evaluation_leaves_no_half_video(ring_run, tmp_path, monkeypatch) -> None:
    file = tmp_path / "laps.mp4"
    file.write_text("former")
    with pytest.raises(RunError, match="no run at"):
        show(tmp_path / "nowhere", trials=1, video=file)

    step, taken = World.step, []

    def failing(world, *arguments):
        taken.append(step)
        if len(taken) > 3:
            raise RuntimeError("broken")
        return step(world, *arguments)

    monkeypatch.setattr(World, "step", failing)
    with pytest.raises(RuntimeError, match="broken"):
        show(ring_run.path, trials=1, video=file)
    assert len(taken) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["laps.mp4"]
    assert file.read_text() == "former"


def test_videos_that_cannot_be_written(tmp_path) -> None:
    with (
        pytest.raises(RunError, match=r"video .*laps.avi: give the name of a file"),
        film(tmp_path / "laps.avi", 15.0),
    ):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"), film(tmp_path / "file" / "laps.mp4", 15.0):
        pass
    (tmp_path / "laps.mp4").mkdir()
    with pytest.raises(RunError, match="give the name of a file"), film(tmp_path / "laps.mp4", 15.0):
        pass
