"""Policies: right outputs from a real engine, and a refusal of every model that is not what it should be."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import openvino as ov
import pytest
from tiny_policies import CONTINUOUS, DISCRETE, WriteBundle, golden_frames, make_network

from hairpin.edge import (
    BundleError,
    Command,
    ContinuousActions,
    Contract,
    ContractError,
    DiscreteActions,
    Policy,
    PolicyError,
    observe,
    to_command,
)
from hairpin.edge.policy import TOLERANCE


@pytest.mark.parametrize("contract", [DISCRETE, CONTINUOUS])
@pytest.mark.parametrize("fp16", [False, True])
def test_outputs_are_those_of_the_original(write: WriteBundle, contract: Contract, fp16: bool) -> None:
    policy = Policy.load(write(contract, fp16=fp16))
    frames = np.random.default_rng(7).integers(0, 256, (9, *contract.observation.shape), np.uint8)
    network = make_network(contract)
    outputs = policy.predict(frames)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, network(frames), atol=TOLERANCE["fp16" if fp16 else "fp32"])
    assert policy.golden_difference <= TOLERANCE[policy.bundle.precision]
    if fp16:
        assert policy.golden_difference > TOLERANCE["fp32"], "weights were not rounded at all"


@pytest.mark.parametrize("batch", [1, 4, 16])
def test_batches_give_what_single_observations_give(write: WriteBundle, batch: int) -> None:
    frames = golden_frames(DISCRETE, 11)
    policy = Policy.load(write(), batch=batch)
    np.testing.assert_allclose(policy.predict(frames), make_network(DISCRETE)(frames), atol=1e-5)
    actions = policy.act(frames)
    assert actions.dtype == np.int64
    assert (actions == make_network(DISCRETE)(frames).argmax(axis=1)).all()
    assert policy.predict(frames[:0]).shape == (0, 5)


def test_from_camera_frame_to_command(write: WriteBundle) -> None:
    for contract in (DISCRETE, CONTINUOUS):
        policy = Policy.load(write(contract))
        spec = contract.observation
        size = spec.height * 3, spec.width * 3, 3
        frame = np.random.default_rng(3).integers(0, 256, size, np.uint8)
        command = policy(frame)
        action = policy.act(observe(frame, spec)[None])[0]
        assert isinstance(command, Command)
        assert command == to_command(contract.actions, action)


def test_results_are_the_callers_own(write: WriteBundle) -> None:
    policy = Policy.load(write())
    frames = golden_frames(DISCRETE, 2)
    first = policy.predict(frames[:1])
    kept = first.copy()
    policy.predict(frames[1:])
    assert (first == kept).all()


def test_observations_of_another_shape_are_refused(write: WriteBundle) -> None:
    policy = Policy.load(write())
    with pytest.raises(ContractError, match="observations are"):
        policy.predict(np.zeros((1, 24, 32, 1), np.uint8))
    with pytest.raises(ContractError, match="observations are float32"):
        policy.predict(np.zeros((1, 16, 32, 1), np.float32))


def test_an_output_that_is_no_number_is_no_command(
    write: WriteBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = Policy.load(write())
    nan = np.full((1, 5), np.nan, np.float32)
    monkeypatch.setattr(policy, "predict", lambda observations: nan)
    with pytest.raises(PolicyError, match="not finite"):
        policy(golden_frames(DISCRETE)[0])
    with pytest.raises(PolicyError, match="not finite"):
        policy.act(golden_frames(DISCRETE))


def test_an_action_out_of_range_is_no_action(write: WriteBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    discrete, continuous = Policy.load(write()), Policy.load(write(CONTINUOUS))
    for wild in ([[0.0, 1e9]], [[-1e30, 0.0]], [[-200.0, 1.0]]):
        with pytest.raises(PolicyError, match="out of range"):
            continuous.command(np.array(wild, np.float32))
    full_left_fast = continuous.command(np.array([[4.0, 1.5]], np.float32))  # PPO's means have no bounds
    assert full_left_fast == to_command(CONTINUOUS.actions, [1.0, 1.0])
    for wild in ([[7.0, 0, 0, 0, 0]], [[-1.0, 0, 0, 0, 1.0]]):
        with pytest.raises(PolicyError, match="out of range"):
            discrete.command(np.array(wild, np.float32))
    monkeypatch.setattr(discrete, "predict", lambda observations: np.full((1, 5), 7.0, np.float32))
    with pytest.raises(PolicyError, match="out of range"):
        discrete.act(golden_frames(DISCRETE))


@pytest.mark.parametrize(("fastest", "top"), [(0.0, 0.1), (2.0, 2.0), (9.0, 4.0)])
def test_the_top_speed_is_what_reaches_the_wheels(write: WriteBundle, fastest: float, top: float) -> None:
    actions = DiscreteActions(((-30.0, 0.0), (0.0, fastest), (30.0, 0.0)))
    assert Policy.load(write(dataclasses.replace(DISCRETE, actions=actions))).top_speed == top
    bounds = ContinuousActions((-30.0, 0.0), (30.0, max(fastest, 0.05)))
    assert Policy.load(write(dataclasses.replace(CONTINUOUS, actions=bounds))).top_speed == top


def test_the_batch_and_threads_are_checked(write: WriteBundle) -> None:
    path = write()
    with pytest.raises(BundleError, match="batch is 0"):
        Policy.load(path, batch=0)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"input_name": "LEFT_CAMERA"}, "model's inputs are LEFT_CAMERA.*'FRONT_FACING_CAMERA' of u8"),
        ({"input_type": ov.Type.f32}, "model's input is f32"),
        ({"inputs": 2}, "model's inputs are"),
        ({"output_name": "logits"}, "model's outputs are logits"),
        ({"foreign": True}, "holds no contract: foreign"),
        ({"contract_inside": dataclasses.replace(DISCRETE, control_hz=30.0)}, "not the manifest's: foreign"),
        ({"not_a_number": True}, "off its golden outputs"),
        ({"golden_outputs": np.full((6, 5), 0.2, np.float32)}, "off its golden outputs"),
    ],
)
def test_models_that_are_not_what_the_contract_says(
    write: WriteBundle, changes: dict[str, Any], complaint: str
) -> None:
    path = write(**changes)
    with pytest.raises(BundleError, match=complaint) as caught:
        Policy.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_model_for_other_frames(write: WriteBundle) -> None:
    """The contract was exchanged in manifest and model alike: the model's shapes still tell."""
    spec = dataclasses.replace(DISCRETE.observation, crop=(9, 0, 0, 0))
    with pytest.raises(BundleError, match="model's input is"):
        Policy.load(write(dataclasses.replace(DISCRETE, observation=spec), network_of=DISCRETE))


