"""The objects of a world: put down for each episode, driven where they drive, and run into."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bots import BOT_DTYPE, drive_bots, next_wait
from .chassis import FRONT_POINT
from .contact import touched
from .lanes import make_lanes
from .latency import Past
from .objects import OBJECT_DTYPE, Kind
from .obstacles import CLEAR_START, Bots, Rivals, Setup
from .placing import Placement, clear_pose, rival_objects
from .routes import Lines, Routes

RESET_BEHIND = RESET_AHEAD = 1.0
"""A car that is put back at a box goes on so far behind it, or by mercy ahead of it, as in DeepRacer [m]."""
_NEVER = (1e9, 1e9)  # [s]


class Traffic:
    """The objects around N cars, M around each; none of them notices the others.

    Args:
        setup: What there is; `None` in a time trial.
        routes: The world's routes.
        num_cars: N.
        control_hz: Steps per second [Hz].

    Attributes:
        objects: (N, M) of `OBJECT_DTYPE`.
        crashed: (N,) whether each car ran into an object on its last step.
        resets: (N,) how often each car was put back at the same box, where there is mercy.
        lanes: The routes' lanes.
    """

    def __init__(self, setup: Setup | None, routes: Routes, num_cars: int, control_hz: float) -> None:
        shape = (num_cars, 0 if setup is None else setup.count)
        self._others = _others(num_cars) if isinstance(setup, Rivals) else None
        self.objects = np.zeros(shape, OBJECT_DTYPE) if self._others is None else rival_objects(self._others)
        self.crashed = np.zeros(num_cars, dtype=bool)
        self.resets = np.zeros(num_cars, dtype=np.int64)
        self._reset_at = np.full(num_cars, -1)  # the box
        self.lanes: Lines = make_lanes(routes)
        self._setup, self._routes = setup, routes
        self._dt = 1.0 / control_hz
        self._bots = np.zeros(shape, BOT_DTYPE)
        self._hits = np.zeros(shape, dtype=bool)
        self._met = np.zeros(shape, dtype=bool)  # while they stood where physics had them
        self._passed = np.zeros(shape, dtype=bool)  # cars that were run into and not yet left
        self._past = Past((num_cars, shape[1], 3))

    @property
    def any(self) -> bool:
        """Whether there are objects at all."""
        return self._setup is not None

    def begin(self, car: int, placement: Placement) -> None:
        """Put down the objects of one car's new episode."""
        bots = self._bots[car]
        bots["s"], bots["inner"], bots["done"] = placement.s, placement.lane > 0, -1.0
        seeds = np.uint64(placement.seed) + (np.arange(len(bots), dtype=np.uint64) << np.uint64(32))
        bots["seed"] = seeds
        change = self._lane_change
        bots["wait"] = [next_wait(seed, change) for seed in seeds]
        self.objects[car] = placement.objects
        self.crashed[car] = False
        self.resets[car], self._reset_at[car] = 0, -1
        self._passed[car] = False
        self._past.stand(np.array([car]), self._poses()[[car]])

    def meet(self, pose: NDArray[np.float64]) -> None:
        """Note who touches what after the cars (N, 3) have moved and before the objects do."""
        if self.any:
            touched(pose, self.objects, self._met)

    def advance(self, active: NDArray[np.bool_], route: NDArray[np.int64]) -> None:
        """Let the objects of the active cars drive for one control period."""
        setup = self._setup
        if not isinstance(setup, Bots):
            return
        drive_bots(
            self._routes.lines,
            self.lanes,
            route,
            self._routes.is_loop[route],
            active,
            self._bots,
            self.objects,
            self._dt,
            self._lane_change,
            setup.lane_change_distance,
        )
        self._past.remember(self._poses())

    def follow(
        self,
        route: NDArray[np.int64],
        pose: NDArray[np.float64],
        velocity: NDArray[np.float64],
        position: NDArray[np.float64],
    ) -> None:
        """Put the cars that race each other where they are.

        Args:
            route: (N,) their routes.
            pose: (N, 3) of the cars' bases.
            velocity: (N, 3) of theirs.
            position: (N,) of their front points along the centre line, as a share of its length.
        """
        if self._others is None:
            return
        there = pose[self._others]
        objects = self.objects
        objects["x"], objects["y"], objects["yaw"] = there[..., 0], there[..., 1], there[..., 2]
        objects["speed"] = velocity[self._others, 0]
        self._bots["s"] = (position * self._routes.length[route] - FRONT_POINT)[self._others]
        self._past.remember(self._poses())

    def judge(
        self,
        active: NDArray[np.bool_],
        route: NDArray[np.int64],
        pose: NDArray[np.float64],
        position: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Who ran into an object.

        Who is run into by a car from behind has not crashed, and a car that went on after it ran into another
        one has first to get clear of it before it can do so again.

        Args:
            active: (N,) cars in an episode; the others have not crashed.
            route: (N,) their routes.
            pose: (N, 3) of the cars' bases.
            position: (N,) of their front points along the centre line, as a share of its length.

        Returns:
            (N,) bool, which is also `crashed`.
        """
        if not self.any:
            return self.crashed
        touched(pose, self.objects, self._hits)
        self._hits |= self._met
        self._passed &= self._hits
        behind = (self.objects["kind"] == Kind.CAR) & (self._lead(route, position) <= 0.0)
        counts = self._hits & ~self._passed & ~behind
        self._hits = counts
        self.crashed = active & counts.any(axis=1)
        return self.crashed

    def seen(self, which: NDArray[np.intp], age: NDArray[np.float64]) -> NDArray[np.void]:
        """(K, M) objects around some cars as they were some control periods (K,) ago."""
        seen = self.objects[which]
        if isinstance(self._setup, Bots | Rivals):
            then = self._past.seen(which, age)
            seen["x"], seen["y"], seen["yaw"] = then[..., 0], then[..., 1], then[..., 2]
        return seen

    def put_back(
        self, car: int, route: int, share: float, pose: NDArray[np.float64], mercy: int = 0
    ) -> NDArray[np.float64] | None:
        """Where a car goes on: behind the box that it ran into or is near to, in the other lane.

        Source: aws-deepracer-community/deepracer-simapp, markov/agent_ctrl/rollout_agent_ctrl.py; mercy is
        `ENABLE_MERCY_RESET` and `MAX_RESETS_AFTER_CRASH` there.

        Args:
            car: The car.
            route: Its route.
            share: Where it would be put if no box were near, as a share of the lap.
            pose: (3,) its pose there; what comes back if no object is near.
            mercy: Which time in a row at the same box it goes on ahead of the box; 0 for never.

        Returns:
            (3,) the pose, or `None` if it ran into another car: then it goes on where it is.
        """
        if not self.any:
            return pose
        objects, s = self.objects[car], self._bots["s"][car]
        if self.crashed[car] and (objects["kind"][self._hits[car]] == Kind.CAR).any():
            self._passed[car] |= self._hits[car]
            return None
        length, loop = float(self._routes.length[route]), bool(self._routes.is_loop[route])
        box = self._box_at(car, share * length, length, loop)
        if box is not None:
            at = float(s[box]) + (RESET_AHEAD if self._shows_mercy(car, box, mercy) else -RESET_BEHIND)
            share = (at % length if loop else min(max(at, 0.0), length)) / length
        near = RESET_BEHIND + 0.01  # so that the box that was hit decides about the lane
        return clear_pose(self._routes, self.lanes, route, share, pose, s, objects, near)

    def _box_at(self, car: int, at: float, length: float, loop: bool) -> int | None:
        """The box that a car ran into, or else the nearest one within a metre of a place on the lap [m]."""
        if self.crashed[car]:
            return int(self._hits[car].argmax())
        gaps = self._bots["s"][car] - at
        gaps = np.abs((gaps + length / 2) % length - length / 2 if loop else gaps)
        gaps[self.objects["kind"][car] != Kind.BOX] = np.inf
        nearest = int(gaps.argmin())
        return nearest if gaps[nearest] < CLEAR_START else None

    def _shows_mercy(self, car: int, box: int, mercy: int) -> bool:
        """Count that a car is put back at a box, and tell whether it may go on ahead of it."""
        if not mercy:
            return False
        self.resets[car] = self.resets[car] + 1 if self._reset_at[car] == box else 1
        self._reset_at[car] = box
        if self.resets[car] < mercy:
            return False
        self.resets[car] = 0
        return True

    def _lead(self, route: NDArray[np.int64], position: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, M) how far the front points of other cars are ahead of each car's, along the lap [m]."""
        length = self._routes.length[route][:, None]
        lead = self._bots["s"] + FRONT_POINT - position[:, None] * length
        around = (lead + length / 2) % length - length / 2
        return np.where(self._routes.is_loop[route][:, None], around, lead)

    @property
    def _lane_change(self) -> tuple[float, float]:
        setup = self._setup
        return setup.lane_change or _NEVER if isinstance(setup, Bots) else _NEVER

    def _poses(self) -> NDArray[np.float64]:
        return np.stack([self.objects["x"], self.objects["y"], self.objects["yaw"]], axis=-1)


def _others(num_cars: int) -> NDArray[np.int64]:
    """(N, N - 1) indices of all other cars, for each car."""
    cars = np.arange(num_cars)
    return np.array([np.delete(cars, i) for i in range(num_cars)])
