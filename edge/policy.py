"""A policy on OpenVINO: loaded from a bundle, verified, then one call from camera frame to command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino as ov  # type: ignore[import-untyped]
from numpy.typing import NDArray

from .bundle import RT_INFO, Bundle, read_bundle
from .contract import (
    ActionSpace,
    Command,
    ContinuousActions,
    Contract,
    ContractError,
    Observation,
    Reading,
    choose,
    observe,
    to_command,
    to_commands,
)
from .errors import BundleError, PolicyError
from .observation import batch_of_one

#: Largest difference of a golden output, a probability or a share of a bound, by precision of the weights.
#: Measured: 1e-5 for fp32 (sums in another order), 3.5e-3 before the softmax for weights rounded to fp16.
#: 5e-3 for int8 between AVX-512 and SSE4.2, whose golden outputs are its own.
TOLERANCE: Final[Mapping[str, float]] = {"fp32": 1e-4, "fp16": 1e-2, "int8": 5e-2}

# One for the whole process. With its first model a core gives the thread another stack for signals, and frees
# that when it is released (SigAltStackSetup in OpenVINO's CPU plugin). Of two cores, released in the order of
# their making, the thread keeps the stack of the one that is gone, and the next Ctrl-C or SIGTERM crashes it.
_CORE: Final = ov.Core()

_WEIGHTED: Final = ("Convolution", "FullyConnected", "MatMul", "GroupConvolution")

#: Outputs beyond these are no policy's. A probability may be off by the tolerance of int8; continuous actions
#: of PPO are means without bounds, which are clipped to [-1, 1], but no training takes them this far.
_PROBABILITY: Final = (-0.05, 1.05)
_WILD: Final = 100.0

#: Name of the model's output; its inputs are named after the sensors.
OUTPUT: Final = "policy"


class Policy:
    """A verified policy; make it with `Policy.load`. It is for one thread at a time.

    Attributes:
        bundle: The bundle that it was loaded from, but for the model.
        contract: What it sees and says.
        engine: Name and version of what runs the model.
        golden_difference: Largest difference between the engine's and the golden outputs.
    """

    def __init__(self, bundle: Bundle, batch: int = 1, threads: int = 1) -> None:
        """Compile the model of a bundle and verify it; `load` is the usual way.

        Raises:
            BundleError: The model is not what the contract says, or gives something else than it should.
        """
        self.bundle = bundle
        self.contract = bundle.contract
        self.engine = f"OpenVINO {ov.__version__.split('-')[0]}"
        model = _read_model(bundle, batch)
        self._batch = batch
        self._inputs: dict[str, NDArray[Any]] = {
            name: np.zeros((batch, *shape), dtype)
            for name, (shape, dtype) in self.contract.observation.ports.items()
        }
        self._request = _compile(model, threads).create_infer_request()
        for name, values in self._inputs.items():
            self._request.set_tensor(name, ov.Tensor(values, shared_memory=True))
        self._output = self._request.get_output_tensor().data
        # The engine has its own copy of the weights; DeepRacer's network has 23 MB of them.
        self.bundle = replace(bundle, model_xml=b"", model_bin=b"")
        self.golden_difference = self._verify()

    @classmethod
    def load(cls, path: str | Path, batch: int = 1, threads: int = 1) -> Policy:
        """Load and verify a bundle.

        Args:
            path: The bundle, a `.tar.gz` file.
            batch: Observations that are inferred at once.
            threads: Threads that the engine may use; more than one hardly helps networks of this size.

        Raises:
            BundleError: The bundle cannot be read, or must not be trusted; the line says why.
        """
        if batch < 1 or threads < 1:
            raise BundleError(f"batch is {batch}, threads is {threads}: give at least 1 of each")
        bundle = read_bundle(path)
        try:
            return cls(bundle, batch, threads)
        except BundleError as error:
            raise BundleError(f"{path}: {error}") from None

    @property
    def top_speed(self) -> float:
        """Speed of the fastest action [m/s], as far as it reaches the wheels."""
        actions = self.contract.actions
        fastest = np.ones((1, 2)) if isinstance(actions, ContinuousActions) else np.arange(actions.size)
        return float(to_commands(actions, fastest)[:, 1].max())

    def kernels(self) -> list[str]:
        """The kernels that the engine chose for the layers with weights, such as "jit_sse42_f32"."""
        found = set()
        for layer in self._request.get_compiled_model().get_runtime_model().get_ops():
            info = layer.get_rt_info()
            if _info(info, "layerType") in _WEIGHTED and (kernel := _info(info, "primitiveType")):
                found.add(kernel)
        return sorted(found)

    def __call__(self, reading: Reading) -> Command:
        """What to do, from one camera frame, or frame and ranges, as `observe` takes it.

        Raises:
            ContractError: The reading does not fit the contract.
            PolicyError: The model gave something that is not a number, or out of range.
        """
        return self.command(self.predict(batch_of_one(observe(reading, self.contract.observation))))

    def predict(self, observations: Observation) -> NDArray[np.float32]:
        """The model's outputs.

        Args:
            observations: (N, h, w, c) uint8, or what each sensor gives by its name; any N, inferred batch by
                batch.

        Returns:
            (N, n) float32: a probability for each action, or steering and speed in [-1, 1].
        """
        given = self.contract.observation.named(observations)
        count = len(given[self.contract.observation.sensor])
        for name, values in given.items():
            shape, dtype = self._inputs[name].shape[1:], self._inputs[name].dtype
            if values.shape != (count, *shape) or values.dtype != dtype:
                raise ContractError(
                    f"observations are {values.dtype} {values.shape}: give {dtype} (N, {shape}) for {name}"
                )
        outputs = np.empty((count, self.contract.actions.size), np.float32)
        for start in range(0, count, self._batch):
            for name, values in given.items():
                some = values[start : start + self._batch]
                self._inputs[name][: len(some)] = some
            self._request.infer()
            part = outputs[start : start + self._batch]
            part[:] = self._output[: len(part)]
        return outputs

    def act(self, observations: Observation) -> NDArray[Any]:
        """The actions for observations as of `predict`: (N,) int64 indices, or (N, 2) float32 in [-1, 1].

        Raises:
            PolicyError: The model gave something that is not a number, or out of range.
        """
        return choose(self.contract.actions, _checked(self.contract.actions, self.predict(observations)))

    def command(self, outputs: NDArray[np.float32]) -> Command:
        """The command that outputs (1, n) of `predict` stand for.

        Raises:
            PolicyError: The model gave something that is not a number, or out of range.
        """
        space = self.contract.actions
        return to_command(space, choose(space, _checked(space, outputs))[0])

    def _verify(self) -> float:
        """Largest difference from the golden outputs.

        Raises:
            BundleError: It is beyond the tolerance.
        """
        golden, limit = self.bundle.golden, TOLERANCE[self.bundle.precision]
        outputs = self.predict(golden.observations(self.contract))
        # Also true for NaN, which compares as neither smaller nor larger.
        difference = float(np.abs(outputs - golden.outputs).max())
        if not difference <= limit:
            raise BundleError(
                f"the model gives {difference:.2g} off its golden outputs, at most {limit:g} is right: "
                "this engine computes it wrongly, or it is another model; do not drive with it"
            )
        return difference


def _info(info: Any, name: str) -> str:
    """A value of a layer's runtime info; a plain string since OpenVINO 2026.4, a wrapped value before."""
    value = info[name] if name in info else ""  # noqa: SIM401  (it is no dictionary)
    return value if isinstance(value, str) else str(value.astype(str))


