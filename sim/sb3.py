"""`SB3VecEnv`: the vector environment as stable-baselines3 wants it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from hairpin.edge.contract import Observation

from .config import WorldConfig
from .errors import SimError
from .privileged import SIZE, TrackState
from .rules import Status
from .vector import RacingVecEnv
from .world import Step


class SB3VecEnv(VecEnv):
    """A thin face over `RacingVecEnv` in same-step autoreset; frames are channels-first, (c, h, w) uint8.

    Beside a lidar, observations are dictionaries by the sensors' names, as those of the other environments.

    Args:
        num_envs: Number of cars.
        config: What the world is made of.
        render_mode: "rgb_array" to have `render()` draw the cars.
        bootstrap_laps: Whether a finished lap is reported as a time limit rather than an end. The agent then
            does not learn that a finished lap ends its income, as it would from a reward above 0.
        privileged: Whether an observation is a dict of the frame ("frame") and what only a critic may know
            ("state", see `TrackState`).
    """

    def __init__(
        self,
        num_envs: int,
        config: WorldConfig,
        *,
        render_mode: str | None = None,
        bootstrap_laps: bool = True,
        privileged: bool = False,
    ) -> None:
        kind = _Cars if privileged else RacingVecEnv
        self.env = kind(
            num_envs, autoreset_mode=AutoresetMode.SAME_STEP, render_mode=render_mode, config=config
        )
        self.bootstrap_laps = bootstrap_laps
        space: spaces.Space[Any] = _space_channels_first(self.env.single_observation_space)
        if privileged and config.observation.lidar is not None:
            raise SimError("a critic that knows the state goes with a camera alone: leave the lidar out")
        self._state = TrackState(self.env.world) if isinstance(self.env, _Cars) else None
        if isinstance(self.env, _Cars):
            self.env.state = self._state
            space = spaces.Dict({"frame": space, "state": spaces.Box(-np.inf, np.inf, (SIZE,))})
        super().__init__(num_envs, space, self.env.single_action_space)
        self.metadata["render_fps"] = self.env.metadata["render_fps"]
        self._actions: NDArray[Any] = np.zeros(0)
        self._return = np.zeros(num_envs)
        self._length = np.zeros(num_envs, dtype=np.int64)
        self._began = time.monotonic()

    def reset(self) -> VecEnvObs:
        """Start all episodes; the first call after `seed()` or `set_options()` uses those.

        Raises:
            SimError: The cars are given different options; a batch takes the same for all.
        """
        if any(options != self._options[0] for options in self._options):
            raise SimError("the cars are given different reset options: give all of them the same")
        observation, _ = self.env.reset(seed=self._seeds, options=self._options[0])
        self._reset_seeds()
        self._reset_options()
        self._return[:] = 0.0
        self._length[:] = 0
        return self._seen(observation)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions; `step_wait` drives."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Drive; `infos` carries `episode` and `terminal_observation` where an episode ended."""
        observation, reward, terminated, truncated, step = self.env.step(self._actions)
        done = terminated | truncated
        self._return += reward
        self._length += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(done).tolist():
            infos[i] = self._last_info(i, bool(truncated[i]), step)
        self._return[done] = 0.0
        self._length[done] = 0
        return self._seen(observation), reward.astype(np.float32), done, infos

    def _seen(self, observation: Any) -> Any:
        if self._state is None:
            return _channels_first(observation)
        return {"frame": _channels_first(observation), "state": self._state.of(np.arange(self.num_envs))}

    def _last_seen(self, car: int, step: dict[str, Any]) -> Any:
        frame = _channels_first(step["final_obs"][car])
        if not isinstance(self.env, _Cars):
            return frame
        return {"frame": frame, "state": self.env.final_state[car]}

    def _last_info(self, car: int, truncated: bool, step: dict[str, Any]) -> dict[str, Any]:
        """What is told of a car whose episode ended."""
        final = step["final_info"]
        status = final["status"][car]
        info = {
            "terminal_observation": self._last_seen(car, step),
            "TimeLimit.truncated": truncated or (self.bootstrap_laps and status == Status.LAP_COMPLETE.label),
            "episode": {
                "r": float(self._return[car]),
                "l": int(self._length[car]),
                "t": round(time.monotonic() - self._began, 6),
            },
            "status": status,
            "progress": float(final["progress"][car]),
        }
        if "lap_time" in final and final["_lap_time"][car]:
            info["lap_time"] = float(final["lap_time"][car])
        return info

    def close(self) -> None:
        """Release the world."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of the one environment, once per car asked for."""
        value = getattr(self.env, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the environment that all cars share."""
        setattr(self.env, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the environment that all cars share, once."""
        result = getattr(self.env, method_name)(*method_args, **method_kwargs)
        return [result for _ in self._get_indices(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """No car is wrapped: returns and lengths of episodes are counted here."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """One picture per car, if the environment draws."""
        return self.env.render() or [None] * self.num_envs


class _Cars(RacingVecEnv):
    """Notes what only a critic may know of the cars before those that are done start anew."""

    state: TrackState | None = None
    final_state: NDArray[np.float32] = np.zeros((0, SIZE), np.float32)

    def _restart(self, done: NDArray[np.bool_], step: Step, observation: Observation) -> dict[str, Any]:
        if self.state is not None:
            self.final_state = self.state.of(np.arange(self.num_envs))
        return super()._restart(done, step, observation)


def _space_channels_first(space: spaces.Space[Any]) -> spaces.Space[Any]:
    if isinstance(space, spaces.Dict):
        return spaces.Dict({name: _space_channels_first(part) for name, part in space.items()})
    if not _is_frame(space.shape or (), space.dtype):
        return space
    h, w, c = space.shape or ()
    return spaces.Box(0, 255, (c, h, w), np.uint8)


def _channels_first(observation: Any) -> Any:
    """Observations whose frames (..., h, w, c) are (..., c, h, w); gray ones without a copy."""
    if isinstance(observation, dict):
        return {name: _channels_first(values) for name, values in observation.items()}
    if not _is_frame(observation.shape, observation.dtype):
        return observation
    if observation.shape[-1] == 1:
        return observation.reshape(*observation.shape[:-3], 1, *observation.shape[-3:-1])
    return np.ascontiguousarray(np.moveaxis(observation, -1, -3))


def _is_frame(shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether an array is of frames; what lidars give is of another type."""
    return len(shape) >= 3 and dtype == np.uint8
