"""The preset "stock": DeepRacer's networks with settings that learn fast, for the stock car."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hairpin.agents import RunError, TrainConfig, train
from hairpin.agents.config import plan
from hairpin.agents.deepracer_models import export_deepracer, import_deepracer
from hairpin.agents.head import act_with
from hairpin.agents.learner import load_model
from hairpin.agents.presets import PRESETS
from hairpin.edge.contract import NETWORKS, ContinuousActions, DiscreteActions, ModelMetadata

ACTIONS = DiscreteActions(((-30, 1), (0, 1), (30, 1)))


@pytest.mark.parametrize("network", NETWORKS)
def test_its_network_is_that_of_the_metadata(network) -> None:
    planned = plan(TrainConfig(preset="stock", model_metadata=ModelMetadata(ACTIONS, network=network)))
    assert planned.preset.network == network
    assert planned.world.observation.shape == (120, 160, 1)
    assert planned.world.observation.crop == (0, 0, 0, 0)


def test_the_small_network_stays_where_no_other_is_meant() -> None:
    given = ModelMetadata(ACTIONS, network=NETWORKS[-1])
    assert plan(TrainConfig(model_metadata=given)).preset.network == "patch"


def test_the_stock_car_takes_its_policies(tmp_path, monkeypatch) -> None:
    stock = PRESETS["stock"]
    tiny = {**stock.ppo, "n_steps": 16, "batch_size": 16, "n_epochs": 1}
    monkeypatch.setitem(PRESETS, "stock", dataclasses.replace(stock, num_envs=2, max_steps=20, ppo=tiny))
    run = train(TrainConfig(track="oval", preset="stock", actions=ACTIONS, steps=32, out=tmp_path / "run"))
    assert export_deepracer(run, tmp_path / "stock.tar.gz") > 20_000_000  # 5.8 million weights
    again = import_deepracer(tmp_path / "stock.tar.gz", tmp_path / "again", track="oval")
    frames = np.random.default_rng(0).integers(0, 256, (64, 120, 160, 1), np.uint8)
    first, second = (act_with(load_model(one.last.path, "ppo"))(frames) for one in (run, again))
    np.testing.assert_array_equal(first, second)


def test_it_learns_with_ppo_alone() -> None:
    actions = ContinuousActions((-30, 1), (30, 2))
    with pytest.raises(RunError, match="learns with PPO"):
        plan(TrainConfig(preset="stock", algorithm="sac", actions=actions))
