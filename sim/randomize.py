"""Domain randomisation: what differs between one episode's car, camera and light and the next one's.

Everything here is data, drawn once per episode from the car's own generator, so that the same seed gives the
same episode whether a car drives alone or among others.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .errors import SimError
from .latency import MOST_PERIODS
from .physics import CAR_DTYPE, nominal_car
from .render import VIEW_DTYPE, nominal_view

Range = tuple[float, float]

MOST_STYLES: Final = 64  # each is a picture of the whole track
#: What each range may span; far beyond what a car is like, but not beyond what makes sense.
_LIMITS: Final[dict[str, Range]] = {
    "offset": (-1.0, 1.0),
    "heading": (-math.pi, math.pi),
    "friction": (0.01, 10.0),
    "speed_gain": (0.001, 10.0),
    "speed_tau": (0.0, 10.0),
    "steering_gain": (0.001, 10.0),
    "steering_tau": (0.0, 10.0),
    "steering_offset": (-0.5, 0.5),
    "mass_scale": (0.05, 20.0),
    "action_delay": (0, MOST_PERIODS),
    "latency": (0.0, 1.0),
    "height": (-0.1, 1.0),
    "pitch": (-0.5, 0.5),
    "roll": (-0.5, 0.5),
    "yaw": (-math.pi, math.pi),
    "gain": (0.0, 10.0),
    "bias": (-255.0, 255.0),
    "noise": (0.0, 255.0),
}
_WHOLE: Final = ("action_delay",)


@dataclass(frozen=True)
class Randomization:
    """Uniform ranges (low, high), bounds included; `None` leaves the nominal value.

    Attributes:
        offset: Start to the left of the line, as a share of half the track's width.
        heading: Start heading relative to the track [rad].
        friction: Tyre friction [-].
        speed_gain: Steady speed over commanded speed [-].
        speed_tau: Time constant of the speed [s].
        steering_gain: Steering angle over commanded angle [-].
        steering_tau: Time constant of the steering [s].
        steering_offset: Steering trim that is off [rad].
        mass_scale: Mass over nominal mass [-].
        action_delay: Control periods that a command waits, a whole number from 0 to 3.
        latency: Age of the frame that the policy sees [s]; what is over 3 control periods counts as 3.
        height: Camera above its nominal place [m].
        pitch: Camera pitch, + = down [rad].
        roll: Camera roll [rad].
        yaw: Camera yaw, + = left [rad].
        gain: Contrast [-].
        bias: Brightness [gray levels].
        noise: Standard deviation of pixel noise [gray levels].
        styles: How many random colourings of each track to draw from, beside the nominal one.
        style_seed: Which ones; those of another seed are none that a policy has been trained on.

    Raises:
        SimError: A range is none, or spans what makes no sense.
    """

    offset: Range | None = None
    heading: Range | None = None
    friction: Range | None = None
    speed_gain: Range | None = None
    speed_tau: Range | None = None
    steering_gain: Range | None = None
    steering_tau: Range | None = None
    steering_offset: Range | None = None
    mass_scale: Range | None = None
    action_delay: Range | None = None
    latency: Range | None = None
    height: Range | None = None
    pitch: Range | None = None
    roll: Range | None = None
    yaw: Range | None = None
    gain: Range | None = None
    bias: Range | None = None
    noise: Range | None = None
    styles: int = 0
    style_seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("styles", "style_seed") and value is not None:
                _check_range(field.name, value)
        if not (isinstance(self.styles, int) and 0 <= self.styles <= MOST_STYLES):
            raise SimError(f"randomization styles={self.styles}: give 0 to {MOST_STYLES}")
        if not (isinstance(self.style_seed, int) and self.style_seed >= 0):
            raise SimError(f"randomization style_seed={self.style_seed}: give a whole number, 0 or more")

    @property
    def surfaces(self) -> int:
        """Surfaces of each track: the nominal one and the random ones."""
        return 1 + self.styles


def _check_range(name: str, value: Any) -> None:
    least, most = _LIMITS[name]
    is_range = isinstance(value, tuple | list) and len(value) == 2
    if not (is_range and all(isinstance(bound, Real) for bound in value) and value[0] <= value[1]):
        raise SimError(f"randomization {name}={value}: give (low, high) with low <= high, or None")
    if not least <= value[0] <= value[1] <= most:
        raise SimError(f"randomization {name}={value}: it can go from {least:g} to {most:g}")
    if name in _WHOLE and not all(isinstance(bound, Integral) for bound in value):
        raise SimError(f"randomization {name}={value}: give whole numbers")


NONE: Final = Randomization()

#: What a policy meets on its way to another simulator: enough for it to lap in PyBullet, little enough to
#: learn in seconds.
MILD: Final = Randomization(
    offset=(-0.5, 0.5),
    heading=(-0.35, 0.35),
    friction=(0.6, 1.1),
    speed_gain=(0.85, 1.1),
    speed_tau=(0.05, 0.25),
    steering_gain=(0.9, 1.1),
    steering_tau=(0.02, 0.12),
    steering_offset=(-0.03, 0.03),
    latency=(0.0, 0.05),
    gain=(0.85, 1.15),
    bias=(-15.0, 15.0),
    noise=(0.0, 4.0),
)

#: Everything that differs between simulators and cars.
FULL: Final = Randomization(
    offset=(-0.6, 0.6),
    heading=(-0.4, 0.4),
    friction=(0.5, 1.2),
    speed_gain=(0.7, 1.1),
    speed_tau=(0.05, 0.4),
    steering_gain=(0.85, 1.15),
    steering_tau=(0.02, 0.15),
    steering_offset=(-0.05, 0.05),
    mass_scale=(0.8, 1.25),
    action_delay=(0, 1),
    latency=(0.0, 0.07),
    height=(-0.01, 0.01),
    pitch=(-0.04, 0.04),
    roll=(-0.02, 0.02),
    yaw=(-0.04, 0.04),
    gain=(0.7, 1.3),
    bias=(-30.0, 30.0),
    noise=(0.0, 8.0),
    styles=8,
)

#: The car of DeepRacer's own simulator, fitted to its logs (docs/dynamics.md): its steering
#: takes half a second and falls short, and a command waits for a frame. The rest varies as in `MILD`.
DEEPRACER: Final = dataclasses.replace(
    MILD,
    speed_gain=(0.95, 1.05),
    speed_tau=(0.2, 0.32),
    steering_gain=(0.62, 0.76),
    steering_tau=(0.37, 0.56),
    action_delay=(1, 1),
)

#: Light and colours alone, which is what DeepRacer's own domain randomisation varies.
LIGHT: Final = Randomization(gain=FULL.gain, bias=FULL.bias, styles=FULL.styles)

NAMED: Final = {"none": NONE, "light": LIGHT, "mild": MILD, "full": FULL, "deepracer": DEEPRACER}


def scaled(randomization: Randomization, factor: float) -> Randomization:
    """All ranges stretched about the nominal values by a factor, within what makes sense; the same styles."""
    nominal = _nominal()
    ranges: dict[str, Any] = {}
    for name, (least, most) in _LIMITS.items():
        bounds: Range | None = getattr(randomization, name)
        if bounds is not None:
            middle = nominal.get(name, 0.0)
            low, high = (min(max(factor * end + (1.0 - factor) * middle, least), most) for end in bounds)
            ranges[name] = (round(low), round(high)) if name in _WHOLE else (low, high)
    return dataclasses.replace(randomization, **ranges)


def another_car(randomization: Randomization) -> dict[str, Range]:
    """Those ranges that leave the nominal value out, as `DEEPRACER`'s steering does; none in most."""
    nominal = _nominal()
    ranges = {name: getattr(randomization, name) for name in _LIMITS}
    return {
        name: bounds
        for name, bounds in ranges.items()
        if bounds is not None and not bounds[0] <= nominal.get(name, 0.0) <= bounds[1]
    }


