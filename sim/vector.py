"""`RacingVecEnv`: many cars as one Gymnasium vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from hairpin.edge.contract import Observation

from .config import WorldConfig, one_config
from .episode import read_options
from .errors import SimError, check_whole
from .infos import vector_infos
from .observations import copy_of_car, put
from .spaces import action_space, as_actions, observation_space
from .world import Step, World

Seeds = int | Sequence[int | None] | None


class RacingVecEnv(VectorEnv[Any, NDArray[Any], NDArray[Any]]):
    """N cars in lockstep, each in an episode of its own; car i with seed s is `RacingEnv` with seed s + i.

    Only with `start="round_robin"` they differ: the cars of a batch spread their starts over the lap.

    Args:
        num_envs: N.
        autoreset_mode: Gymnasium's mode or its name: next step (the default), same step, or disabled.
        render_mode: "rgb_array" to have `render()` draw every car.
        config: What the world is made of; or its settings, as for `hairpin.sim.make_config`.

    Raises:
        SimError, TrackError, RewardError, ContractError: A setting cannot be used; the text says why.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        config: WorldConfig | None = None,
        **settings: Any,
    ) -> None:
        check_whole("num_envs", num_envs)
        if render_mode not in (None, "rgb_array"):
            raise SimError(f"render_mode {render_mode!r} is not for many cars: choose 'rgb_array'")
        self.num_envs = num_envs
        self.autoreset_mode = _mode(autoreset_mode)
        self.render_mode = render_mode
        self.config = one_config(config, settings)
        self.metadata = {
            "autoreset_mode": self.autoreset_mode,
            "render_modes": ["rgb_array"],
            "render_fps": round(self.config.control_hz),
        }
        self.single_observation_space = observation_space(self.config.observation)
        self.single_action_space = action_space(self.config.actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.world = World(self.config, num_envs)
        self._running = np.zeros(num_envs, dtype=bool)
        self._started = np.zeros(num_envs, dtype=bool)
        self._painter: Any = None

    def reset(
        self, *, seed: Seeds = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start new episodes.

        Args:
            seed: One seed (car i gets seed + i) or one per car.
            options: Those of `RacingEnv`, and `reset_mask`: (N,) bool, the cars to reset; all if not given.

        Raises:
            ClosedEnvironmentError: The environment is closed.
            SimError: An option or the seeds cannot be used; all episodes are untouched.
        """
        if self.closed:
            raise ClosedEnvironmentError("the environment is closed: make a new one")
        options = dict(options or {})
        cars = self._mask(options.pop("reset_mask", None))
        start = read_options(options)
        for i, generator in self._generators(seed).items():
            if cars[i]:
                self.world.reseed(i, generator)
        self.world.reset(np.flatnonzero(cars), start)
        self._running |= cars
        self._started |= cars
        return self.world.observe(), vector_infos(self.world, cars)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Drive every car for one control period; finished ones start anew as the autoreset mode says.

        Raises:
            ResetNeeded: There was no `reset()` yet, or a car's episode is over and autoreset is disabled.
            SimError: The actions do not fit the action space; nothing has moved.
            RewardError: The reward function failed.
        """
        if not self._started.all():
            raise ResetNeeded("no episode is running: call reset() before step()")
        active = self._running
        if self.autoreset_mode is AutoresetMode.DISABLED and not active.all():
            over = np.flatnonzero(~active).tolist()
            raise ResetNeeded(
                f"the episodes of cars {over} are over: reset them with options={{'reset_mask': ...}}"
            )
        world = self.world
        step = world.step(as_actions(actions), active)
        done = step.terminated | step.truncated
        self._running = ~done
        if not active.all():  # next-step autoreset: these ended a step ago
            world.reset(np.flatnonzero(~active))
        observation = world.observe()
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and done.any():
            infos, active = self._restart(done, step, observation), ~done
        infos |= vector_infos(world, np.ones(self.num_envs, dtype=bool), step, active)
        return observation, step.reward, step.terminated, step.truncated, infos

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """One picture per car, each as `RacingEnv.render` draws it."""
        if self.render_mode is None:
            return None
        if self._painter is None:
            from .paint import Painter

            self._painter = Painter(self.world)
        return tuple(self._painter.paint(i) for i in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """Release the physics and the renderer."""
        self._started[:] = False
        self.world.close()

    def __reduce__(self) -> Any:
        # As for `RacingEnv`: made anew from what defines it.
        arguments = (self.num_envs, self.autoreset_mode, self.render_mode, self.config)
        return _remake, arguments, {"spec": self.spec}

    def _mask(self, mask: Any) -> NDArray[np.bool_]:
        if mask is None:
            return np.ones(self.num_envs, dtype=bool)
        cars = np.asarray(mask)
        if cars.shape != (self.num_envs,) or cars.dtype != np.bool_ or not cars.any():
            shown = f"{cars.dtype} {cars.shape}"
            raise SimError(f"reset_mask is {shown}: give ({self.num_envs},) bool, one True at least")
        return cars

    def _generators(self, seed: Seeds) -> dict[int, np.random.Generator]:
        if seed is None:
            return {}
        if not isinstance(seed, Integral | Sequence) or isinstance(seed, str):
            raise SimError(f"seed is {seed!r}: give a whole number, or one per car")
        seeds = [int(seed) + i for i in range(self.num_envs)] if isinstance(seed, Integral) else list(seed)
        if len(seeds) != self.num_envs:
            raise SimError(f"{len(seeds)} seeds are given for {self.num_envs} cars: give one, or one per car")
        return {i: np_random(one)[0] for i, one in enumerate(seeds) if one is not None}

    def _restart(self, done: NDArray[np.bool_], step: Step, observation: Observation) -> dict[str, Any]:
        """Start the cars anew that are done; their last frame and info, as Gymnasium lays them out."""
        which = np.flatnonzero(done)
        final = np.full(self.num_envs, None, dtype=object)
        for i in which.tolist():
            final[i] = copy_of_car(observation, i)
        info = vector_infos(self.world, done, step)
        self.world.reset(which)
        put(observation, which, self.world.observe(which))
        self._running[which] = True
        return {"final_obs": final, "_final_obs": done, "final_info": info, "_final_info": done.copy()}


def _mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError as error:
        known = ", ".join(repr(one.value) for one in AutoresetMode)
        raise SimError(f"unknown autoreset_mode {mode!r}: choose one of {known}") from error


def _remake(
    num_envs: int, autoreset_mode: AutoresetMode, render_mode: str | None, config: WorldConfig
) -> RacingVecEnv:
    return RacingVecEnv(num_envs, autoreset_mode=autoreset_mode, render_mode=render_mode, config=config)
