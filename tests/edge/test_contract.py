"""The contract: JSON there and back, and what it refuses."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairpin.edge import (
    ContinuousActions,
    Contract,
    ContractError,
    DiscreteActions,
    Fingerprint,
    ObservationSpec,
)
from hairpin.edge.contract import LidarConfig, LidarSpec

steerings = st.floats(-90, 90)
speeds = st.floats(0, 100)
lines = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)), max_size=30)
fingerprints = st.builds(Fingerprint, lines, st.sampled_from(("", "0123456789abcdef" * 4)))
discrete = st.builds(
    DiscreteActions, st.lists(st.tuples(steerings, speeds), min_size=1, max_size=30).map(tuple)
)


@st.composite
def continuous(draw: st.DrawFn) -> ContinuousActions:
    (left, right), (slow, fast) = (
        sorted(draw(st.lists(values, min_size=2, max_size=2, unique=True))) for values in (steerings, speeds)
    )
    return ContinuousActions((left, slow), (right, fast))


lidars = st.one_of(
    st.sampled_from((LidarSpec("LIDAR"), LidarSpec("SECTOR_LIDAR"))),
    st.builds(
        LidarSpec,
        st.just("DISCRETIZED_SECTOR_LIDAR"),
        st.builds(LidarConfig, st.sampled_from((1, 4, 64)), st.integers(1, 9), st.floats(0.15, 12)),
    ),
)


@st.composite
def observations(draw: st.DrawFn) -> ObservationSpec:
    width, height = draw(st.integers(1, 500)), draw(st.integers(1, 500))
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    crop = (top, draw(st.integers(0, height - 1 - top)), left, draw(st.integers(0, width - 1 - left)))
    sensor = draw(st.sampled_from(("FRONT_FACING_CAMERA", "LEFT_CAMERA", "observation", "STEREO_CAMERAS")))
    channels = 2 if sensor == "STEREO_CAMERAS" else draw(st.sampled_from((1, 3)))
    return ObservationSpec(sensor, draw(lines), width, height, crop, channels, draw(st.none() | lidars))


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    actions = draw(st.one_of(discrete, continuous()))
    algorithms = ("ppo",) if isinstance(actions, DiscreteActions) else ("ppo", "sac")
    return Contract(
        observation=draw(observations()),
        actions=actions,
        control_hz=draw(st.floats(1, 1000)),
        algorithm=draw(st.sampled_from(algorithms)),
        network=draw(lines),
        track=draw(fingerprints),
        reward=draw(fingerprints),
        versions=draw(st.dictionaries(lines, lines, max_size=3)),
    )


@given(contracts())
def test_json_round_trip(contract: Contract) -> None:
    text = contract.to_json()
    assert Contract.from_json(text) == contract
    assert Contract.from_json(text.encode()).to_json() == text
    assert hash(Contract.from_json(text)) == hash(contract)
    assert pickle.loads(pickle.dumps(contract)) == contract


def changed(**changes: object) -> str:
    data = json.loads(Contract(ObservationSpec(), DiscreteActions(((0, 1),))).to_json())
    for path, value in changes.items():
        *parents, key = path.split("__")
        target = data
        for parent in parents:
            target = target[parent]
        if value is ...:
            del target[key]
        else:
            target[key] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "not JSON"),
        ("[1]", "contract is a list"),
        (changed(format=3), "format 3"),
        (changed(format=...), "format None"),
        (changed(actions=...), "no 'actions'"),
        (changed(colour="red"), "unknown key 'colour'"),
        (changed(observation__widht=3), "did you mean 'width'"),
        (changed(observation__width=0), "observation width is 0"),
        (changed(observation__width=True), "observation width is True"),
        (changed(observation__height=2.5), "observation height is 2.5"),
        (changed(observation__channels=2), "channels is 2"),
        (changed(observation__sensor="STEREO_CAMERAS"), "channels is 1 for STEREO_CAMERAS: give 2"),
        (changed(observation__lidar="LIDAR"), "observation lidar is 'LIDAR'"),
        (changed(observation__lidar={"sensor": "LIDAR"}), "lidar has no 'num_sectors'"),
        (
            changed(
                observation__lidar={
                    "sensor": "LIDAR",
                    "num_sectors": 4,
                    "num_values_per_sector": 8,
                    "clipping_dist": 2,
                }
            ),
            "lidar_config is for DISCRETIZED_SECTOR_LIDAR",
        ),
        (changed(observation__crop=[1, 2, 3]), "crop has 3 values"),
        (changed(observation__crop=[60, 60, 0, 0]), "leaves nothing"),
        (changed(observation__sensor="FRONT_FACING_CAM"), "did you mean 'FRONT_FACING_CAMERA'"),
        (changed(actions__type="both"), "actions type is 'both'"),
        (changed(actions__actions=[]), "number of actions is 0"),
        (changed(actions__actions=[[0]]), "action 0 has 1 values"),
        (changed(actions__actions=[[0, "fast"]]), "action 0: speed is 'fast'"),
        (changed(actions__actions=[[float("nan"), 1]]), "action 0: steering is nan"),
        (changed(actions={"type": "continuous", "low": [30, 1], "high": [-30, 2]}), "steering goes from 30"),
        (changed(control_hz=0), "control_hz is 0"),
        (changed(control_hz=None), "control_hz is null"),
        (changed(algorithm="pp0"), "did you mean 'ppo'"),
        (changed(algorithm="sac"), "discrete actions"),
        (changed(network="two\nlines"), "one line of text"),
        (changed(track__digest="xyz"), "64 hex digits"),
        (changed(versions=[]), "versions is not an object"),
        (changed(versions__numpy=2), "version of 'numpy'"),
    ],
)
def test_refuses_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(ContractError) as caught:
        Contract.from_json(text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_contracts_of_before_lidars_can_be_read() -> None:
    contract = Contract(ObservationSpec(channels=3), DiscreteActions(((0, 1),)))
    data = json.loads(contract.to_json())
    assert data["format"] == 2 and data["observation"].pop("lidar") is None
    assert Contract.from_json(json.dumps(data | {"format": 1})) == contract
    with pytest.raises(ContractError, match="no 'lidar'"):
        Contract.from_json(json.dumps(data))


def test_deeply_nested_json_is_an_error_like_any_other() -> None:
    with pytest.raises(ContractError, match="not JSON"):
        Contract.from_json("[" * 100_000)


def test_model_metadata_names_a_network_of_ours_as_the_default_one() -> None:
    actions = DiscreteActions(((0, 1),))
    ours = Contract(ObservationSpec(), actions, network="patch")
    theirs = Contract(ObservationSpec(), actions, network="DEEP_CONVOLUTIONAL_NETWORK")
    assert ours.model_metadata().network == "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"
    assert theirs.model_metadata().network == "DEEP_CONVOLUTIONAL_NETWORK"
