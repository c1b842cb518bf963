"""What critics know: the truth about each car, also about the last moment of an episode."""

from __future__ import annotations

import numpy as np
from driving import CONTINUOUS, TINY, tiny_world

from hairpin.sim import make_config
from hairpin.sim.privileged import SIZE, TrackState
from hairpin.sim.sb3 import SB3VecEnv


def test_it_is_finite_moderate_and_tells_where_the_car_is() -> None:
    world = tiny_world(6, track=["oval", "bowtie"], direction="both", start="random", randomization="mild")
    known = TrackState(world).of(np.arange(6))
    assert known.shape == (6, SIZE) and known.dtype == np.float32
    assert np.isfinite(known).all() and np.abs(known).max() < 10
    side = np.where(world.places["left"], 1.0, -1.0) * world.places["center_distance"]
    np.testing.assert_allclose(known[:, 0], 2 * side / world.places["width"], rtol=1e-5)
    assert (known[:, 2] > 0.8).all()  # it looks along the road


def test_an_open_roads_curvature_ends_with_the_road() -> None:
    world = tiny_world(1, track="oval")
    before = TrackState(world).of(np.array([0]))
    for _ in range(5):
        world.drive(np.array([[0.0, 2.0]]))
    after = TrackState(world).of(np.array([0]))
    assert after[0, 3] > before[0, 3]  # forward speed


def test_observations_carry_it_and_that_of_the_last_moment() -> None:
    config = make_config("oval", observation=TINY, actions=CONTINUOUS, max_steps=5, start="line")
    env = SB3VecEnv(2, config, privileged=True)
    seen = env.reset()
    assert env.observation_space.contains({name: part[0] for name, part in seen.items()})
    full = np.tile(np.array([0.0, 1.0], np.float32), (2, 1))
    for _ in range(10):
        seen, _, done, infos = env.step(full)
        if done.all():
            break
    last = infos[0]["terminal_observation"]
    assert last["frame"].shape == seen["frame"].shape[1:]
    assert last["state"][3] > 0.1 and seen["state"][0, 3] == 0.0  # it moved; the next one stands
    env.close()
