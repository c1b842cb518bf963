"""`RacingEnv`: one car as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from .config import WorldConfig, one_config
from .episode import read_options
from .errors import SimError
from .infos import single_info
from .observations import of_car
from .spaces import action_space, as_actions, observation_space
from .world import World

RENDER_MODES = ("rgb_array", "human")


class RacingEnv(gymnasium.Env[Any, Any]):
    """One car on a track, seen through its sensors.

    ## Description
    A 1/18-scale car drives laps; its policy sees the camera and says steering and speed, 15 times a second.
    The reward is the user's own `reward_function(params)`, as for a DeepRacer.

    ## Action Space
    `Discrete(n)`: an index into the (steering, speed) pairs of `actions`; or `Box(-1, 1, (2,))`: steering,
    + = left, and speed, scaled to the bounds of a `ContinuousActions` and clipped to them, as on the car.

    ## Observation Space
    `Box(0, 255, (h, w, c), uint8)`: the camera's frame after the contract's crop; c is 1 (gray), 3 (RGB), or
    2 (the gray frames of STEREO_CAMERAS, left and right). Beside a lidar a `Dict` by the sensors' names: the
    frame, and `Box(low, high, (n,), float32)`.

    ## Rewards
    What the reward function returns; named terms are in `info["reward_terms"]`.

    ## Starting State
    At rest on the road: at a random place, or as `start` says.

    ## Episode Termination
    Terminated: laps complete, no wheel on the road, run into an object, immobilized, or driving backwards.
    Truncated: after `max_steps`.

    ## Arguments
    Those of `hairpin.sim.make_config`, or a finished `config`; and `render_mode` ("rgb_array" or "human").
    `hairpin/ObjectAvoidance-v0` and `hairpin/HeadToBot-v0` are this one with another `race`: boxes stand on
    the track, or slow cars drive there, and running into one ends the episode.

    ## Reset Arguments
    `options={"start": 0.25, "direction": "cw"}` fixes the start, as a share of the lap, and the direction.

    ## Version History
    * v0: first version.

    Raises:
        SimError, TrackError, RewardError, ContractError: A setting cannot be used; the text says why.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 15}  # noqa: RUF012

    def __init__(
        self, render_mode: str | None = None, *, config: WorldConfig | None = None, **settings: Any
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise SimError(f"unknown render_mode {render_mode!r}: choose one of {', '.join(RENDER_MODES)}")
        self.render_mode = render_mode
        self.config = one_config(config, settings)
        self.metadata = {**self.metadata, "render_fps": round(self.config.control_hz)}
        self.observation_space = observation_space(self.config.observation)
        self.action_space = action_space(self.config.actions)
        self._painter: Any = None
        self._window: Any = None
        self._open()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode; see the class for the options. A closed environment opens again.

        Raises:
            SimError: An option is unknown or out of range; the running episode is untouched.
        """
        start = read_options(options)
        super().reset(seed=seed)
        if self._closed:
            self._open()
        if seed is not None:
            self.world.reseed(0, self.np_random)
        self.world.reset(np.zeros(1, dtype=np.intp), start)
        self._running = True
        if self.render_mode == "human":
            self.render()
        return of_car(self.world.observe(), 0), single_info(self.world)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Drive for one control period.

        Raises:
            ResetNeeded: No episode is running.
            SimError: The action does not fit the action space; nothing has moved.
            RewardError: The reward function failed.
        """
        if not self._running:
            raise ResetNeeded("no episode is running: call reset() before step()")
        step = self.world.step(as_actions(action)[None])
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        self._running = not (terminated or truncated)
        if self.render_mode == "human":
            self.render()
        reward, info = float(step.reward[0]), single_info(self.world, step)
        return of_car(self.world.observe(), 0), reward, terminated, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """A picture from behind the car, with its camera and the map inset: (480, 640, 3) uint8 RGB.

        In mode "human" it is shown in a window instead.
        """
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode: make the env with render_mode='rgb_array'")
            return None
        if self._painter is None:
            from .paint import Painter

            self._painter = Painter(self.world)
        picture: NDArray[np.uint8] = self._painter.paint(0)
        if self.render_mode == "rgb_array":
            return picture
        if self._window is None:
            from .window import Window

            self._window = Window(picture.shape[1], picture.shape[0], self.metadata["render_fps"])
        self._window.show(picture)
        return None

    def close(self) -> None:
        """Release the physics, the renderer and the window; it may be called twice."""
        self._closed, self._running = True, False
        self.world.close()
        if self._window is not None:
            self._window.close()
            self._window = None

    def _open(self) -> None:
        self.world = World(self.config, 1, [self.np_random])
        self._painter = None
        self._running = self._closed = False

    def __reduce__(self) -> Any:
        # A world holds handles of other libraries; a pickled env is made anew from what defines it.
        return _remake, (self.config, self.render_mode), {"spec": self.spec}


def _remake(config: WorldConfig, render_mode: str | None) -> RacingEnv:
    return RacingEnv(render_mode, config=config)
