"""The drive loop: every frame becomes a command, and whatever happens the car ends in neutral."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_policies import DISCRETE, WriteBundle, golden_frames

from hairpin.edge import Command, ContractError, Policy, PolicyError, drive
from hairpin.edge.latency import Histogram, Latency, Percentiles
from hairpin.edge.runtime import Limits


class Frames:
    """A source of given frames; an exception among them is raised."""

    def __init__(self, frames: Iterable[Any]) -> None:
        self._frames: Iterator[Any] = iter(frames)

    def read(self) -> NDArray[np.uint8] | None:
        frame = next(self._frames, None)
        if isinstance(frame, BaseException):
            raise frame
        return frame  # type: ignore[no-any-return]


class Recorder:
    """An actuator that writes down what it was told."""

    def __init__(self, top_speed: float = 4.0) -> None:
        self.log: list[Command | str] = []
        self._top_speed = top_speed

    def write(self, command: Command) -> Command:
        self.log.append(command)
        return Command(command.steering, min(command.speed, self._top_speed))

    def neutral(self) -> None:
        self.log.append("neutral")


@pytest.fixture
def policy(write: WriteBundle) -> Policy:
    return Policy.load(write())


def test_every_frame_becomes_its_command(policy: Policy) -> None:
    frames = golden_frames(DISCRETE)
    car = Recorder()
    report = drive(policy, Frames(frames), car)
    assert car.log == [*(policy(frame) for frame in frames), "neutral"]
    assert report.frames == len(frames)
    assert report.limited == 0
    assert {stage: p.count for stage, p in report.latency.percentiles().items()} == dict.fromkeys(
        ("observe", "infer", "map", "total"), len(frames)
    )


def test_no_frames_at_all(policy: Policy) -> None:
    car = Recorder()
    assert drive(policy, Frames([]), car).frames == 0
    assert car.log == ["neutral"]


def test_stop_is_asked_before_every_frame(policy: Policy) -> None:
    car = Recorder()
    asked = iter([False, False, True])
    report = drive(policy, Frames(golden_frames(DISCRETE)), car, stop=lambda: next(asked))
    assert report.frames == 2
    assert car.log[-1] == "neutral"
    assert len(car.log) == 3


def test_the_speed_limit_holds_and_is_counted(policy: Policy) -> None:
    car = Recorder()
    report = drive(policy, Frames(golden_frames(DISCRETE)), car, limits=Limits(speed=0.5))
    assert all(command.speed == 0.5 for command in car.log if isinstance(command, Command))
    assert report.limited == report.frames == 6
    assert drive(policy, Frames(golden_frames(DISCRETE)), Recorder(top_speed=0.7)).limited == 6


@pytest.mark.parametrize("speed", [-1.0, 5.0, float("nan")])
def test_limits_beyond_the_car_are_refused(speed: float) -> None:
    with pytest.raises(ContractError, match="speed limit"):
        Limits(speed=speed)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (OSError("camera lost"), OSError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (np.zeros((100, 32, 1), np.uint8), ContractError),
    ],
)
def test_a_fault_of_the_camera_ends_in_neutral(
    policy: Policy, fault: Any, error: type[BaseException]
) -> None:
    car = Recorder()
    with pytest.raises(error):
        drive(policy, Frames([golden_frames(DISCRETE)[0], fault]), car)
    assert len(car.log) == 2
    assert car.log[-1] == "neutral"


def test_a_fault_of_the_model_sends_nothing_and_ends_in_neutral(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "predict", lambda observations: np.full((1, 5), np.nan, np.float32))
    car = Recorder()
    with pytest.raises(PolicyError, match="not finite"):
        drive(policy, Frames(golden_frames(DISCRETE)), car)
    assert car.log == ["neutral"]


def test_a_fault_of_the_actuator_ends_in_neutral(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    car = Recorder()

    def broken(command: Command) -> Command:
        raise OSError("servo gone")

    monkeypatch.setattr(car, "write", broken)
    with pytest.raises(OSError, match="servo gone"):
        drive(policy, Frames(golden_frames(DISCRETE)), car)
    assert car.log == ["neutral"]


def test_histograms_are_right_to_a_percent() -> None:
    durations = np.random.default_rng(0).lognormal(-6, 1, 5000)
    histogram = Histogram()
    for duration in durations.tolist():
        histogram.add(duration)
    found = histogram.percentiles()
    np.testing.assert_allclose(
        [found.p50, found.p90, found.p99], np.percentile(durations, [50, 90, 99]), rtol=0.02
    )
    assert found.longest == durations.max()
    assert found.count == 5000


def test_histograms_take_anything() -> None:
    histogram = Histogram()
    assert np.isnan(histogram.percentiles().p50)
    for duration in (0.0, -1.0, 1e9):
        histogram.add(duration)
    assert histogram.percentiles().longest == 1e9


def test_latency_keeps_stages_apart() -> None:
    latency = Latency()
    latency.add("infer", 0.002)
    latency.add("observe", 0.001)
    found = latency.milliseconds()
    assert found["infer"]["p50"] == pytest.approx(2.0, rel=0.01)
    assert found["observe"]["longest"] == pytest.approx(1.0)


def test_latency_may_be_read_while_another_thread_adds_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    latency = Latency()
    latency.add("infer", 0.002)
    percentiles = Histogram.percentiles

    def meanwhile(histogram: Histogram) -> Percentiles:
        latency.add("total", 0.003)
        return percentiles(histogram)

    monkeypatch.setattr(Histogram, "percentiles", meanwhile)
    assert list(latency.percentiles()) == ["infer"]
    assert list(latency.percentiles()) == ["infer", "total"]
