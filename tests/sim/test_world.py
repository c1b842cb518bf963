"""The world by real driving: how episodes end, laps, directions, latency, rewards."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import CONTINUOUS, TINY, constant, drive_until_over, pursue, tiny_world
from hypothesis import given, settings
from hypothesis import strategies as st

from hairpin.sim import Randomization, SimError, World, make_config
from hairpin.sim.episode import Start
from hairpin.sim.latency import Latency
from hairpin.sim.routes import make_routes
from hairpin.sim.rules import STUCK_STEPS, Status
from hairpin.sim.start import start_pose
from hairpin.tracks import Track, load_track

BOTH_PHYSICS = pytest.mark.parametrize("physics", ["single_track", "bullet"])


def ended(world: World) -> str:
    return Status(int(world.race.status[0])).label


@BOTH_PHYSICS
def test_full_steering_leaves_the_track(physics: str) -> None:
    world = tiny_world(physics=physics)
    last = drive_until_over(world, constant(math.radians(30), 1.5))[-1]
    assert ended(world) == "off_track"
    assert last.terminated[0] and not last.truncated[0]
    assert world.places["wheels_on"][0] == 0


@BOTH_PHYSICS
def test_a_car_that_stands_is_immobilized_after_fifteen_steps(physics: str) -> None:
    world = tiny_world(physics=physics)
    steps = drive_until_over(world, constant(0.0, 0.0))
    assert (ended(world), len(steps)) == ("immobilized", STUCK_STEPS)
    assert steps[-1].terminated[0]


def test_a_dead_motor_is_immobilized_whatever_the_policy_says() -> None:
    world = tiny_world(randomization=Randomization(speed_gain=(0.001, 0.001)))
    for _ in range(STUCK_STEPS):
        step = world.step(np.array([7]))
    assert step.terminated[0] and ended(world) == "immobilized"


@BOTH_PHYSICS
def test_driving_backwards_ends_as_reversed(physics: str) -> None:
    turned = Randomization(heading=(math.pi, math.pi))
    world = tiny_world(physics=physics, randomization=turned)
    steps = drive_until_over(world, constant(0.0, 0.8))
    assert ended(world) == "reversed" and steps[-1].terminated[0]
    assert 15 <= len(steps) <= 17  # from rest it may take a step or two to roll
    assert steps[-1].progress[0] < 0.0


@pytest.mark.parametrize(("heading", "speed"), [(math.pi, 0.8), (0.0, 0.0)])
def test_steps_backwards_or_without_movement_are_forgotten_at_a_reset(heading: float, speed: float) -> None:
    world = tiny_world(randomization=Randomization(heading=(heading, heading)))
    for _ in range(10):
        world.drive(constant(0.0, speed)(world))
    world.reset(np.arange(1))
    assert len(drive_until_over(world, constant(0.0, speed))) >= 15


def test_the_step_limit_truncates() -> None:
    world = tiny_world(max_steps=9)
    steps = drive_until_over(world, pursue)
    assert (len(steps), ended(world)) == (9, "time_up")
    assert steps[-1].truncated[0] and not steps[-1].terminated[0]


def test_a_rule_beats_the_step_limit() -> None:
    limit = len(drive_until_over(tiny_world(), constant(0.0, 0.0)))
    last = drive_until_over(tiny_world(max_steps=limit), constant(0.0, 0.0))[-1]
    assert last.terminated[0] and not last.truncated[0]


@BOTH_PHYSICS
def test_three_laps_in_one_episode(physics: str) -> None:
    world = tiny_world(physics=physics, laps=3)
    steps = drive_until_over(world, pursue)
    times = [float(step.lap_time[0]) for step in steps if not np.isnan(step.lap_time[0])]
    assert ended(world) == "lap_complete" and steps[-1].terminated[0]
    assert len(times) == 3 and sum(times) == pytest.approx(len(steps) / 15.0)
    assert sum(times) == pytest.approx(world.race.time[0])
    expected = world.routes.length[0] / 1.5
    assert times == pytest.approx([expected] * 3, rel=0.1)
    assert max(step.progress[0] for step in steps) == 100.0
    assert world.race.laps[0] == 3 and world.race.laps_done[0] == 3.0


def test_laps_done_never_falls_nor_jumps() -> None:
    world = tiny_world(laps=2)
    done = []
    while not done or done[-1] < 2.0:
        world.drive(pursue(world))
        done.append(float(world.race.laps_done[0]))
    assert all(-1e-12 <= b - a < 0.05 for a, b in pairwise(done))


def turned_in_a_lap(track: Track | str, direction: str | None) -> tuple[float, World]:
    """Heading gained in a lap [rad]: 2 pi counter-clockwise."""
    world = tiny_world(track=track, direction=direction)
    total, before = 0.0, float(world.pose[0, 2])
    for _ in range(1000):
        step = world.drive(pursue(world))
        total += math.remainder(float(world.pose[0, 2]) - before, math.tau)
        before = float(world.pose[0, 2])
        if step.terminated[0]:
            break
    assert ended(world) == "lap_complete"
    return total, world


@pytest.mark.parametrize("drawn", ["ccw", "cw"])
@pytest.mark.parametrize("direction", ["ccw", "cw", None])
def test_direction_is_what_is_asked_for_however_the_track_is_drawn(drawn: str, direction: str | None) -> None:
    track = load_track("oval")
    if track.is_ccw != (drawn == "ccw"):
        track = track.reversed()
    turned, world = turned_in_a_lap(track, direction)
    expected = direction or drawn
    assert turned == pytest.approx(math.tau if expected == "ccw" else -math.tau, abs=1.0)
    params = world.params(np.zeros((1, 2)), [0])[0]
    assert params["is_reversed"] == (expected != drawn)
    rows = [tuple(row) for row in (track if expected == drawn else track.reversed()).center.tolist()]
    assert params["waypoints"] == rows


def test_both_draws_either_direction() -> None:
    world = tiny_world(40, direction="both")
    ways = world.routes.is_ccw[world.route]
    assert 5 < ways.sum() < 35


def test_several_tracks_in_one_world() -> None:
    world = tiny_world(30, track=["oval", "bowtie"], randomization=Randomization(styles=1))
    lengths = {name: load_track(name).length for name in ("oval", "bowtie")}
    params = world.params(np.zeros((30, 2)), range(30))
    driven = [world.routes.tracks[route].name for route in world.route]
    assert set(driven) == {"oval", "bowtie"}
    for one, name, surface in zip(params, driven, world.surface, strict=True):
        assert one["track_length"] == pytest.approx(lengths[name])
        assert one["all_wheels_on_track"]
        assert surface in ((0, 1) if name == "oval" else (2, 3))
    assert set(world.surface) == {0, 1, 2, 3}


def test_an_open_road_is_driven_to_its_end(deepracer_data: Path) -> None:
    road = deepracer_data / "tracks" / "Straight_track.npy"
    world = tiny_world(track=road, laps=3)  # there is but one
    steps = drive_until_over(world, constant(0.0, 2.0))
    assert ended(world) == "lap_complete"
    assert steps[-2].progress[0] < 100.0
    world.reset(np.arange(1), Start(share=0.6))
    assert world.race.progress[0] == pytest.approx(60.0, abs=3.0)
    assert len(drive_until_over(world, constant(0.0, 2.0))) < 0.5 * len(steps)
    assert ended(world) == "lap_complete"
    world.reset(np.arange(1), Start(share=0.5, direction="cw"))
    drive_until_over(world, constant(math.radians(30.0), 1.0))
    assert ended(world) == "off_track"


ROUTES = {name: make_routes([load_track(name)]) for name in ("oval", "grand_prix", "serpent")}


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(list(ROUTES)),
    reverse=st.booleans(),
    share=st.floats(0.0, 0.9999),
    offset=st.floats(-1.0, 1.0),
    heading=st.floats(-3.0, 3.0),
)
def test_start_poses_are_those_of_the_track(
    name: str, reverse: bool, share: float, offset: float, heading: float
) -> None:
    routes = ROUTES[name]
    track = routes.tracks[int(reverse)]
    s = share * track.length
    x, y, yaw = start_pose(routes, int(reverse), share, offset=offset, heading=heading)
    expected = track.to_world(s, offset * track.width(s) / 2)
    np.testing.assert_allclose([x, y], expected, atol=1e-9)
    assert math.remainder(yaw - heading - float(track.heading(s)), math.tau) == pytest.approx(0.0, abs=1e-9)


def frames(randomization: Randomization, commands: np.ndarray) -> tuple[list[bytes], np.ndarray]:
    world = tiny_world(randomization=randomization)
    seen, poses = [world.observe().tobytes()], [world.pose[0].copy()]
    for command in commands:
        world.drive(command[None])
        seen.append(world.observe().tobytes())
        poses.append(world.pose[0].copy())
    return seen, np.array(poses)


COMMANDS = np.column_stack([np.linspace(-0.3, 0.3, 12), np.linspace(0.5, 2.0, 12)])


@pytest.mark.parametrize("periods", [1, 2, 3])
def test_latency_of_whole_periods_shows_an_older_frame(periods: int) -> None:
    prompt, _ = frames(Randomization(), COMMANDS)
    late, _ = frames(Randomization(latency=(periods / 15, periods / 15)), COMMANDS)
    assert late[periods:] == prompt[:-periods]
    assert late[:periods] == prompt[:1] * periods
    assert len(set(prompt)) == len(prompt)


def test_latency_between_periods_shows_a_pose_between() -> None:
    world = tiny_world(randomization=Randomization(latency=(0.5 / 15, 0.5 / 15)))
    before = world.pose[0].copy()
    for command in COMMANDS:
        before = world.pose[0].copy()
        world.drive(command[None])
    middle = (before + world.pose[0]) / 2
    expected = world.renderer.render(middle[None], world.surface, world.view, np.zeros(1, np.uint64))
    np.testing.assert_array_equal(world.observe(), expected)


def test_between_headings_the_short_way_is_taken() -> None:
    latency = Latency(1)
    which = np.arange(1)
    latency.begin(0, age=0.25, wait=0)
    latency.stand(which, np.array([[0.0, 0.0, 3.1]]))
    latency.remember(np.array([[1.0, 2.0, -3.1]]))
    x, y, yaw = latency.seen(which)[0]
    assert (x, y) == (0.75, 1.5)
    assert math.remainder(yaw - (-3.1 - 0.25 * (math.tau - 6.2)), math.tau) == pytest.approx(0.0)


@pytest.mark.parametrize("delay", [1, 2, 3])
def test_action_delay_holds_commands_back(delay: int) -> None:
    _, prompt = frames(Randomization(), COMMANDS)
    _, late = frames(Randomization(action_delay=(delay, delay)), COMMANDS)
    np.testing.assert_array_equal(late[: delay + 1], prompt[:1].repeat(delay + 1, axis=0))
    np.testing.assert_allclose(late[delay:], prompt[:-delay], atol=1e-12)


def test_delays_do_not_outlive_the_episode() -> None:
    world = tiny_world(randomization=Randomization(action_delay=(3, 3), latency=(0.1, 0.1)))
    first = world.observe()
    for command in COMMANDS:
        world.drive(command[None])
    world.reset(np.arange(1))
    np.testing.assert_array_equal(world.observe(), first)
    world.drive(np.array([[0.0, 0.0]]))
    assert world.velocity[0, 0] == 0.0


@BOTH_PHYSICS
@pytest.mark.parametrize("renderer", ["raycast", "bullet"])
def test_either_physics_goes_with_either_renderer(physics: str, renderer: str) -> None:
    world = tiny_world(2, physics=physics, renderer=renderer)
    world.drive(pursue(world))
    frame = world.observe()
    assert frame.shape == (2, 24, 32, 1) and frame.std() > 5.0
    world.close()
    world.close()


def test_bullet_worlds_do_not_touch_each_other() -> None:
    def path(others: int) -> np.ndarray:
        worlds = [tiny_world(2, seed=k, physics="bullet", start="random") for k in range(others + 1)]
        poses = []
        for _ in range(15):
            for world in worlds:
                world.drive(pursue(world))
            poses.append(worlds[0].pose.copy())
        for world in reversed(worlds):
            world.close()
        return np.array(poses)

    np.testing.assert_array_equal(path(0), path(3))


def test_closing_one_bullet_world_leaves_the_others() -> None:
    first, second = tiny_world(physics="bullet", renderer="bullet"), tiny_world(physics="bullet")
    first.close()
    second.drive(pursue(second))
    assert second.velocity[0, 0] > 0.0


@pytest.mark.filterwarnings("ignore:reward function .* may keep state")
def test_cars_that_are_not_active_are_not_judged_and_time_stands_still() -> None:
    calls = []
    world = tiny_world(2, reward=lambda params: calls.append(params["steps"]) or 1.0)
    active = np.array([True, False])
    for _ in range(20):
        step = world.drive(constant(0.0, 0.0)(world), active)
    assert step.reward.tolist() == [1.0, 0.0] and len(calls) == 20
    assert step.terminated.tolist() == [True, False]
    assert [Status(s).label for s in step.status] == ["immobilized", "prepare"]
    assert world.race.time.tolist() == pytest.approx([20 / 15, 0.0])
    assert world.race.steps.tolist() == [21, 1]


def test_a_step_stays_what_it_was_when_its_car_starts_anew() -> None:
    world = tiny_world(max_steps=3)
    steps = drive_until_over(world, pursue)
    kept = steps[-1].progress.copy(), steps[-1].status.copy()
    world.reset(np.arange(1))
    np.testing.assert_array_equal(steps[-1].progress, kept[0])
    np.testing.assert_array_equal(steps[-1].status, kept[1])


def test_each_car_has_a_generator_of_its_own() -> None:
    with pytest.raises(SimError, match="2 cars, 1 random generators: give one per car"):
        World(make_config(track="oval", reward=None), 2, [np.random.default_rng(0)])


@pytest.mark.parametrize(
    "command", [np.zeros((1, 2)), np.array([[0.1, np.nan], [0, 0]]), np.array([[np.inf, 1.0], [0, 0]])]
)
def test_commands_that_are_none_are_refused_before_anything_moves(command: np.ndarray) -> None:
    world = tiny_world(2)
    before = world.pose.copy()
    with pytest.raises(SimError, match=r"give \(2, 2\) finite"):
        world.drive(command)
    np.testing.assert_array_equal(world.pose, before)
    assert world.race.steps.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"physics": "bulet"}, "did you mean 'bullet'"),
        ({"renderer": "opengl"}, "choose one of raycast, bullet"),
        ({"direction": "clockwise"}, "choose one of ccw, cw, both|did you mean"),
        ({"start": "lines"}, "did you mean 'line'"),
        ({"camera": "wid"}, "did you mean 'wide'"),
        ({"randomization": "ful"}, "did you mean 'full'"),
        ({"laps": 0}, "laps is 0: give a whole number"),
        ({"laps": 1.5}, "laps is 1.5"),
        ({"max_steps": "many"}, "max_steps is 'many'"),
        ({"control_hz": math.nan}, "control_hz is nan"),
        ({"control_hz": 5000}, "give 1 to 1000 Hz"),
        ({"track": []}, "no track is given"),
        ({"actions": CONTINUOUS, "model_metadata": "m.json"}, "both actions and model_metadata"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_one_line(setting: dict[str, Any], text: str) -> None:
    with pytest.raises(SimError, match=text) as caught:
        make_config(**setting)
    assert "\n" not in str(caught.value)


def test_a_camera_brings_its_own_size() -> None:
    from hairpin.sim import CAMERAS, Camera

    own = make_config(camera=Camera("mine", width=64, height=48, channels=3, crop=(20, 0, 0, 0)))
    assert own.observation.shape == (28, 64, 3) and own.observation.camera == "mine"
    given = make_config(camera="wide", observation=TINY)
    assert given.camera.shape == (24, 32, 1) and given.camera.hfov == CAMERAS["wide"].hfov
    assert given.observation.camera == "wide"
    assert make_config().observation.shape == (120, 160, 1)
