"""The line's driver: nearly as fast as the limit in the simulator that the limit is of, and never faster."""

from __future__ import annotations

import numpy as np
import pytest
from driving import tiny_world

from hairpin.sim import SimError
from hairpin.sim.chassis import MAX_STEERING
from hairpin.sim.laps import Logbook, place, starts
from hairpin.sim.limits import nominal_limits
from hairpin.sim.line_driver import LineDriver
from hairpin.tracks import load_track
from hairpin.tracks.line import racing_line


@pytest.mark.parametrize(("track", "direction"), [("oval", "ccw"), ("reinvent_2018", "cw")])
def test_flying_laps_come_near_the_shortest_time_and_not_below(track: str, direction: str) -> None:
    world = tiny_world(4, track=track, laps=4, max_steps=1000, direction=direction)
    for i, start in enumerate(starts(4, direction)):
        place(world, i, start, np.random.default_rng(i))
    driver, book = LineDriver(world), Logbook(world)
    while book.running.any():
        book.enter(world.drive(driver.commands(), book.running))
    report = book.report()
    assert report.completed == 4
    flying = np.array(report.lap_times).reshape(4, 4)[:, 1:]
    road = load_track(track)
    shortest = racing_line(road, nominal_limits(), reverse=road.is_ccw != (direction == "ccw")).lap_time
    assert shortest <= flying.mean() < 1.05 * shortest
    assert flying.min() > shortest - 1 / world.config.control_hz  # laps are counted in whole steps


def test_it_comes_back_to_the_line_from_both_sides() -> None:
    world = tiny_world(2, track="oval", direction="ccw", max_steps=1000)
    driver = LineDriver(world, max_speed=2.0)
    line = driver._lines[int(world.route[0])]
    k = len(line.pose) // 2
    side = 0.3 * np.array([-np.sin(line.pose[k, 2]), np.cos(line.pose[k, 2])])
    poses = np.stack([line.pose[k], line.pose[k]])
    poses[:, :2] += [side, -side]
    world.physics.reset(np.arange(2), poses, world.car)
    left, right = driver.commands()[:, 0]
    assert left < line.steering[k] < right
    assert (np.abs(driver.commands()[:, 0]) <= MAX_STEERING).all()
    for _ in range(30):
        world.drive(driver.commands())
    gap = np.linalg.norm(world.pose[:, None, :2] - line.pose[None, :, :2], axis=2).min(axis=1)
    assert (gap < 0.06).all()


def test_a_speed_that_the_car_cannot_be_told_is_refused() -> None:
    with pytest.raises(SimError, match=r"max_speed is 5: give 0\.1 to 4 m/s"):
        nominal_limits(5.0)
