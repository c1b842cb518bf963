"""The preset `race`: it watches, races on when it laps, and keeps the fastest of what laps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from hairpin.agents import RunError, TrainConfig, evaluate, evaluations_of, export, resume, train
from hairpin.agents.config import plan
from hairpin.agents.exploration import Narrowing
from hairpin.agents.gate import STARTS, Gate, Verdict
from hairpin.agents.imitation import CriticFirst, actions_for, imitate
from hairpin.agents.learner import load_model, make_env, new_model
from hairpin.agents.presets import PRESETS
from hairpin.edge.contract import ContinuousActions, DiscreteActions, to_commands
from hairpin.sim.line_driver import LineDriver


@pytest.fixture(scope="module", autouse=True)
def tiny_race():
    """The preset "tiny_race": `race` with so little of everything that a training takes a second."""
    race = PRESETS["race"]
    ppo = {**race.ppo, "n_steps": 32, "batch_size": 64, "n_epochs": 1}
    PRESETS["tiny_race"] = dataclasses.replace(
        race, num_envs=8, evaluate_every=256, max_steps=60, watch=512, steps=2048, decay=False, ppo=ppo
    )
    yield
    del PRESETS["tiny_race"]


@pytest.fixture(scope="module")
def race_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "race"
    return train(TrainConfig(track="oval", preset="tiny_race", out=out))


def test_it_needs_no_reward_and_races_the_tracks_own_way() -> None:
    planned = plan(TrainConfig(track="oval", preset="race"))
    assert planned.world.reward.name == "race" and planned.world.direction is None
    assert planned.world.actions == ContinuousActions((-30.0, 1.0), (30.0, 4.0))
    assert plan(TrainConfig(track="oval", preset="race", direction="both")).world.direction == "both"
    assert (
        plan(TrainConfig(track="oval", reward="center_line", preset="race")).world.reward.name
        == "center_line"
    )
    assert plan(TrainConfig(track="oval")).world.direction == "both"
    with pytest.raises(RunError, match="the preset 'race' learns with PPO"):
        plan(TrainConfig(track="oval", preset="race", algorithm="sac"))


def test_a_run_trains_to_its_budget_resumes_and_is_evaluated_its_own_way(race_run) -> None:
    assert race_run.last.steps == 2048
    assert race_run.contract.observation.shape == (42, 80, 1)
    again = resume(race_run.path, steps=2304)
    assert again.last.steps == 2304 and len(evaluations_of(again)) > 2
    found = evaluate(race_run.path, physics="single_track", trials=2, laps=1)
    assert [trace.reverse for trace in found.traces] == [False, False]


def test_what_is_exported_sees_frames_alone(race_run, tmp_path) -> None:
    assert export(race_run.path, tmp_path / "race.tar.gz").agreement == 1.0
    found = evaluate(tmp_path / "race.tar.gz", physics="single_track", trials=1, laps=1)
    assert found.report.trials == 1


@pytest.mark.parametrize(
    "space",
    [
        ContinuousActions((-30.0, 1.0), (30.0, 4.0)),
        DiscreteActions(((-20.0, 1.0), (0.0, 1.0), (0.0, 3.0), (20.0, 1.0))),
    ],
)
def test_the_nearest_action_to_a_command(space) -> None:
    actions = np.array([[-0.5, 1.0], [0.25, -1.0]], np.float32) if space.size == 2 else np.array([3, 0, 2])
    np.testing.assert_allclose(actions_for(space, to_commands(space, actions)), actions, atol=1e-6)
    beyond = actions_for(space, np.array([[0.0, 9.0]]))
    np.testing.assert_allclose(beyond[0], [0.0, 1.0] if space.size == 2 else 2)


def test_who_watches_comes_nearer_to_the_driver_and_the_critic_stays() -> None:
    planned = plan(TrainConfig(track="oval", preset="tiny_race"))
    env = make_env(planned)
    model = new_model(planned, env, 0)
    cars = env.unwrapped
    critic = [weights.clone() for weights in model.policy.vf_features_extractor.parameters()]
    before = _error(model, cars)
    imitate(model, cars, 2048, 0)
    assert _error(model, cars) < 0.7 * before
    after = model.policy.vf_features_extractor.parameters()
    assert all(torch.equal(old, new) for old, new in zip(critic, after, strict=True))
    assert model.num_timesteps == 2048
    env.close()


def test_the_critic_learns_first() -> None:
    planned = plan(TrainConfig(track="oval", preset="tiny_race"))
    env = make_env(planned)
    model = new_model(planned, env, 0)

    def weights() -> tuple[torch.Tensor, torch.Tensor]:
        policy = model.policy
        return policy.action_net.weight.clone(), policy.value_net.weight.clone()

    actor, critic = weights()
    model.learn(256, callback=CriticFirst(300))
    assert torch.equal(weights()[0], actor) and not torch.equal(weights()[1], critic)
    model.learn(512, callback=CriticFirst(300), reset_num_timesteps=False)
    assert not torch.equal(weights()[0], actor)
    env.close()


def test_the_learning_rate_falls_to_nothing_over_the_budget() -> None:
    tiny = PRESETS["tiny_race"]
    PRESETS["falling"] = dataclasses.replace(tiny, decay=True)
    planned = plan(TrainConfig(track="oval", preset="falling"))
    del PRESETS["falling"]
    env = make_env(planned)
    model = new_model(planned, env, 0)
    rates = [model.lr_schedule(left) for left in (1.0, 0.5, 0.0)]
    assert rates == pytest.approx([tiny.ppo["learning_rate"], tiny.ppo["learning_rate"] / 2, 0.0])
    env.close()


def test_exploration_dies_down_evenly_over_the_budget() -> None:
    planned = plan(TrainConfig(track="oval", preset="tiny_race"))
    env = make_env(planned)
    model = new_model(planned, env, 0)
    narrowing = Narrowing(-2.0, -4.0, 1000)
    narrowing.init_callback(model)
    spreads = []
    for steps in (0, 500, 1000, 1200):
        model.num_timesteps = narrowing.num_timesteps = steps
        narrowing.on_rollout_start()
        spreads.append(model.policy.log_std.tolist())
    assert spreads == [[-2.0] * 2, [-3.0] * 2, [-4.0] * 2, [-4.0] * 2]
    env.close()


def test_a_race_ends_with_little_exploration(race_run) -> None:
    model = load_model(race_run.last.path, "ppo")
    first, last = PRESETS["race"].log_std, PRESETS["race"].last_log_std
    assert model.policy.log_std.tolist() == pytest.approx([last] * 2, abs=0.2 * (first - last))


def test_when_racing_nearly_all_trials_have_to_be_completed(monkeypatch) -> None:
    planned = plan(TrainConfig(track="oval", preset="tiny_race"))
    gate = Gate(planned.judged, racing=True)
    drive, failures, lap = gate._drive, 0, 5.0

    def report(world, act, starts, seed, to_the_end):
        assert to_the_end
        found = drive(world, act, starts, seed, to_the_end=True)
        return dataclasses.replace(found, completed=STARTS - failures, lap_times=(lap,), wheels_out=int(lap))

    def stand(frames):
        return np.tile(np.array([0.0, -1.0], np.float32), (len(frames), 1))

    monkeypatch.setattr(gate, "_drive", report)
    good = gate.judge(stand, 1)
    assert good.confirmed and good.mean_lap == 5.0 and len(gate.trials) == STARTS
    failures = 1  # 2 of 32
    bad = gate.judge(stand, 2)
    assert not bad.passed and bad.mean_lap is None and bad.rank < good.rank
    failures, lap = 0, 4.0
    assert gate.judge(stand, 3).rank > good.rank
    gate.close()


def test_the_best_checkpoint_is_the_fastest_and_not_the_latest(tmp_path, monkeypatch) -> None:
    def slower_and_slower(gate, act, steps):
        return Verdict(steps, passed=True, confirmed=True, progress=3.0, mean_lap=float(steps), racing=True)

    monkeypatch.setattr(Gate, "judge", slower_and_slower)
    run = train(TrainConfig(track="oval", preset="tiny_race", out=tmp_path / "run"))
    assert run.best.steps == evaluations_of(run)[0].steps < run.last.steps


def _error(model, cars) -> float:
    """Mean square of what the policy's actions are beside the driver's, where new episodes start."""
    driver = LineDriver(cars.env.world)
    found = []
    for _ in range(8):
        seen = cars.reset()
        action, _ = model.predict(seen, deterministic=True)
        found.append((action - actions_for(cars.env.config.actions, driver.commands())) ** 2)
    return float(np.mean(found))
