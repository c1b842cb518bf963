"""The simulator: cars on tracks, seen through their cameras, as Gymnasium environments."""

from gymnasium.envs.registration import register, registry

from .camera import CAMERAS, Camera
from .config import DEFAULT_ACTIONS, WorldConfig, make_config
from .env import RacingEnv
from .errors import SimError
from .obstacles import Bots, Obstacles
from .randomize import Randomization
from .vector import RacingVecEnv
from .world import World

__all__ = [
    "CAMERAS",
    "DEFAULT_ACTIONS",
    "Bots",
    "Camera",
    "Obstacles",
    "RacingEnv",
    "RacingVecEnv",
    "Randomization",
    "SimError",
    "World",
    "WorldConfig",
    "make_config",
]

ENVIRONMENTS = {
    "hairpin/TimeTrial-v0": "time_trial",
    "hairpin/ObjectAvoidance-v0": "object_avoidance",
    "hairpin/HeadToBot-v0": "head_to_bot",
}

for name, race in ENVIRONMENTS.items():
    if name not in registry:  # worker processes import this again
        register(
            name,
            entry_point="hairpin.sim.env:RacingEnv",
            vector_entry_point="hairpin.sim.vector:RacingVecEnv",
            kwargs={} if race == "time_trial" else {"race": race},
        )
