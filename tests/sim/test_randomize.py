"""Randomisation: drawn within bounds, from the car's own generator, refused where it makes no sense."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from driving import tiny_world
from hypothesis import given, settings
from hypothesis import strategies as st

from hairpin.sim import Randomization, SimError, make_config
from hairpin.sim.physics import CAR_DTYPE, nominal_car
from hairpin.sim.randomize import FULL, MILD, NAMED, another_car, draw_car, draw_view, draw_whole, scaled
from hairpin.sim.render import VIEW_DTYPE, nominal_view
from hairpin.sim.scene import make_surfaces
from hairpin.tracks.style import STYLES


@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(["mild", "full", "deepracer"]))
@settings(max_examples=50)
def test_everything_drawn_is_within_its_bounds(seed: int, name: str) -> None:
    rng, ranges = np.random.default_rng(seed), NAMED[name]
    for drawn, nominal in (
        (draw_car(rng, ranges), nominal_car(1)),
        (draw_view(rng, ranges), nominal_view(1)),
    ):
        for field in drawn.dtype.names or ():
            low, high = getattr(ranges, field) or (nominal[field][0],) * 2
            assert low <= drawn[field][0] <= high


def test_there_is_a_range_for_everything_that_can_differ() -> None:
    names = {field.name for field in fields(Randomization)}
    assert set(CAR_DTYPE.names or ()) | set(VIEW_DTYPE.names or ()) <= names
    assert {field.name for field in fields(FULL) if not getattr(FULL, field.name)} == {"style_seed"}


def test_nothing_is_random_unless_asked_for() -> None:
    world = tiny_world(5, start="line")
    assert (world.car == nominal_car(5)).all() and (world.view == nominal_view(5)).all()
    assert (world.pose == world.pose[0]).all() and (world.surface == 0).all()


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Randomization) if not field.name.startswith("style")]
)
def test_each_range_alone_changes_what_it_names(name: str) -> None:
    low, high = getattr(FULL, name)
    plain = tiny_world(6)
    world = tiny_world(6, randomization=Randomization(**{name: (low, high)}))
    for one in (plain, world):
        for _ in range(6):
            one.drive(np.full((6, 2), (0.2, 1.5)))
    moved = (world.pose != plain.pose).any()
    seen = (world.observe() != plain.observe()).any()
    is_view = name in (VIEW_DTYPE.names or ()) or name == "latency"
    assert seen and moved == (not is_view)


def test_styles_change_the_colours_alone() -> None:
    plain, world = tiny_world(12), tiny_world(12, randomization=Randomization(styles=3))
    np.testing.assert_array_equal(world.pose, plain.pose)
    assert set(world.surface) == {0, 1, 2, 3} and len(world.surfaces) == 4
    same = (world.observe() == plain.observe()).all(axis=(1, 2, 3))
    assert (same == (world.surface == 0)).all()
    others = tiny_world(12, randomization=Randomization(styles=3, style_seed=1))
    same = (world.observe() == others.observe()).all(axis=(1, 2, 3))
    assert (same == (world.surface == 0)).all()


def test_each_track_has_its_own_styles_and_all_share_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = make_config(track=["oval", "bowtie"], randomization=Randomization(styles=1))
    fine = make_surfaces(setup)
    assert [surface.style == STYLES["deepracer"] for surface in fine] == [True, False, True, False]
    assert fine[1].style != fine[3].style and {surface.texel for surface in fine} == {0.005}
    monkeypatch.setattr("hairpin.sim.scene.MAX_TEXELS", 500_000)
    coarse = make_surfaces(setup)
    assert {surface.texel for surface in coarse} != {0.005}
    assert sum(surface.levels[0][..., 0].size for surface in coarse) < 1.5 * 500_000  # they are rounded up


def test_ranges_are_stretched_about_the_nominal_values() -> None:
    assert scaled(FULL, 1.0) == FULL
    half = scaled(FULL, 0.5)
    assert half.steering_gain == pytest.approx((0.925, 1.075)) and half.friction == pytest.approx((0.7, 1.05))
    assert half.noise == (0.0, 4.0) and half.styles == FULL.styles
    strong = scaled(FULL, 3.0)
    assert strong.speed_tau == pytest.approx((0.0, 0.8)) and strong.action_delay == (0, 3)


def test_each_delay_is_as_likely_as_the_others() -> None:
    rng = np.random.default_rng(0)
    counts = np.bincount([draw_whole(rng, (0, 3)) for _ in range(4000)])
    assert counts.min() > 900 and len(counts) == 4
    assert {draw_whole(rng, (2, 2)) for _ in range(5)} == {2} and draw_whole(rng, None) == 0


def test_long_latency_counts_as_three_periods() -> None:
    world = tiny_world(randomization=Randomization(latency=(0.9, 0.9)))
    first = world.observe()
    for k in range(1, 6):
        world.drive(np.array([[0.2, 1.5]]))
        assert (world.observe() == first).all() == (k <= 3)


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        ({"friction": (1.0, 0.5)}, r"friction=\(1.0, 0.5\): give \(low, high\)"),
        ({"friction": 0.5}, r"friction=0.5: give \(low, high\)"),
        ({"friction": (0.5, "much")}, "friction="),
        ({"friction": (0.5, float("nan"))}, "friction="),
        ({"friction": (0.0, 0.5)}, "it can go from 0.01 to 10"),
        ({"speed_gain": (-1.0, 1.0)}, "it can go from"),
        ({"latency": (-0.1, 0.0)}, "it can go from 0 to 1"),
        ({"action_delay": (0, 4)}, "it can go from 0 to 3"),
        ({"action_delay": (0.5, 1.5)}, "whole numbers"),
        ({"noise": (-1.0, 1.0)}, "it can go from 0"),
        ({"styles": -1}, "styles=-1"),
        ({"styles": 1.5}, "styles=1.5"),
        ({"style_seed": -1}, "style_seed=-1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(ranges: dict[str, Any], text: str) -> None:
    with pytest.raises(SimError, match=text) as caught:
        Randomization(**ranges)
    assert "\n" not in str(caught.value)


def test_it_is_given_by_name_or_as_it_is() -> None:
    assert make_config(randomization="mild").randomization is MILD
    assert make_config(randomization=FULL).randomization is FULL


def test_another_car_is_one_that_is_never_the_nominal_one() -> None:
    assert set(another_car(NAMED["deepracer"])) == {"steering_gain", "steering_tau", "action_delay"}
    assert not any(another_car(NAMED[name]) for name in ("none", "light", "mild", "full"))
