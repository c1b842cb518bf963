"""The world: N independent cars on their tracks, stepped in lockstep as arrays.

One frame's way through it: command -> physics -> place on the track -> rules -> reward -> camera. `RacingEnv`
is its face for one car, `RacingVecEnv` for many; the rules of racing live here alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hairpin.edge.contract import STEREO, Observation, lidar_values, to_commands, to_metadata_units
from hairpin.rewards import RewardParams, per_car
from hairpin.rewards import evaluate as call_reward
from hairpin.tracks.style import Style
from hairpin.tracks.surface import rasterise

from .config import WorldConfig
from .episode import Start, draw_episode, turn_of
from .errors import SimError
from .latency import Latency
from .lidar import scan
from .locate import PLACE_DTYPE, locate
from .obstacles import Rivals
from .params import build_params
from .physics import Physics, make_physics, nominal_car
from .race import Race
from .render import Renderer, nominal_view
from .routes import make_routes
from .rules import Status
from .scene import EYES, make_renderer, make_surfaces, sideways
from .spaces import check_actions
from .start import LANE, start_pose
from .trace import LapRecorder, TraceRecorder
from .traffic import Traffic

_FAR_AWAY: Final = 1000.0  # where cars are parked [m]

# As numbers: numpy is slow to compare with members of an enumeration.
_IN_PROGRESS, _TIME_UP = int(Status.IN_PROGRESS), int(Status.TIME_UP)


@dataclass(frozen=True, eq=False)
class Step:
    """What one step of the world gave; every array has the cars as its first axis.

    Attributes:
        reward: (N,) the user's reward; 0 for cars that did not act.
        terms: Named terms of the reward, per term (N,), NaN where the function did not give it.
        terminated: (N,) the episode ended by a rule of racing.
        truncated: (N,) the episode ended by its step limit.
        status: (N,) values of `rules.Status`.
        progress: (N,) share of the lap done [%].
        lap_time: (N,) time of the lap that this step completed [s], else NaN.
        action: (N,) or (N, 2) what the policy said; -1 where a car was driven without one.
        command: (N, 2) commanded steering [deg] and speed [m/s], as the action space names them.
    """

    reward: NDArray[np.float64]
    terms: Mapping[str, NDArray[np.float64]]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    status: NDArray[np.int64]
    progress: NDArray[np.float64]
    lap_time: NDArray[np.float64]
    action: NDArray[Any]
    command: NDArray[np.float64]


class World:
    """N cars, each in an episode of its own; `reset` them before the first step.

    Args:
        config: What the world is made of.
        num_cars: N.
        generators: One random generator per car; all randomness of a car comes from its own.
        physics: What moves the cars; made as the configuration says if not given.

    Attributes:
        routes: The tracks, in both directions.
        route: (N,) each car's route.
        surfaces: The grounds that the cameras see.
        surface: (N,) each car's surface.
        view: (N,) of `VIEW_DTYPE`: each car's camera and light.
        car: (N,) of `CAR_DTYPE`: what each car is like.
        places: (N,) of `PLACE_DTYPE`: where each car is.
        traffic: The objects around each car.
        race: Steps, time, laps, progress and status of each car.
        active: (N,) cars that took the last step.
        command: (N, 2) steering [rad] and speed [m/s] that each car was told last.
        recorder: Told of every reset and step, where there is one.

    Raises:
        SimError: The physics, the camera and the renderer do not go together, or PyBullet is not installed.
    """

    def __init__(
        self,
        config: WorldConfig,
        num_cars: int,
        generators: Sequence[np.random.Generator] | None = None,
        physics: Physics | None = None,
    ) -> None:
        if isinstance(config.objects, Rivals) and num_cars != config.objects.count + 1:
            raise SimError(f"{num_cars} cars have {config.objects.count} rivals each: give one car more")
        if generators is not None and len(generators) != num_cars:
            raise SimError(f"{num_cars} cars, {len(generators)} random generators: give one per car")
        self.config = config
        self.num_cars = num_cars
        self.routes = make_routes(config.tracks)
        self.physics = physics or make_physics(config.physics, num_cars, config.control_hz)
        self.surfaces = make_surfaces(config)
        self.renderer = make_renderer(config, self.surfaces)
        self.traffic = Traffic(config.objects, self.routes, num_cars, config.control_hz)
        self.race = Race(num_cars, config.laps, config.max_steps, config.control_hz)
        self.route = np.zeros(num_cars, dtype=np.int64)
        self.surface = np.zeros(num_cars, dtype=np.int64)
        self.view = nominal_view(num_cars)
        self.car = nominal_car(num_cars)
        self.places = np.zeros(num_cars, dtype=PLACE_DTYPE)
        self.active = np.zeros(num_cars, dtype=bool)
        self.command = np.zeros((num_cars, 2))
        self.recorder: TraceRecorder | LapRecorder | None = None
        self._generators = list(generators or (np.random.default_rng() for _ in range(num_cars)))
        self._episodes = np.zeros(num_cars, dtype=np.int64)
        self._noise_seed = np.zeros(num_cars, dtype=np.uint64)
        self._latency = Latency(num_cars)
        self._rewards = [] if config.reward is None else per_car(config.reward, num_cars)

    @property
    def pose(self) -> NDArray[np.float64]:
        """(N, 3) x, y [m] and yaw [rad] of each car's base; not to be written to."""
        return self.physics.pose

    @property
    def velocity(self) -> NDArray[np.float64]:
        """(N, 3) forward and leftward speed [m/s] and yaw rate [rad/s] of each car; not to be written to."""
        return self.physics.velocity

    @property
    def objects(self) -> NDArray[np.void]:
        """(N, M) of `OBJECT_DTYPE`: what is on each car's track besides it; M is 0 in a time trial."""
        return self.traffic.objects

    def reseed(self, car: int, generator: np.random.Generator) -> None:
        """Give a car another random generator; what follows its next reset is as in a new world."""
        self._generators[car] = generator
        self._episodes[car] = 0

    def reset(self, which: NDArray[np.intp], start: Start | None = None) -> None:
        """Start new episodes for some cars, where the configuration says or where `start` does.

        Args:
            which: (K,) indices of the cars.
            start: Fixes the place and the direction of all of them.
        """
        poses, starts = np.empty((len(which), 3)), np.empty(len(which))
        for k, i in enumerate(which.tolist()):
            nth = int(self._episodes[i])
            episode = draw_episode(
                self.config,
                self.routes,
                self.traffic.lanes,
                self._generators[i],
                start or Start(),
                turn_of(i, self.num_cars, nth),
                i + nth,
            )
            self.route[i], self.surface[i] = episode.route, episode.surface
            self.car[i], self.view[i] = episode.car[0], episode.view[0]
            self._noise_seed[i] = episode.noise_seed
            self._latency.begin(i, episode.latency, episode.delay)
            poses[k], starts[k] = episode.pose, episode.start
            if episode.placement is not None:
                self.traffic.begin(i, episode.placement)
        self._episodes[which] += 1
        self._put(which, poses)
        loops = self.routes.is_loop[self.route[which]]
        self.race.begin(which, starts, loops, self.places["position"][which])
        if self.recorder is not None:
            self.recorder.prepared(self, which.tolist())

    def step(self, actions: NDArray[Any], active: NDArray[np.bool_] | None = None) -> Step:
        """Advance every car by one control period.

        Args:
            actions: (N,) indices of a discrete space, or (N, 2) numbers in [-1, 1] of a continuous one, where
                those outside are clipped, as on the car.
            active: (N,) cars in an episode; the others are told to stand, are not judged and get no reward.

        Raises:
            SimError: The actions do not fit the action space; nothing has moved.
            RewardError: The reward function failed; the line says on which step and with which params.
        """
        space = self.config.actions
        check_actions(space, actions, self.num_cars)
        return self._advance(actions, to_metadata_units(space, actions), to_commands(space, actions), active)

    def drive(self, command: NDArray[np.float64], active: NDArray[np.bool_] | None = None) -> Step:
        """Advance every car by one control period, told what to do as its actuators are.

        Args:
            command: (N, 2) steering [rad] and speed [m/s].
            active: As for `step`.

        Raises:
            SimError: The commands are not finite; nothing has moved.
            RewardError: The reward function failed.
        """
        if command.shape != (self.num_cars, 2) or not np.isfinite(command).all():
            shown = np.asarray(command).tolist()
            raise SimError(f"commands are {shown}: give ({self.num_cars}, 2) finite numbers [rad, m/s]")
        named = np.column_stack([np.degrees(command[:, 0]), command[:, 1]])
        return self._advance(np.full(self.num_cars, -1), named, command, active)

    def recover(self, car: int, penalty: float, mercy: int = 0) -> None:
        """Let a car go on with its lap after a penalty [s].

        It is put back in the nearer lane where it left the road; behind a box that it ran into or is near
        to, in the other lane, or every `mercy`-th time in a row ahead of it; and where it is if it ran into
        another car.
        """
        route, share = int(self.route[car]), self.race.lost_at(car)
        lane = LANE if self.places["left"][car] else -LANE
        back = start_pose(self.routes, route, share, offset=lane)
        pose = self.traffic.put_back(car, route, share, back, mercy)
        if pose is not None:
            self._put(np.array([car]), pose[None])
        if isinstance(self.recorder, LapRecorder):
            self.recorder.paused(self, car, penalty)
        self.race.go_on(car, penalty)

    def park(self, car: int) -> None:
        """Take a car off the track, where it is in nobody's way; it is not to be told to drive again."""
        self._put(np.array([car]), np.array([[_FAR_AWAY * (car + 1), _FAR_AWAY, 0.0]]))

    def observe(self, which: NDArray[np.intp] | None = None) -> Observation:
        """What the policies of some cars, or of all, see: frames, or what each sensor gives by its name."""
        spec = self.config.observation
        frames = self.frames(which)
        if spec.lidar is None:
            return frames
        return {spec.sensor: frames, spec.lidar.sensor: lidar_values(self.ranges(which), spec.lidar)}

    def frames(
        self, which: NDArray[np.intp] | None = None, pose: NDArray[np.float64] | None = None
    ) -> NDArray[np.uint8]:
        """Camera frames of some cars, or of all, at (K, 3) poses or where they are; (K, h, w, c) uint8."""
        which = np.arange(self.num_cars) if which is None else which
        pose = self._latency.seen(which) if pose is None else pose
        if self.config.observation.sensor != STEREO:
            return self._render(which, pose, eye=0)
        eyes = [self._render(which, sideways(pose, left), eye) for eye, left in enumerate(EYES)]
        return np.concatenate(eyes, axis=-1)

    def ranges(
        self, which: NDArray[np.intp] | None = None, pose: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Distances along the lidars' rays, for cars as in `frames`; (K, 64) [m], infinity for nothing."""
        which = np.arange(self.num_cars) if which is None else which
        pose = self._latency.seen(which) if pose is None else pose
        return scan(pose, self._around(which), self._frame_seed(which))

    def repaint(self, surface: int, style: Style) -> None:
        """Give one of the surfaces another look; cars on it see it from now on.

        Raises:
            SimError: The renderer is PyBullet's, which keeps its textures.
        """
        if not isinstance(self.renderer, Renderer):
            raise SimError("PyBullet's camera cannot be given other colours: use renderer='raycast'")
        track = self.config.tracks[surface // self.config.randomization.surfaces]
        self.surfaces[surface] = rasterise(track, style, texel=self.surfaces[surface].texel)
        self.renderer.repaint(surface, self.surfaces[surface])

    def params(self, command: NDArray[np.float64], which: Sequence[int]) -> list[RewardParams]:
        """What the reward functions of some cars see now.

        Args:
            command: (N, 2) commanded steering [deg] and speed [m/s].
            which: Indices of the cars.
        """
        return build_params(
            self.routes,
            self.route,
            self.places,
            command=command,
            progress=self.race.progress,
            steps=self.race.steps,
            time=self.race.time,
            which=which,
            objects=self.objects,
            crashed=self.traffic.crashed,
        )

    def close(self) -> None:
        """Release the physics and the renderer; it may be called twice."""
        self.physics.close()
        self.renderer.close()

    def _render(self, which: NDArray[np.intp], pose: NDArray[np.float64], eye: int) -> NDArray[np.uint8]:
        """What cameras at `pose` see, each eye with noise of its own."""
        seed = self._frame_seed(which) + np.uint64(eye << 62)
        return self.renderer.render(
            pose, self.surface[which], self.view[which], seed, objects=self._around(which)
        )

    def _around(self, which: NDArray[np.intp]) -> NDArray[np.void]:
        """(K, M) of `OBJECT_DTYPE`: the objects that sensors of some cars show now."""
        return self.traffic.seen(which, self._latency.age(which))

    def _frame_seed(self, which: NDArray[np.intp]) -> NDArray[np.uint64]:
        """(K,) seeds of the noise in what the sensors give now."""
        return self._noise_seed[which] + self.race.steps[which].astype(np.uint64)

    def _put(self, which: NDArray[np.intp], pose: NDArray[np.float64]) -> None:
        """Put cars down at rest."""
        self.command[which] = 0.0
        self.physics.reset(which, pose, self.car[which])
        self._latency.stand(which, self.physics.pose[which])
        self.places[which] = locate(self.routes, self.route[which], self.physics.pose[which])
        self._see_each_other()

    def _see_each_other(self) -> None:
        self.traffic.follow(self.route, self.pose, self.velocity, self.places["position"])

    def _advance(
        self,
        actions: NDArray[Any],
        named: NDArray[np.float64],
        command: NDArray[np.float64],
        active: NDArray[np.bool_] | None,
    ) -> Step:
        self.active = active = np.ones(self.num_cars, dtype=bool) if active is None else active.copy()
        before = self.physics.pose[:, :2].copy()
        self.command = np.where(active[:, None], command, 0.0)
        self.physics.step(self._latency.hold(self.command), self.objects)
        self._latency.remember(self.physics.pose)
        self.traffic.meet(self.physics.pose)
        self.traffic.advance(active, self.route)
        self.places = locate(self.routes, self.route, self.physics.pose)
        self._see_each_other()
        moved = np.hypot(*(self.physics.pose[:, :2] - before).T)
        crashed = self.traffic.judge(active, self.route, self.physics.pose, self.places["position"])
        lap_time = self.race.advance(active, self.places, moved, crashed)
        status = self.race.status.copy()
        truncated = active & (status == _TIME_UP)
        which = np.flatnonzero(active).tolist()
        reward, terms = self._reward(named, which)
        step = Step(
            reward=reward,
            terms=terms,
            terminated=active & (status != _IN_PROGRESS) & ~truncated,
            truncated=truncated,
            status=status,
            progress=self.race.progress.copy(),
            lap_time=lap_time,
            action=actions,
            command=named,
        )
        if self.recorder is not None:
            self.recorder.stepped(self, step, which)
        return step

    def _reward(
        self, command: NDArray[np.float64], which: list[int]
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        reward = np.zeros(self.num_cars)
        terms: dict[str, NDArray[np.float64]] = {}
        if not self._rewards:
            return reward, terms
        for i, params in zip(which, self.params(command, which), strict=True):
            reward[i], named = call_reward(self._rewards[i], params)
            for name, value in named.items():
                terms.setdefault(name, np.full(self.num_cars, np.nan))[i] = value
        return reward, terms
