"""DeepRacer's hyperparameters.json: every key honoured, or refused with what to write instead.

Source of keys and defaults: aws-deepracer-community/deepracer-simapp, markov/constants.py and
markov/sagemaker_graph_manager.py.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hairpin.edge.contract import ContractError
from hairpin.edge.json_files import parse_object, read_file

from .errors import RunError


@dataclass(frozen=True)
class Hyperparameters:
    """The settings of a hyperparameters.json, with the original's defaults.

    Attributes:
        batch_size: Steps of a minibatch.
        num_epochs: Passes over the experience of an iteration.
        lr: Learning rate.
        beta_entropy: Weight of the policy's entropy.
        discount_factor: Worth of the next step's reward.
        loss_type: Of the value network, "mean squared error" or "huber".
        num_episodes_between_training: Episodes of an iteration.
        exploration_type: "categorical" or "e-greedy".
        e_greedy_value: Least share of random actions, for "e-greedy".
        epsilon_steps: Steps until that share is reached.
        term_cond_max_episodes: Iterations after which training ends, in spite of the name.
        term_cond_avg_score: Read and not used, as in the original.
        stack_size: 1, as in the original.
        sac_alpha: Weight of the entropy in SAC.
    """

    batch_size: int = 64
    num_epochs: int = 10
    lr: float = 3e-4
    beta_entropy: float = 0.01
    discount_factor: float = 0.999
    loss_type: str = "mean squared error"
    num_episodes_between_training: int = 20
    exploration_type: str = "categorical"
    e_greedy_value: float = 0.05
    epsilon_steps: int = 10_000
    term_cond_max_episodes: int = 100_000
    term_cond_avg_score: float = 100_000.0
    stack_size: int = 1
    sac_alpha: float = 0.2

    def to_json(self) -> str:
        """The text of a hyperparameters.json, as DeepRacer's own tools write it."""
        return json.dumps(dataclasses.asdict(self), indent=4) + "\n"

    def settings(self, algorithm: str) -> dict[str, Any]:
        """Arguments of `EpisodicPPO` ("ppo") or of stable-baselines3's SAC ("sac")."""
        shared = {"learning_rate": self.lr, "batch_size": self.batch_size, "gamma": self.discount_factor}
        if algorithm == "sac":
            return {**shared, "ent_coef": self.sac_alpha}
        return {
            **shared,
            "n_epochs": self.num_epochs,
            "ent_coef": self.beta_entropy,
            "episodes": self.num_episodes_between_training,
            "value_loss": "huber" if self.loss_type == "huber" else "mse",
            "exploration": self.exploration_type,
            "epsilon": self.e_greedy_value,
            "epsilon_steps": self.epsilon_steps,
            "iterations": self.term_cond_max_episodes,
        }


_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "batch_size": (1, 100_000),
    "num_epochs": (1, 1000),
    "lr": (1e-8, 1.0),
    "beta_entropy": (0, 1),
    "discount_factor": (0, 1),
    "num_episodes_between_training": (1, 1000),
    "e_greedy_value": (0, 1),
    "epsilon_steps": (1, 1e9),
    "term_cond_max_episodes": (1, 1e9),
    "term_cond_avg_score": (-1e12, 1e12),
    "stack_size": (1, 1),
    "sac_alpha": (0, 1000),
}
_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "loss_type": {
        "huber": "huber",
        "mean squared error": "mean squared error",
        "mean_squared_error": "mean squared error",  # as DeepRacer on AWS writes it
    },
    "exploration_type": {"categorical": "categorical", "e-greedy": "e-greedy"},
}


def read_hyperparameters(path: str | Path) -> Hyperparameters:
    """Read a hyperparameters.json.

    Raises:
        RunError: The file cannot be read, or a value in it is wrong; the line names file and key.
    """
    try:
        text = read_file(Path(path), "hyperparameters.json")
    except ContractError as error:
        raise RunError(str(error)) from None
    return parse_hyperparameters(text, str(path))


def parse_hyperparameters(text: str | bytes, where: str = "hyperparameters.json") -> Hyperparameters:
    """Read the text of a hyperparameters.json; what it leaves out gets the original's default.

    Raises:
        RunError: A key is unknown, or a value wrong.
    """
    try:
        data = parse_object(text, where, '{"batch_size": 64, "lr": 0.0003, ...}')
    except ContractError as error:
        raise RunError(str(error)) from None
    return Hyperparameters(**{key: _value(key, value, where) for key, value in data.items()})


def _value(key: str, value: Any, where: str) -> Any:
    if key in _CHOICES:
        known = _CHOICES[key]
        if not isinstance(value, str) or value not in known:
            raise RunError(f"{where}: {key} is {value!r}: write one of {', '.join(map(repr, known))}")
        return known[value]
    if key not in _BOUNDS:
        near = difflib.get_close_matches(key, [*_BOUNDS, *_CHOICES], n=1, cutoff=0.6)
        raise RunError(
            f"{where}: unknown key {key!r}: "
            + (f"did you mean {near[0]!r}?" if near else "leave it out, since nothing would use it")
        )
    low, high = _BOUNDS[key]
    whole = isinstance(getattr(Hyperparameters(), key), int)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fits or not low <= float(value) <= high or (whole and value != int(value)):
        wanted = "1" if low == high else f"a {'whole ' if whole else ''}number from {low:g} to {high:g}"
        reason = " (frames are not stacked, in the original neither)" if key == "stack_size" else ""
        raise RunError(f"{where}: {key} is {repr(value)[:60]}: write {wanted}{reason}")
    return int(value) if whole else float(value)
