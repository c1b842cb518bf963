"""The preset "general": tracks of its own, other ones to be judged on, colours that change."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hairpin.agents import TrainConfig, evaluations_of, resume, train
from hairpin.agents.circuits import exam_tracks, training_tracks
from hairpin.agents.config import plan
from hairpin.agents.gate import Gate
from hairpin.agents.presets import PRESETS
from hairpin.agents.repainting import FAINT, Repainting
from hairpin.sim import Randomization, World, make_config
from hairpin.tracks.style import STYLES, legibility, random_style


@pytest.fixture
def small(monkeypatch):
    """The preset "small": `general` with so little of everything that a training takes seconds."""
    general = PRESETS["general"]
    monkeypatch.setitem(
        PRESETS,
        "small",
        dataclasses.replace(
            general,
            tracks=2,
            exam_tracks=1,
            repaint=1,
            num_envs=8,
            steps=512,
            evaluate_every=256,
            max_steps=60,
            ppo={**general.ppo, "n_steps": 32, "batch_size": 64, "n_epochs": 1},
        ),
    )


def test_tracks_are_the_same_for_a_seed_and_never_the_exam() -> None:
    first, again, exam, other = (
        [track.digest for track in tracks]
        for tracks in (training_tracks(3, 5), training_tracks(3, 5), exam_tracks(3, 5), training_tracks(3, 6))
    )
    assert first == again
    assert len({*first, *exam, *other}) == 9


def test_it_generates_tracks_only_where_none_is_given() -> None:
    general, given, fast = (
        plan(TrainConfig(**settings))
        for settings in ({"preset": "general", "seed": 3}, {"preset": "general", "track": "oval"}, {})
    )
    assert len(general.world.tracks) == PRESETS["general"].tracks
    assert [track.name for track in given.world.tracks] == ["oval"]
    assert (
        [track.name for track in fast.world.tracks]
        == ["reinvent_2018"]
        == [t.name for t in fast.judged.tracks]
    )
    trained = {track.digest for track in general.world.tracks}
    for planned in (general, given):
        assert len(planned.judged.tracks) == PRESETS["general"].exam_tracks
        assert not trained & {track.digest for track in planned.judged.tracks}
    assert general.world.randomization.action_delay and general.world.randomization.styles
    assert not general.stops_when_it_laps and fast.stops_when_it_laps


def test_it_trains_to_its_budget_and_goes_on(small, tmp_path) -> None:
    run = train(TrainConfig(preset="small", seed=1, out=tmp_path / "run"))
    assert [verdict.steps for verdict in evaluations_of(run)] == [256, 512]
    assert len(run.tracks) == 2 and run.last.steps == 512
    on = resume(run.path, steps=768)
    assert on.last.steps == 768
    assert [track.digest for track in on.tracks] == [track.digest for track in training_tracks(2, 1)]


def test_surfaces_are_repainted_in_turn_and_seen() -> None:
    config = make_config(track=["oval", "bowtie"], reward=None, randomization=Randomization(styles=1))
    world = World(config, 8, [np.random.default_rng(seed) for seed in range(8)])
    world.reset(np.arange(8))
    repainting = Repainting(world, 3, seed=0)
    styles = [surface.style for surface in world.surfaces]
    before = world.observe()
    repainting.on_rollout_start()
    after = world.observe()
    assert [a.style == b for a, b in zip(world.surfaces, styles, strict=True)] == [False, False, False, True]
    seen = (before != after).any(axis=(1, 2, 3))
    assert (seen == (world.surface != 3)).all() and seen.sum() > 0
    repainting.on_rollout_start()
    assert world.surfaces[3].style != styles[3]
    for surface, style in enumerate(styles):
        world.repaint(surface, style)
    assert (world.observe() == before).all()
    assert STYLES["deepracer"] in styles


def test_some_of_the_looks_are_hard_to_see() -> None:
    config = make_config(track="oval", reward=None, randomization=Randomization(styles=1))
    repainting = Repainting(World(config, 1), 1, seed=0)
    seen = np.array([legibility(repainting._look()) for _ in range(200)])
    rng = np.random.default_rng(1)
    usual = np.array([legibility(random_style(rng)) for _ in range(200)])
    faint = np.quantile(usual, 0.1)
    assert (seen < faint).mean() > FAINT / 2 + 0.1 > (usual < faint).mean()


def test_a_thorough_gate_counts_who_fails(ring_run) -> None:
    planned = plan(
        TrainConfig(track=ring_run.track, model_metadata=ring_run.path / "model/model_metadata.json")
    )
    circle = dataclasses.replace(planned.judged, direction="ccw")

    def steady(frames: np.ndarray) -> np.ndarray:
        steering = np.degrees(np.arctan(0.163974 / 1.5)) / 30.0
        return np.tile([steering, -1.0], (len(frames), 1))

    off = Randomization(steering_offset=(-0.02, 0.1))
    brief, thorough = (Gate(circle, off, thorough=one).judge(steady, 0) for one in (False, True))
    assert brief.passed and thorough.passed and not brief.confirmed and not thorough.confirmed
    assert 0.0 < brief.robust < thorough.robust < 3.0
    assert thorough.rank > brief.rank
