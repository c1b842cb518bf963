"""The shortest lap beside an evaluation's laps."""

from __future__ import annotations

import json

import pytest

from hairpin.agents.shortest import fastest, shortest_lap
from hairpin.edge.contract import ContinuousActions, DiscreteActions
from hairpin.sim import make_config


def test_it_is_that_of_the_fastest_action_and_of_the_way_round() -> None:
    slow = make_config("oval", None, actions=DiscreteActions(((0.0, 1.0), (10.0, 2.0))))
    assert fastest(slow.actions) == 2.0 and fastest(ContinuousActions((-30.0, 1.0), (30.0, 9.0))) == 4.0
    times = [shortest_lap(slow, direction) for direction in ("ccw", "cw", "both")]
    assert times == pytest.approx([6.0] * 3, abs=0.05)


def test_evaluations_say_how_near_they_came(ring_run, hairpin) -> None:
    settings = ("--trials", 1, "--laps", 1, "--direction", "ccw", "--physics", "single_track", "--no-log")
    code, output, _ = hairpin("evaluate", ring_run.path, *settings)
    assert code == 0 and "times the shortest possible one, 3.4" in output
    code, output, _ = hairpin("evaluate", ring_run.path, *settings, "--json")
    report = json.loads(output)
    assert report["shortest_lap"] == pytest.approx(3.45, abs=0.1) and report["lap_times"][0] > 3.45