def test_a_model_with_other_actions(write: WriteBundle) -> None:
    fewer = dataclasses.replace(DISCRETE, actions=DiscreteActions(DISCRETE.actions.actions[:4]))
    outputs = make_network(fewer)(golden_frames(fewer))
    with pytest.raises(BundleError, match="model's output is"):
        Policy.load(write(fewer, network_of=DISCRETE, golden_outputs=outputs))


def test_a_model_with_a_fixed_batch(write: WriteBundle) -> None:
    path = write(static_batch=True)
    assert Policy.load(path).predict(golden_frames(DISCRETE)).shape == (6, 5)
    assert Policy.load(path, batch=3).predict(golden_frames(DISCRETE)).shape == (6, 5)


def test_a_model_that_openvino_cannot_read(write: WriteBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    for xml in (b"", b"<net/>", b"nonsense", b"<?xml version='1.0'?><net name='x' version='99'></net>"):
        monkeypatch.setattr("tiny_policies.Network.to_ir", lambda *a, xml=xml, **k: (xml, b"\0" * 64))
        path = write()
        with pytest.raises(BundleError, match=r"OpenVINO cannot read the model|holds no contract") as caught:
            Policy.load(path)
        assert "\n" not in str(caught.value)


LOADED_AND_RELEASED = """
import gc, os, signal, sys
from hairpin.edge import Policy
first, second = Policy.load(sys.argv[1]), Policy.load(sys.argv[1])
del first
gc.collect()
del second
gc.collect()
signal.signal(signal.SIGTERM, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_is_heard_after_policies_were_released(write: WriteBundle) -> None:
    run = subprocess.run([sys.executable, "-c", LOADED_AND_RELEASED, write()], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "heard\n", "")
