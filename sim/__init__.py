"""The simulator: cars on tracks, seen through their cameras, as Gymnasium environments."""

from gymnasium.envs.registration import register, registry

from .camera import CAMERAS, Camera
from .config import DEFAULT_ACTIONS, WorldConfig, make_config
from .env import RacingEnv
from .errors import SimError
from .randomize import Randomization
from .vector import RacingVecEnv
from .world import World

__all__ = [
    "CAMERAS",
    "DEFAULT_ACTIONS",
    "Camera",
    "RacingEnv",
    "RacingVecEnv",
    "Randomization",
    "SimError",
    "World",
    "WorldConfig",
    "make_config",
]

TIME_TRIAL = "hairpin/TimeTrial-v0"

if TIME_TRIAL not in registry:  # worker processes import this again
    register(
        TIME_TRIAL,
        entry_point="hairpin.sim.env:RacingEnv",
        vector_entry_point="hairpin.sim.vector:RacingVecEnv",
    )
