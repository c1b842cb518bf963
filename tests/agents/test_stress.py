"""The robustness card: what is tried, what it says of policies, and the command."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import fields

import pytest

from hairpin.agents import RunError
from hairpin.agents.disturbances import Cell, Disturbance, disturbances
from hairpin.agents.stress import stress
from hairpin.sim import Randomization

GRIP = Disturbance("grip", (Cell("μ 0.8", (Randomization(friction=(0.8, 0.8)),) * 2),))


def offset(angle: float) -> Cell:
    """A cell of the constant steering offset [rad], to either side."""
    low, high = (Randomization(steering_offset=(side * angle,) * 2) for side in (-1, 1))
    return Cell(f"± {angle:g}", (low, high))


STEERING = Disturbance("steering offset", (offset(0.0), offset(0.2)))


@pytest.fixture
def few(monkeypatch) -> None:
    """Two disturbances rather than all of them."""
    monkeypatch.setattr("hairpin.agents.stress.disturbances", lambda: (GRIP, STEERING))


def test_everything_that_can_differ_is_tried_alone() -> None:
    rows = disturbances()
    alone = set()
    for row in rows[:-1]:
        for cell in row.cells:
            for variant in cell.variants:
                (name,) = {f.name for f in fields(variant) if getattr(variant, f.name)} - {"style_seed"}
                alone.add(name)
    everything = {field.name for field in fields(Randomization)} - {"offset", "heading", "style_seed"}
    assert alone == everything
    weakest, *_, strongest = rows[-1].cells
    low, high = strongest.variants[0].steering_gain
    assert low < weakest.variants[0].steering_gain[0] < 1.0 < high
    assert len({row.name for row in rows}) == len(rows) == 18


def test_what_a_policy_stands_and_what_not(ring_run, few) -> None:
    seen = []
    card = stress(
        ring_run.path,
        physics="single_track",
        trials=4,
        direction="ccw",
        on_cell=lambda name, done, total: seen.append((name, done, total)),
    )
    assert card.nominal.completion == 1.0 and card.nominal.wheels_out == 0.0
    assert card.disturbances["grip"][0].completion == 1.0
    straight, bent = card.disturbances["steering offset"]
    assert (straight.completion, bent.completion) == (1.0, 0.0)  # it steers a constant angle
    assert bent.wheels_out > 0.0
    assert card.score == pytest.approx(0.75) and card.weakest == "steering offset"
    assert seen == [
        ("undisturbed", 0, 4),
        ("grip", 1, 4),
        ("steering offset", 2, 4),
        ("steering offset", 3, 4),
    ]
    again = stress(ring_run.path, physics="single_track", trials=4, direction="ccw")
    assert again == card
    unmoved = dataclasses.replace(card, disturbances={"grip": card.disturbances["grip"]})
    assert unmoved.weakest == "none"


def test_the_command_prints_draws_and_keeps_it(ring_run, copy_of, few, hairpin) -> None:
    run = copy_of(ring_run)
    options = ("--physics", "single_track", "--trials", 4, "--direction", "ccw")
    code, output, errors = hairpin("evaluate", run.path, "--stress", *options)
    assert code == 0, errors
    assert "steering offset" in output and "undisturbed 100%" in output
    kept = json.loads((run.path / "stress-ring-single_track.json").read_text())
    assert kept["disturbances"]["grip"][0]["completion"] == 1.0 and kept["score"] == 0.75
    assert (run.path / "stress-ring-single_track.png").read_bytes().startswith(b"\x89PNG")
    code, output, errors = hairpin("evaluate", run.path, "--stress", *options, "--json")
    assert code == 0 and json.loads(output) == kept


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--trials", 6), "trials is 6: give a multiple of 4"),
        (("--trials", 0), "trials is 0: give a whole number of at least 4"),
        (("--video", "a.mp4"), "leave out --video"),
        (("--randomization", "mild"), "leave out --randomization"),
        (("--plot", "a.jpg"), "give a name that ends in .png"),
    ],
)
def test_what_does_not_go_with_it_is_refused(ring_run, few, hairpin, options, text) -> None:
    code, _, errors = hairpin("evaluate", ring_run.path, "--stress", *options)
    assert code == 2 and text in errors and "Traceback" not in errors


def test_pybullet_is_used_where_it_is(ring_run, few) -> None:
    pytest.importorskip("pybullet")
    card = stress(ring_run.path, trials=4, direction="ccw")
    assert card.physics == "bullet" and card.nominal.completion == 1.0
    with pytest.raises(RunError, match="laps is 0"):
        stress(ring_run.path, laps=0)
