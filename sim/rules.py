"""The rules of racing, as DeepRacer's simulator applies them: pure functions over arrays of cars.

Source: aws-deepracer-community/deepracer-simapp, markov/agent_ctrl/utils.py and markov/reset/.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

COMPLETE = 100.0  # progress of a finished lap [%]
STUCK_STEPS = 15  # steps without movement that make a car immobilized
STUCK_DISTANCE = 0.0003  # movement that counts as none [m]
REVERSED_STEPS = 15  # steps of falling progress that make a car reversed


class Status(IntEnum):
    """State of an episode; `label` is its name in DeepRacer's logs. The order is the order of the rules."""

    PREPARE = 0
    IN_PROGRESS = 1
    LAP_COMPLETE = 2
    IMMOBILIZED = 3
    OFF_TRACK = 4
    CRASHED = 5
    REVERSED = 6
    TIME_UP = 7

    @property
    def label(self) -> str:
        """The state's name in DeepRacer's logs, such as `off_track`."""
        return self.name.lower()


def progress(
    position: NDArray[np.float64], start: NDArray[np.float64], previous: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the lap done [%].

    Args:
        position: (N,) place along the centre line, as a share of its length.
        start: (N,) the same of the place where the lap began.
        previous: (N,) progress of the step before; 0 after a reset and after a finished lap.

    Returns:
        (N,) progress, at most 100; negative just behind the start.
    """
    done = COMPLETE * (position - start)
    done = np.where(done <= 0.0, done + COMPLETE, done)
    done = np.where(previous > done + 50.0, done + COMPLETE, done)
    done = np.where(done > previous + 50.0, done - COMPLETE, done)
    return np.minimum(done, COMPLETE)


def count_while(condition: NDArray[np.bool_], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Consecutive steps for which a condition has held, this one included; (N,)."""
    return np.where(condition, count + 1, 0)


def judge(
    lap_complete: NDArray[np.bool_],
    stuck_steps: NDArray[np.int64],
    wheels_on: NDArray[np.int64],
    crashed: NDArray[np.bool_],
    reversed_steps: NDArray[np.int64],
    time_up: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The episodes' states after a step: of several rules that apply, the first in the order of `Status`.

    Args:
        lap_complete: (N,) whether the last lap of the episode is done.
        stuck_steps: (N,) consecutive steps without movement.
        wheels_on: (N,) wheels on the road; off track means that none is.
        crashed: (N,) whether the car touches an object.
        reversed_steps: (N,) consecutive steps of falling progress.
        time_up: (N,) whether the step limit is reached.

    Returns:
        (N,) values of `Status`.
    """
    status = np.full(len(lap_complete), int(Status.IN_PROGRESS))
    for rule, state in (
        (time_up, Status.TIME_UP),
        (reversed_steps >= REVERSED_STEPS, Status.REVERSED),
        (crashed, Status.CRASHED),
        (wheels_on == 0, Status.OFF_TRACK),
        (stuck_steps >= STUCK_STEPS, Status.IMMOBILIZED),
        (lap_complete, Status.LAP_COMPLETE),
    ):
        status[rule] = int(state)
    return status
