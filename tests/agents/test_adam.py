"""Adam: torch's to the bit, without torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import torch

from hairpin.agents.adam import Adam

_TRAINING = """
import sys
from hairpin.agents import TrainConfig
from hairpin.agents.config import plan
from hairpin.agents.learner import dump_model, make_env, new_model
planned = plan(TrainConfig(track="oval", num_envs=2))
model = new_model(planned, make_env(planned), seed=0)
model.n_steps = model.rollout_buffer.buffer_size = 8
model.learn(16)
assert dump_model(model) and model.num_timesteps == 16
print("torch._dynamo" in sys.modules)
"""


def test_it_is_torchs_to_the_bit() -> None:
    learned = []
    for kind in (torch.optim.Adam, Adam):
        torch.manual_seed(0)
        network = torch.nn.Linear(5, 3)
        optimizer = kind(network.parameters(), lr=0.01, eps=1e-5, fused=True)
        for _ in range(4):
            optimizer.zero_grad()
            network(torch.randn(7, 5)).square().mean().backward()
            optimizer.step()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.load_state_dict(optimizer.state_dict())
        learned.append((*network.parameters(), *optimizer.state_dict()["state"][0].values()))
    assert all(torch.equal(first, second) for first, second in zip(*learned, strict=True))
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_training_does_not_import_torchs_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", _TRAINING], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"
