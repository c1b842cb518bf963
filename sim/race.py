"""The race: what the rules need to remember of each car's episode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import rules
from .rules import Status


class Race:
    """The race of N cars, each against the clock.

    Args:
        num_cars: N.
        laps: Laps of an episode.
        max_steps: Steps after which an episode is over.
        control_hz: Steps per second [Hz].

    Attributes:
        steps: (N,) steps of the episode, counting the preparing one as DeepRacer does.
        time: (N,) simulated time since the reset, penalties included [s].
        laps: (N,) laps done in the episode.
        progress: (N,) share of the lap done [%].
        status: (N,) values of `rules.Status`.
    """

    def __init__(self, num_cars: int, laps: int, max_steps: int, control_hz: float) -> None:
        self._laps = laps
        self._goal = np.full(num_cars, laps)  # laps of each episode; an open road has but one
        self._max_steps = max_steps
        self._control_hz = control_hz
        self.steps = np.zeros(num_cars, dtype=np.int64)
        self.time = np.zeros(num_cars)
        self.laps = np.zeros(num_cars, dtype=np.int64)
        self.progress = np.zeros(num_cars)
        self.status = np.zeros(num_cars, dtype=np.int64)
        self._start = np.zeros(num_cars)  # where a lap begins, as a share of the centre line
        self._previous = np.zeros(num_cars)  # progress of the step before [%]
        self._lap_began = np.zeros(num_cars)  # [s]
        self._stuck = np.zeros(num_cars, dtype=np.int64)
        self._backward = np.zeros(num_cars, dtype=np.int64)

    @property
    def laps_done(self) -> NDArray[np.float64]:
        """(N,) laps of each episode so far, the running one in part."""
        return np.clip(self.laps + self._previous / rules.COMPLETE, 0.0, self._goal)

    def begin(
        self,
        which: NDArray[np.intp],
        start: NDArray[np.float64],
        is_loop: NDArray[np.bool_],
        position: NDArray[np.float64],
    ) -> None:
        """Begin the episodes of some cars.

        Args:
            which: (K,) indices of the cars.
            start: (K,) share of the lap at which they start.
            is_loop: (K,) whether a lap ends where it began; on an open road it ends with the road, and
                counts from its beginning.
            position: (K,) where they are, as `PLACE_DTYPE` has it.
        """
        for counter in (self.time, self.laps, self._lap_began, self._stuck, self._backward):
            counter[which] = 0
        self.steps[which] = 1
        self.status[which] = Status.PREPARE
        self._start[which] = np.where(is_loop, start, 0.0)
        self._goal[which] = np.where(is_loop, self._laps, 1)
        before = np.where(is_loop, 0.0, rules.COMPLETE * position)
        self.progress[which] = rules.progress(position, self._start[which], before)
        self._previous[which] = self.progress[which]

    def advance(
        self,
        active: NDArray[np.bool_],
        places: NDArray[np.void],
        moved: NDArray[np.float64],
        crashed: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Take a step of the active cars into account; for the others time stands still.

        Args:
            active: (N,) cars in an episode.
            places: (N,) of `PLACE_DTYPE`, after the step.
            moved: (N,) distance that the bases moved [m].
            crashed: (N,) whether they ran into an object.

        Returns:
            (N,) time of the lap that the step completed [s], else NaN.
        """
        self.steps += active
        self.time += active / self._control_hz
        progress = rules.progress(places["position"], self._start, self._previous)
        self.progress = np.where(active, progress, self.progress)
        self._stuck = rules.count_while(moved <= rules.STUCK_DISTANCE, self._stuck)
        self._backward = rules.count_while(self.progress < self._previous, self._backward)
        finished = active & (self.progress >= rules.COMPLETE)
        lap_time = np.where(finished, self.time - self._lap_began, np.nan)
        self.laps += finished
        self._lap_began = np.where(finished, self.time, self._lap_began)
        self._previous = np.where(finished, 0.0, np.where(active, self.progress, self._previous))
        status = rules.judge(
            lap_complete=finished & (self.laps >= self._goal),
            stuck_steps=self._stuck,
            wheels_on=places["wheels_on"],
            crashed=crashed,
            reversed_steps=self._backward,
            time_up=self.steps > self._max_steps,
        )
        self.status = np.where(active, status, self.status)
        return lap_time

    def lost_at(self, car: int) -> float:
        """Where a car was when it was judged, as a share of the centre line."""
        return float((self._start[car] + self._previous[car] / rules.COMPLETE) % 1.0)

    def go_on(self, car: int, penalty: float) -> None:
        """Let a car go on with its lap after a penalty [s], during which it takes steps and stands."""
        self.time[car] += penalty
        self.steps[car] += round(penalty * self._control_hz)
        self.status[car] = Status.IN_PROGRESS
        self._stuck[car] = self._backward[car] = 0