def _nominal() -> dict[str, float]:
    """Nominal values of car and camera; that of everything else is 0."""
    both = (nominal_car(1), nominal_view(1))
    return {name: float(one[name][0]) for one in both for name in one.dtype.names or ()}


def draw(rng: np.random.Generator, bounds: Range | None, nominal: float = 0.0) -> float:
    """One uniform number, or the nominal one where nothing is randomised."""
    return nominal if bounds is None else float(rng.uniform(*bounds))


def draw_whole(rng: np.random.Generator, bounds: Range | None) -> int:
    """One whole number, each as likely as the others; 0 where nothing is randomised."""
    return 0 if bounds is None else int(rng.integers(int(bounds[0]), int(bounds[1]) + 1))


def draw_car(rng: np.random.Generator, randomization: Randomization) -> NDArray[np.void]:
    """Parameters of one car; (1,) of `CAR_DTYPE`."""
    car = nominal_car(1)
    for name in CAR_DTYPE.names or ():
        car[name] = draw(rng, getattr(randomization, name), float(car[name][0]))
    return car


def draw_view(rng: np.random.Generator, randomization: Randomization) -> NDArray[np.void]:
    """Camera pose and light of one car; (1,) of `VIEW_DTYPE`."""
    view = nominal_view(1)
    for name in VIEW_DTYPE.names or ():
        view[name] = draw(rng, getattr(randomization, name), float(view[name][0]))
    return view
