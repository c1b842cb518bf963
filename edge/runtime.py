"""The drive loop that waits for nobody's clock: from frame to command to actuator, however long each takes.

It is for rehearsals in simulated time. `live` is the one of the car, where time runs; both decide alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Protocol

from .contract import MAX_SPEED, Command, Reading, observe
from .errors import ContractError
from .latency import Latency
from .observation import batch_of_one
from .policy import Policy

#: Stages of the way from a frame to a command, as `Latency` names them; "total" is all of them.
STAGES: Final = ("observe", "infer", "map")


class FrameSource(Protocol):
    """Something that sees: a simulated camera, or frames of a file."""

    def read(self) -> Reading | None:
        """What the sensors give now, as `observe` takes it; waits for it, `None` when there is no more."""
        ...


class Actuator(Protocol):
    """Something that moves: a simulated car."""

    def write(self, command: Command) -> Command:
        """Carry out a command; the command that was really sent, after limits of its own."""
        ...

    def neutral(self) -> None:
        """Let the car roll out, wheels straight; it may be called at any time, and more than once."""
        ...


@dataclass(frozen=True)
class Limits:
    """What the driver allows, whatever the policy says.

    Attributes:
        speed: Highest speed [m/s].

    Raises:
        ContractError: It is out of range.
    """

    speed: float = MAX_SPEED

    def __post_init__(self) -> None:
        if not 0.0 <= self.speed <= MAX_SPEED:
            raise ContractError(f"speed limit is {self.speed:g}: give 0 to {MAX_SPEED:g} m/s")

    def apply(self, command: Command) -> Command:
        """The command within these limits."""
        return Command(command.steering, min(command.speed, self.speed))


@dataclass(frozen=True)
class DriveReport:
    """How a drive went.

    Attributes:
        frames: Frames that became commands.
        duration: From the first frame's arrival to the end [s].
        limited: Commands that were slowed down by the limits or by the actuator.
        latency: Durations of the stages.
    """

    frames: int
    duration: float
    limited: int
    latency: Latency


def drive(
    policy: Policy,
    source: FrameSource,
    actuator: Actuator,
    *,
    limits: Limits = Limits(),
    stop: Callable[[], bool] = lambda: False,
    latency: Latency | None = None,
) -> DriveReport:
    """Drive until the source ends, or somebody says stop; the car is in neutral whichever way this returns.

    Args:
        policy: What decides.
        source: Where frames come from.
        actuator: Where commands go to.
        limits: What the driver allows.
        stop: Asked before every frame.
        latency: Histograms to add to; new ones if not given.

    Raises:
        ContractError: A frame does not fit the contract.
        PolicyError: The model gave something that is not a number.
    """
    latency = latency or Latency()
    frames = limited = 0
    began = ended = perf_counter()
    try:
        while not stop() and (frame := source.read()) is not None:
            if not frames:
                began = perf_counter()
            wanted = decide(policy, frame, latency)
            sent = actuator.write(limits.apply(wanted))
            ended = perf_counter()
            frames += 1
            limited += sent.speed < wanted.speed
    finally:
        actuator.neutral()
    return DriveReport(frames, ended - began, limited, latency)


def decide(policy: Policy, reading: Reading, latency: Latency) -> Command:
    """What `policy(reading)` gives, with the duration of each stage recorded.

    Raises:
        ContractError: The reading does not fit the contract.
        PolicyError: The model gave something that is not a number.
    """
    start = perf_counter()
    observation = observe(reading, policy.contract.observation)
    observed = perf_counter()
    outputs = policy.predict(batch_of_one(observation))
    inferred = perf_counter()
    command = policy.command(outputs)
    mapped = perf_counter()
    for stage, duration in zip(
        STAGES, (observed - start, inferred - observed, mapped - inferred), strict=True
    ):
        latency.add(stage, duration)
    latency.add("total", mapped - start)
    return command
