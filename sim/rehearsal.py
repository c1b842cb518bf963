"""The rehearsal: the simulator as a car, driven by the car's own runtime through camera and actuators."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from hairpin.edge.contract import STEREO, Command, Contract, ObservationSpec, Reading
from hairpin.tracks import Track, builtin_track, load_track

from .config import WorldConfig
from .episode import Start
from .errors import SimError, check_whole
from .laps import Logbook, place, starts, world_of
from .latency import MOST_PERIODS
from .randomize import Randomization
from .report import LapReport, merge
from .world import World

_CAMERA_WIDTH: Final = 640  # of the car's camera, which every contract's frame is made from [pixels]

Drive = Callable[["SimulatedCar", "SimulatedCar"], object]
"""The runtime's loop: reads frames from its first argument and writes commands to its second."""


class SimulatedCar:
    """A car in the simulator, as the runtime sees one: a camera to read and actuators to write to.

    Time stands still while the runtime thinks; each command drives for one control period.

    Args:
        world: A world of one car, whose observation is the camera's whole frame.
        start: Where its trial begins.
        generator: Of what the world draws.
    """

    def __init__(self, world: World, start: Start, generator: np.random.Generator) -> None:
        self.world = world
        place(world, 0, start, generator)
        self._book = Logbook(world)

    def read(self) -> Reading | None:
        """What the sensors give, or `None` when the trial is over.

        The camera's frame (480, 640, 3) uint8 RGB, or (480, 640, 2) of two gray cameras; beside a lidar,
        frame and ranges (64,) [m] by the sensors' names. The frame's size is that of `_whole_frame`: as near
        to the car's camera as the policy's frame allows.
        """
        if not self._book.running[0]:
            return None
        spec, frame = self.world.config.observation, self.world.frames()[0]
        if spec.lidar is None:
            return frame
        return {spec.sensor: frame, spec.lidar.sensor: self.world.ranges()[0]}

    def write(self, command: Command) -> Command:
        """Drive for one control period."""
        if self._book.running[0]:
            self._book.enter(self.world.drive(np.array([[command.steering, command.speed]])))
        return command

    def neutral(self) -> None:
        """The trial is over and the car stands; there is nothing to let roll out."""

    def report(self) -> LapReport:
        """What came of the trial."""
        return self._book.report()


def rehearse(
    contract: Contract,
    drive: Drive,
    *,
    track: str | Track | None = None,
    laps: int = 3,
    trials: int = 4,
    physics: str = "bullet",
    direction: str = "both",
    seed: int = 0,
    latency: float = 0.0,
) -> dict[str, Any]:
    """Let a runtime drive the simulator in closed loop.

    Args:
        contract: What the runtime's policy sees and says.
        drive: The runtime's loop.
        track: Where to drive; the track that the contract names if not given.
        laps: Laps of each trial.
        trials: How many, from starts spread over the lap.
        physics: "bullet" or "single_track".
        direction: "ccw", "cw" or "both".
        seed: Of everything random.
        latency: Age of what the camera shows [s], at most three control periods.

    Returns:
        The report as what `json.dump` takes.

    Raises:
        SimError, TrackError: A setting cannot be used.
    """
    config = rehearsal_config(contract, track, laps, trials, physics, direction, latency)
    reports = []
    with contextlib.closing(World(config, 1)) as world:
        for i, start in enumerate(starts(trials, direction)):
            car = SimulatedCar(world, start, np.random.default_rng([seed, i]))
            drive(car, car)
            reports.append(car.report())
    return merge(reports).to_dict()


def rehearsal_config(
    contract: Contract,
    track: str | Track | None,
    laps: int,
    trials: int,
    physics: str,
    direction: str,
    latency: float = 0.0,
) -> WorldConfig:
    """The world of a rehearsal, whose observation is the camera's whole frame.

    Raises:
        SimError, TrackError: A setting cannot be used.
    """
    longest = MOST_PERIODS / contract.control_hz
    check_whole("trials", trials)
    if not 0.0 <= latency <= longest + 1e-9:
        raise SimError(f"latency is {latency:g} s: give 0 to {longest:g}, three control periods")
    road = _track(contract, track)
    return world_of(
        contract,
        road,
        laps,
        observation=_whole_frame(contract.observation),
        physics=physics,
        start="line",
        direction=direction,
        randomization=Randomization(latency=(latency, latency) if latency else None),
    )


def _track(contract: Contract, track: str | Track | None) -> Track:
    if track is not None:
        return load_track(track)
    found = builtin_track(contract.track.name, contract.track.digest)
    if found is not None:
        return found
    raise SimError(
        f"the policy was trained on {contract.track.name!r}, which is not a built-in track: give --track"
    )


def _whole_frame(spec: ObservationSpec) -> ObservationSpec:
    """What the sensors give before the contract's preprocessing: whole frames of a multiple of the size."""
    factor = max(1, round(_CAMERA_WIDTH / spec.width))
    return ObservationSpec(
        sensor=spec.sensor,
        camera=spec.camera,
        width=spec.width * factor,
        height=spec.height * factor,
        channels=2 if spec.sensor == STEREO else 3,
        lidar=spec.lidar,
    )