def _checked(space: ActionSpace, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = (-_WILD, _WILD) if isinstance(space, ContinuousActions) else _PROBABILITY
    # Also false for NaN, which compares as neither smaller nor larger.
    if not ((outputs >= low) & (outputs <= high)).all():
        shown = outputs.ravel()[:8].tolist()
        raise PolicyError(f"the model gave {shown}: not finite, or out of range, so no command")
    return outputs


def _read_model(bundle: Bundle, batch: int) -> ov.Model:
    """The model, its contract, input and output checked, taking `batch` observations."""
    try:
        # Bytes, not a path: what was hashed is what runs, and nothing is written to disk.
        model = _CORE.read_model(bundle.model_xml, bundle.model_bin)
    except (RuntimeError, TypeError, ValueError) as error:
        raise BundleError(f"OpenVINO cannot read the model: {_first_line(error)}") from None
    _check_origin(model, bundle.contract)
    wanted = {
        name: ("u8" if dtype is np.uint8 else "f32", list(shape))
        for name, (shape, dtype) in bundle.contract.observation.ports.items()
    }
    inputs = _check_ports(model.inputs, "input", wanted)
    try:
        shapes = [ov.PartialShape([batch, *shape]) for _, shape in wanted.values()]
        if any(port.partial_shape != shape for port, shape in zip(inputs, shapes, strict=True)):
            model.reshape(dict(zip(inputs, shapes, strict=True)))
    except RuntimeError as error:
        raise BundleError(f"the model does not take {batch} observations: {_first_line(error)}") from None
    _check_ports(model.outputs, "output", {OUTPUT: ("f32", [bundle.contract.actions.size])})
    if model.outputs[0].partial_shape != ov.PartialShape([batch, bundle.contract.actions.size]):
        raise BundleError(f"the model does not give one output for each of {batch} observations")
    return model


def _check_origin(model: ov.Model, contract: Contract) -> None:
    """The contract inside the model must be that of the manifest: else one of them is from elsewhere."""
    path = list(RT_INFO)
    if not model.has_rt_info(path):
        raise BundleError("the model holds no contract: foreign; export it with `hairpin export`")
    text = model.get_rt_info(path)
    # A plain string since OpenVINO 2026.4, a wrapped value before.
    text = text if isinstance(text, str) else text.astype(str)
    try:
        same = Contract.from_json(text) == contract
    except ContractError as error:
        raise BundleError(f"the contract inside the model cannot be read: {error}") from None
    if not same:
        raise BundleError("the contract inside the model is not the manifest's: foreign; export it again")


_Ports = dict[str, tuple[str, list[int]]]  # element type, and shape after the batch, by name


def _check_ports(ports: list[Any], kind: str, wanted: _Ports) -> list[Any]:
    """The ports in the order that is wanted; there must be no others."""
    texts = {
        name: f"{name!r} of {dtype} (B, {', '.join(map(str, shape))})"
        for name, (dtype, shape) in wanted.items()
    }
    all_texts = " and ".join(f"one {kind} {text}" for text in texts.values())
    if len(ports) != len(wanted) or not all(any(name in port.names for port in ports) for name in wanted):
        names = ", ".join(sorted(n for port in ports for n in port.names)) or "none"
        raise BundleError(f"the model's {kind}s are {names}, the contract asks for {all_texts}: foreign")
    ordered = [next(port for port in ports if name in port.names) for name in wanted]
    for port, (dtype, shape), text in zip(ordered, wanted.values(), texts.values(), strict=True):
        full = ov.PartialShape([-1, *shape])
        if port.element_type.get_type_name() != dtype or not port.partial_shape.compatible(full):
            found = f"{port.element_type.get_type_name()} {port.partial_shape}"
            raise BundleError(
                f"the model's {kind} is {found}, the contract asks for one {kind} {text}: foreign"
            )
    return ordered


def _compile(model: ov.Model, threads: int) -> ov.CompiledModel:
    config = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # the camera and the console need the other core, and may move
        "INFERENCE_PRECISION_HINT": "f32",  # some CPUs would take bfloat16 otherwise, and differ
    }
    try:
        return _CORE.compile_model(model, "CPU", config)
    except RuntimeError as error:
        raise BundleError(f"OpenVINO cannot compile the model: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    """The line of OpenVINO's message that says something; the first ones name its source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Exception from", "Check '"))]
    return (telling or lines or ["no reason given"])[0][:200]
