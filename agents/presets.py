"""Presets: everything about learning that a user need not choose."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hairpin.edge.contract import ActionSpace, ContinuousActions, DiscreteActions
from hairpin.sim import Randomization
from hairpin.sim.errors import choice
from hairpin.sim.randomize import FULL, MILD

from .errors import RunError
from .hyperparameters import Hyperparameters


@dataclass(frozen=True)
class Preset:
    """How an agent learns.

    Attributes:
        title: One line for people.
        width, height: Size of the whole frame [pixels].
        keep_sky: Rows above the horizon that are kept [pixels]; the others carry nothing and are cropped.
        camera: Name of the camera.
        network: "patch", or the name of one of DeepRacer's.
        features: Width of the network's last shared layer.
        num_envs: Cars that gather experience in lockstep.
        max_steps: Steps after which an episode is cut.
        randomization: What differs between episodes, or its name; also what differs between the trials that
            confirm a policy.
        steps: Budget of environment steps, unless the user gives one.
        evaluate_every: Environment steps between evaluations, which are also checkpoints; see `Evaluations`.
        tracks: How many tracks are generated to train on, where none is given; 0 for the default track.
        exam_tracks: How many more are generated for evaluations.
        repaint: How many surfaces get new colours before each round of experience.
        stops: Whether training ends when the policy laps, unless the user gives the steps.
        actions: The action space, unless the user gives one; `None` for the default one.
        reward: The reward, unless the user gives one.
        racing: Whether lap times are what counts, of policies that nearly always lap.
        watch: Environment steps at the beginning in which the policy copies a driver who knows the racing
            line.
        privileged: Whether the critic knows the car's state and the road, which no camera shows.
        log_std: Logarithm of the spread of continuous actions at the beginning.
        last_log_std: And at the end of the budget; `None` leaves it to PPO.
        start: Where episodes begin: "random", "round_robin" or "line".
        direction: Which way they go: "both", or `None` for the order of the track's rows.
        scale_rewards: Whether rewards are scaled to unit variance of their returns.
        bootstrap_laps: Whether a finished lap is worth what would have followed, rather than nothing more.
        original: Whether it is DeepRacer's: the network and the hyperparameters are the user's to choose.
        decay: Whether PPO's learning rate falls to nothing over the budget.
        caps: Weights of the temporal and the spatial smoothness of `SmoothPPO`; both 0 for plain PPO.
        ppo: Arguments of stable-baselines3's PPO.
        sac: Arguments of stable-baselines3's SAC.
    """

    title: str
    width: int
    height: int
    keep_sky: int
    camera: str
    network: str
    features: int
    num_envs: int
    max_steps: int
    randomization: Randomization | str
    steps: int
    evaluate_every: int
    tracks: int = 0
    exam_tracks: int = 0
    repaint: int = 0
    stops: bool = True
    actions: ActionSpace | None = None
    reward: str = "center_line"
    racing: bool = False
    watch: int = 0
    privileged: bool = False
    log_std: float = 0.0
    last_log_std: float | None = None
    start: str = "random"
    direction: str | None = "both"
    scale_rewards: bool = True
    bootstrap_laps: bool = True
    original: bool = False
    decay: bool = False
    caps: tuple[float, float] = (0.0, 0.0)
    ppo: Mapping[str, Any] = field(default_factory=dict)
    sac: Mapping[str, Any] = field(default_factory=dict)


#: Five steering angles [deg] at two speeds [m/s], the slower one for narrow bends and late commands.
SLOW_ACTIONS: Final = DiscreteActions(
    tuple((steering, speed) for speed in (0.7, 1.4) for steering in (-30.0, -15.0, 0.0, 15.0, 30.0))
)

PRESETS: Final[Mapping[str, Preset]] = {
    "fast": Preset(
        title="small network, cropped frame: laps within seconds",
        width=80,
        height=60,
        keep_sky=2,
        camera="wide",
        network="patch",
        features=128,
        num_envs=32,
        max_steps=400,
        randomization="mild",
        steps=400_000,
        evaluate_every=2048,
        ppo={
            "n_steps": 64,
            "batch_size": 256,
            "n_epochs": 4,
            "learning_rate": 5e-4,
            "gamma": 0.97,
            "gae_lambda": 0.9,
            "ent_coef": 0.01,
            "clip_range": 0.2,
        },
        sac={
            "buffer_size": 40_000,
            "batch_size": 256,
            "learning_rate": 5e-4,
            "gamma": 0.97,
            "train_freq": 1,
            "gradient_steps": 8,
            "learning_starts": 1_000,
        },
    ),
    "general": Preset(
        title="many generated tracks, cars, cameras and lights: drives where it has never been",
        width=80,
        height=60,
        keep_sky=2,
        camera="wide",
        network="patch",
        features=128,
        num_envs=64,
        max_steps=300,
        randomization=dataclasses.replace(FULL, styles=1),  # and repainted
        steps=1_048_576,
        evaluate_every=262_144,
        tracks=48,
        exam_tracks=4,
        repaint=8,
        stops=False,
        decay=True,
        actions=SLOW_ACTIONS,
        ppo={
            "n_steps": 64,
            "batch_size": 512,
            "n_epochs": 4,
            "learning_rate": 5e-4,
            "gamma": 0.97,
            "gae_lambda": 0.9,
            "ent_coef": 0.01,
            "clip_range": 0.2,
        },
    ),
    # At the limit a policy cannot allow for what it cannot see, such as less grip; so its car hardly varies.
    "race": Preset(
        title="for lap times: watches the racing line first, then races for progress alone, at up to 4 m/s",
        width=80,
        height=60,
        keep_sky=2,
        camera="wide",
        network="patch",
        features=128,
        num_envs=64,
        max_steps=400,
        randomization=dataclasses.replace(
            MILD,
            friction=(0.82, 0.98),
            speed_gain=(0.95, 1.05),
            speed_tau=(0.12, 0.25),
            steering_gain=(0.95, 1.05),
            steering_tau=(0.04, 0.1),
            steering_offset=(-0.015, 0.015),
            latency=(0.0, 0.02),
        ),
        steps=2_300_000,
        evaluate_every=65_536,
        reward="race",
        actions=ContinuousActions((-30.0, 1.0), (30.0, 4.0)),
        direction=None,
        stops=False,
        decay=True,
        racing=True,
        watch=131_072,
        privileged=True,
        log_std=-2.3,
        last_log_std=-3.3,
        ppo={
            "n_steps": 64,
            "batch_size": 1024,
            "n_epochs": 4,
            "learning_rate": 3e-4,
            "gamma": 0.98,
            "gae_lambda": 0.9,
            "clip_range": 0.2,
        },
    ),
    "stock": Preset(
        title="DeepRacer's networks, for the stock car, with settings that learn fast: laps within minutes",
        width=160,
        height=120,
        keep_sky=120,  # the stock car shows its network the whole frame
        camera="wide",
        network="DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
        features=512,
        num_envs=32,
        max_steps=400,
        randomization="mild",
        steps=200_000,
        evaluate_every=2048,
        ppo={
            "n_steps": 64,
            "batch_size": 256,
            "n_epochs": 4,
            "learning_rate": 5e-4,
            "gamma": 0.97,
            "gae_lambda": 0.9,
            "ent_coef": 0.01,
            "clip_range": 0.2,
        },
    ),
    # DeepRacer's own settings (deepracer-simapp, markov/sagemaker_graph_manager.py and its defaults of
    # hyperparameters.json); docs/deepracer_preset.md says where they cannot be the same, and why.
    "deepracer": Preset(
        title="DeepRacer's own networks and settings, for its models and its cars: slower to learn",
        width=160,
        height=120,
        keep_sky=120,
        camera="deepracer",
        network="DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
        features=512,
        num_envs=4,
        max_steps=2000,
        randomization="mild",
        steps=400_000,
        evaluate_every=1024,  # as often as it learns at first: one policy that laps is enough
        start="round_robin",
        direction=None,
        scale_rewards=False,
        bootstrap_laps=False,
        original=True,
        ppo={
            **Hyperparameters().settings("ppo"),
            "gae_lambda": 0.95,
            "clip_range": 0.2,
            "vf_coef": 1.0,
        },
        # 40,000 frames are 0.8 GB; the original's million would be 19 GB.
        sac={
            **Hyperparameters().settings("sac"),
            "buffer_size": 40_000,
            "optimize_memory_usage": True,
            "replay_buffer_kwargs": {"handle_timeout_termination": False},
            "train_freq": 1,
            "gradient_steps": -1,
            "learning_starts": 1_000,
        },
    ),
}


def preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        RunError: There is none.
    """
    return PRESETS[choice("preset", name, PRESETS, RunError)]
