"""From a lidar's ranges to what the policy sees."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hairpin.edge import ContractError
from hairpin.edge.lidar import (
    FARTHEST,
    LIDAR_SENSORS,
    NEAREST,
    RAYS,
    LidarConfig,
    LidarSpec,
    lidar_values,
    ranges_of_turn,
    ray_angles,
)

LIDAR, SECTOR, DISCRETIZED = LIDAR_SENSORS
distances = st.one_of(st.floats(0, 20), st.just(float("inf")), st.just(float("nan")))
scans = hnp.arrays(np.float64, RAYS, elements=distances)
configs = st.builds(
    LidarConfig, st.sampled_from((1, 2, 4, 8, 16, 32, 64)), st.integers(1, 40), st.floats(NEAREST, FARTHEST)
)
specs = st.one_of(
    st.just(LidarSpec(LIDAR)), st.just(LidarSpec(SECTOR)), st.builds(LidarSpec, st.just(DISCRETIZED), configs)
)


@given(scans, specs)
def test_values_lie_in_their_bounds(ranges: np.ndarray, spec: LidarSpec) -> None:
    values = lidar_values(ranges, spec)
    low, high = (np.float32(bound) for bound in spec.bounds)
    assert values.shape == (spec.size,) and values.dtype == np.float32
    assert (low <= values).all() and (values <= high).all()


@given(scans, specs)
def test_a_batch_is_its_scans(ranges: np.ndarray, spec: LidarSpec) -> None:
    batch = np.stack([ranges, ranges[::-1], np.full(RAYS, np.inf)])
    values = lidar_values(batch.reshape(3, 1, RAYS), spec)
    assert values.shape == (3, 1, spec.size)
    for one, expected in zip(batch, values[:, 0], strict=True):
        np.testing.assert_array_equal(lidar_values(one, spec), expected)


@given(scans, specs, st.floats(FARTHEST, 1e6))
def test_nothing_is_the_same_as_far_away(ranges: np.ndarray, spec: LidarSpec, far: float) -> None:
    nothing = ~np.isfinite(ranges)
    np.testing.assert_array_equal(
        lidar_values(ranges, spec), lidar_values(np.where(nothing, far, ranges), spec)
    )


@given(scans, configs)
def test_one_value_a_sector_says_how_near_the_nearest_thing_is(
    ranges: np.ndarray, config: LidarConfig
) -> None:
    spec = LidarSpec(DISCRETIZED, config)
    values = lidar_values(ranges, spec).reshape(config.num_sectors, config.num_values_per_sector)
    step = config.clipping_dist / config.num_values_per_sector
    for one_hot, rays in zip(values, np.split(ranges, config.num_sectors), strict=True):
        nearest = np.min(np.where(np.isnan(rays), np.inf, rays))
        if nearest >= config.clipping_dist:
            assert not one_hot.any()
            continue
        assert one_hot.sum() == 1.0
        k = int(one_hot.argmax())
        assert step * k - 1e-9 <= nearest <= step * (k + 1) + 1e-9


@given(scans)
def test_sectors_are_eight_rays_each(ranges: np.ndarray) -> None:
    near = np.nan_to_num(ranges, nan=np.inf) < 0.5
    np.testing.assert_array_equal(lidar_values(ranges, LidarSpec(SECTOR)), near.reshape(8, 8).any(axis=1))


def test_the_originals_numbers() -> None:
    ranges = np.full(RAYS, np.inf)
    ranges[[0, 9, 63]] = 0.05, 0.49, 0.5
    assert lidar_values(ranges, LidarSpec(LIDAR))[[0, 1, 9, 63]].tolist() == pytest.approx(
        [0.15, 1.0, 0.49, 0.5]
    )
    assert lidar_values(ranges, LidarSpec(SECTOR)).tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    values = lidar_values(ranges, LidarSpec(DISCRETIZED)).reshape(8, 8)
    assert [row.tolist().index(1) for row in values if row.any()] == [0, 1, 2]  # steps of 0.25 m
    # At the clipping distance there is nothing, for whatever rounding does to it.
    for clip, count in itertools.product((0.15, 0.7, 2.0, 12.0), range(1, 60)):
        spec = LidarSpec(DISCRETIZED, LidarConfig(8, count, clip))
        assert not lidar_values(np.full(RAYS, clip), spec).any()
        assert lidar_values(np.full(RAYS, np.nextafter(clip, 0)), spec).reshape(8, count)[:, -1].all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LidarConfig(num_sectors=5), "which divide 64"),
        (lambda: LidarConfig(num_sectors=0), "num_sectors is 0"),
        (lambda: LidarConfig(num_values_per_sector=0), "num_values_per_sector is 0"),
        (lambda: LidarConfig(clipping_dist=0.1), "clipping_dist is 0.1"),
        (lambda: LidarSpec("LIDER"), "did you mean 'LIDAR'"),
        (lambda: LidarSpec(SECTOR, LidarConfig(num_sectors=4)), "leave lidar_config out"),
        (lambda: lidar_values(np.zeros(63), LidarSpec()), r"64\) numbers"),
        (lambda: lidar_values(np.array(["a"] * 64), LidarSpec()), r"64\) numbers"),
    ],
)
def test_refuses_in_one_line(make, text) -> None:
    with pytest.raises(ContractError, match=text) as refused:
        make()
    assert "\n" not in str(refused.value)


@given(st.integers(0, RAYS - 1), st.floats(NEAREST, FARTHEST))
def test_a_turn_of_the_lidar_becomes_ranges(ray: int, distance: float) -> None:
    # The RPLIDAR counts clockwise, and from 0 to a whole turn.
    clockwise = float(-ray_angles()[ray] % (2 * np.pi))
    ranges = ranges_of_turn(np.array([[clockwise, distance], [clockwise, FARTHEST], [np.pi, 1.0]]))
    assert ranges[ray] == distance
    assert np.isinf(np.delete(ranges, ray)).all()


def test_a_turn_without_echoes_is_free() -> None:
    assert np.isinf(ranges_of_turn(np.zeros((0, 2)))).all()
    assert np.isinf(ranges_of_turn(np.array([[0.0, 0.1], [0.0, 20.0]]))).all()
