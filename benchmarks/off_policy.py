"""Learning from a memory instead: SAC, TQC and CrossQ beside PPO, steps and CPU seconds until a policy laps.

All learn with the network, the cars, the reward and continuous actions for the preset `fast`; every 2,048
steps the gate of trainings judges the policy, whose CPU time is not counted. SAC is stable-baselines3's; TQC
and CrossQ are of sb3-contrib, which hairpin does not install: `pip install sb3-contrib`.

    python -m benchmarks.off_policy [--algorithms sac tqc crossq ppo] [--tracks oval] [--seeds 2]
"""

from __future__ import annotations

import argparse
import importlib
import time
from contextlib import closing
from typing import Any, Final

import torch

from hairpin.agents import TrainConfig
from hairpin.agents.adam import Adam
from hairpin.agents.config import Plan, plan
from hairpin.agents.gate import Gate
from hairpin.agents.learner import make_env, new_model
from hairpin.agents.networks import PatchCNN
from hairpin.edge.contract import ContinuousActions

ACTIONS: Final = ContinuousActions((-30.0, 1.0), (30.0, 1.8))
ROUND: Final = 2048  # environment steps between evaluations
_WHERE: Final = {
    "sac": ("stable_baselines3", "SAC"),
    "tqc": ("sb3_contrib", "TQC"),
    "crossq": ("sb3_contrib", "CrossQ"),
}


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--algorithms", nargs="+", default=["sac", "tqc", "crossq", "ppo"])
    parser.add_argument("--tracks", nargs="+", default=["oval"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of learning at most")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("algorithm  track           seed  confirmed   steps  CPU s  best laps a start")
    for algorithm in options.algorithms:
        for track in options.tracks:
            for seed in range(options.seeds):
                print(f"{algorithm:9s}  {track:14s}  {seed:4d}", end="  ")
                print(until_it_laps(algorithm, track, seed, options.seconds), flush=True)


def until_it_laps(algorithm: str, track: str, seed: int, seconds: float) -> str:
    """One training: whether it laps, after how many steps and CPU seconds; laps a start of the best one."""
    kind = "ppo" if algorithm == "ppo" else "sac"
    planned = plan(TrainConfig(track=track, algorithm=kind, actions=ACTIONS, seed=seed))
    env = make_env(planned)
    model = new_model(planned, env, seed) if algorithm == "ppo" else learner(algorithm, planned, env, seed)
    spent, best = 0.0, 0.0
    with closing(env), closing(Gate(planned.judged)) as gate:

        def act(frames: Any) -> Any:
            return model.predict(frames.transpose(0, 3, 1, 2), deterministic=True)[0]

        while spent < seconds:
            began = time.process_time()
            model.learn(ROUND, reset_num_timesteps=False)
            spent += time.process_time() - began
            verdict = gate.judge(act, model.num_timesteps)
            best = max(best, verdict.progress)
            if verdict.confirmed:
                break
    return f"{'yes' if verdict.confirmed else 'no':9s}  {model.num_timesteps:6d}  {spent:5.1f}  {best:.2f}"


def learner(algorithm: str, planned: Plan, env: Any, seed: int) -> Any:
    """An off-policy learner with the settings that the preset has for SAC."""
    module, name = _WHERE[algorithm]
    model = getattr(importlib.import_module(module), name)(
        # CrossQ's own policy for frames there is not; this one takes any network.
        "MlpPolicy" if algorithm == "crossq" else "CnnPolicy",
        env,
        seed=seed,
        device="cpu",
        policy_kwargs={
            "features_extractor_class": PatchCNN,
            "features_extractor_kwargs": {"features_dim": planned.preset.features},
            "net_arch": [planned.preset.features],
            "optimizer_class": Adam,
        },
        **planned.preset.sac,
    )
    model.policy.to(memory_format=torch.channels_last)
    return model


if __name__ == "__main__":
    main()
