"""The rules of racing as functions: their order, and progress round the start line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairpin.sim.rules import REVERSED_STEPS, STUCK_STEPS, Status, count_while, judge, progress

ORDER = ["lap_complete", "immobilized", "off_track", "crashed", "reversed", "time_up"]


def judged(**facts: bool) -> Status:
    return Status(
        int(
            judge(
                lap_complete=np.array([facts["lap_complete"]]),
                stuck_steps=np.array([STUCK_STEPS if facts["immobilized"] else STUCK_STEPS - 1]),
                wheels_on=np.array([0 if facts["off_track"] else 1]),
                crashed=np.array([facts["crashed"]]),
                reversed_steps=np.array([REVERSED_STEPS if facts["reversed"] else REVERSED_STEPS - 1]),
                time_up=np.array([facts["time_up"]]),
            )[0]
        )
    )


@given(st.fixed_dictionaries({name: st.booleans() for name in ORDER}))
def test_the_first_rule_that_applies_gives_the_status(facts: dict[str, bool]) -> None:
    expected = next((name for name in ORDER if facts[name]), "in_progress")
    assert judged(**facts).label == expected


def test_labels_are_those_of_deepracer_logs() -> None:
    assert [status.label for status in Status] == ["prepare", "in_progress", *ORDER]


def drive(start: float, moves: list[float]) -> list[float]:
    """Progress after each of some moves [share of the lap] from a start, as the world counts it."""
    position, previous, result = start, 0.0, []
    for move in [0.0, *moves]:
        position = (position + move) % 1.0
        value = progress(np.array([position]), np.array([start]), np.array([previous]))[0]
        result.append(value)
        previous = 0.0 if value >= 100.0 else value
    return result


@given(
    start=st.floats(0.0, 0.999),
    moves=st.lists(st.floats(-0.2, 0.2), max_size=40).filter(
        lambda m: np.abs(np.cumsum([0, *m])).max() < 0.99
    ),
)
def test_progress_is_the_way_driven_however_often_the_start_line_is_crossed(
    start: float, moves: list[float]
) -> None:
    way = 100.0 * np.cumsum([0.0, *moves])
    np.testing.assert_allclose(drive(start, moves), way, atol=1e-9)


@given(start=st.floats(0.0, 0.999), step=st.floats(0.001, 0.2))
def test_a_lap_is_complete_when_the_start_is_passed_again_and_the_next_begins(
    start: float, step: float
) -> None:
    count = int(np.ceil(1.0 / step - 1e-9))
    values = drive(start, [step] * (count + 1))
    assert values[count] == pytest.approx(100.0, abs=1e-6)
    assert max(values[:count]) < 100.0 + 1e-6
    if values[count] == 100.0:
        assert values[count + 1] == pytest.approx(100.0 * ((count + 1) * step - 1.0), abs=1e-6)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_only_consecutive_steps_count(conditions: list[bool]) -> None:
    count = np.zeros(1, dtype=np.int64)
    for condition in conditions:
        count = count_while(np.array([condition]), count)
    trailing = 0
    for condition in reversed(conditions):
        if not condition:
            break
        trailing += 1
    assert count[0] == trailing
