"""Policies race each other: grid, crashes, penalties, places."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from driving import CONTINUOUS, TINY, tiny_world

from hairpin.sim import SimError, World, make_config
from hairpin.sim.chassis import WHEELBASE
from hairpin.sim.head_to_head import GRID_GAP, Entrant, race
from hairpin.sim.laps import PENALTIES
from hairpin.sim.obstacles import Rivals
from hairpin.sim.rules import Status
from hairpin.tracks import Track

RADIUS = 2.0  # [m]
INNER, OUTER = RADIUS - 0.24, RADIUS + 0.24  # where the grid puts cars


@pytest.fixture(scope="module")
def ring() -> Track:
    angle = np.linspace(0, 2 * np.pi, 81)[:, None]
    rows = np.hstack(
        [r * np.hstack([np.cos(angle), np.sin(angle)]) for r in (RADIUS, RADIUS - 0.6, RADIUS + 0.6)]
    )
    rows[-1] = rows[0]
    return Track("ring", rows)


def entrant(
    track: Track, name: str, speed: float, physics: str = "single_track", radius: float = RADIUS
) -> Entrant:
    """Drives round the ring at a speed [m/s], whatever it sees."""
    world = make_config(track=track, reward=None, observation=TINY, actions=CONTINUOUS, physics=physics)
    steering = np.degrees(np.arctan(WHEELBASE / radius)) / 30.0
    share = (speed - 0.5) / 1.5 * 2.0 - 1.0
    return Entrant(name, world, lambda frames: np.full((len(frames), 2), (steering, share), np.float32))


def test_the_faster_one_wins_from_behind(ring: Track) -> None:
    cars = [entrant(ring, "slow", 0.8, radius=INNER), entrant(ring, "fast", 1.2, radius=OUTER)]
    results = race(cars, laps=1, direction="ccw")
    assert [(one.name, one.place, one.grid, one.finished) for one in results] == [
        ("slow", 2, 1, True),
        ("fast", 1, 2, True),
    ]
    slow, fast = results
    assert fast.time is not None and slow.time is not None and fast.time < slow.time
    assert slow.lap_times == (slow.time,) and slow.laps == 1.0 and slow.crashes == fast.crashes == 0


@pytest.mark.parametrize("physics", ["single_track", "bullet"])
def test_who_runs_into_another_car_stands_for_it(ring: Track, physics: str) -> None:
    lines = {"a": (0.5, INNER), "b": (0.5, OUTER), "c": (1.2, INNER)}
    cars = [entrant(ring, name, speed, physics, radius) for name, (speed, radius) in lines.items()]
    poses: list[np.ndarray] = []
    a, _, c = race(cars, laps=1, direction="ccw", on_step=lambda world: poses.append(world.pose[2].copy()))
    assert c.crashes >= 1 and a.crashes == 0
    alone = race([cars[2], cars[1]], laps=1, direction="ccw")[0]
    assert c.time is not None and alone.time is not None
    assert c.time > alone.time + c.crashes * PENALTIES[Status.CRASHED] - 0.5
    stood = np.hypot(*np.diff(np.array(poses)[:, :2], axis=0).T) < 1e-3
    longest = max(len(run) for run in "".join("x" if one else " " for one in stood).split())
    assert longest > 15 * PENALTIES[Status.CRASHED] - 15


def test_the_grid_is_one_behind_the_other_left_and_right(ring: Track) -> None:
    seen: list[np.ndarray] = []

    def look(world: World) -> None:
        if not seen:
            seen.append(world.pose.copy())
            others = world.objects
            for i in range(3):
                rest = [k for k in range(3) if k != i]
                assert np.allclose(others["x"][i], world.pose[rest, 0])
                assert np.allclose(others["yaw"][i], world.pose[rest, 2])

    cars = [entrant(ring, name, 0.5) for name in "abc"]
    race(cars, laps=1, first=1, direction="ccw", on_step=look)
    angles = np.unwrap(np.arctan2(seen[0][[1, 2, 0], 1], seen[0][[1, 2, 0], 0]))
    assert np.allclose(np.diff(angles) * RADIUS, -GRID_GAP, atol=0.03)
    radius = np.hypot(*seen[0][[1, 2, 0], :2].T)
    assert radius[0] < RADIUS < radius[1] and radius[2] < RADIUS


def test_the_same_race_twice_is_the_same(ring: Track) -> None:
    cars = [entrant(ring, "a", 1.0), entrant(ring, "b", 1.7)]
    assert race(cars, laps=2) == race(cars, laps=2)


def test_what_cannot_race_is_said(ring: Track) -> None:
    one = entrant(ring, "a", 1.0)
    with pytest.raises(SimError, match="give 2 to 4"):
        race([one])
    other = dataclasses.replace(one, world=dataclasses.replace(one.world, control_hz=30.0))
    with pytest.raises(SimError, match="control_hz"):
        race([one, other])
    with pytest.raises(SimError, match="one car more"):
        World(dataclasses.replace(one.world, objects=Rivals(2)), 2)


def test_a_parked_car_is_in_nobodys_way(ring: Track) -> None:
    world = tiny_world(2, track=ring)
    before = world.observe(np.array([0]))
    world.park(1)
    assert np.array_equal(world.observe(np.array([0])), before)
    assert np.abs(world.pose[1, :2]).min() > 100.0
