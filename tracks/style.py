"""How a track looks: colours, lines and texture, as data."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Final

import numpy as np

from .validate import TrackError

RGB = tuple[int, int, int]

# Weights of Rec. 601 luma, as the original simulator and the car turn RGB into gray.
_LUMA: Final = (0.2989, 0.5870, 0.1140)


@dataclass(frozen=True)
class Style:
    """Look of a track and its surroundings.

    Attributes:
        road: Colour of the road, RGB 0 to 255.
        field: Colour of the ground beside the road and of all that lies beyond it.
        border: Colour of the two solid lines along the road.
        centre: Colour of the dashed line on the centre line.
        sky: Colour above the horizon.
        border_width: Width [m] of the border lines, which lie outside the borders; 0 leaves them out.
        centre_width: Width [m] of the centre line; 0 leaves it out.
        dash: Length [m] of a dash of the centre line.
        gap: Length [m] between dashes; 0 makes a solid line.
        road_texture: Standard deviation of the road's brightness [levels].
        field_texture: Standard deviation of the field's brightness [levels].

    Raises:
        TrackError: If a colour is not three whole numbers in 0 to 255, or another value is out of range.
    """

    road: RGB = (79, 80, 86)
    field: RGB = (62, 122, 60)
    border: RGB = (240, 240, 240)
    centre: RGB = (240, 160, 30)
    sky: RGB = (176, 200, 222)
    border_width: float = 0.04
    centre_width: float = 0.03
    dash: float = 0.2
    gap: float = 0.15
    road_texture: float = 0.0
    field_texture: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(item.default, tuple):
                if not _is_colour(value):
                    raise TrackError(f"style {item.name}={value}: give three whole numbers from 0 to 255")
            elif not (isinstance(value, Real) and 0 <= float(value) < np.inf):
                raise TrackError(f"style {item.name}={value}: give a number of at least 0")
        if self.dash <= 0:
            raise TrackError(f"style dash={self.dash}: give a length above 0, or centre_width=0 for no line")


def _is_colour(value: Any) -> bool:
    levels = value if isinstance(value, tuple) and len(value) == 3 else (None,)
    return all(isinstance(level, Real) and float(level) in range(256) for level in levels)


def luma(colour: RGB) -> float:
    """Brightness [levels] of a colour as a gray camera sees it."""
    return sum(weight * level for weight, level in zip(_LUMA, colour, strict=True))


def legibility(style: Style) -> float:
    """How well a gray camera tells where the road ends [levels].

    The sum of what tells it: the border line beside what it lies on, the road beside the field, and the
    border line beside the centre line, for which it could be taken.
    """
    road, field, border, centre = map(luma, (style.road, style.field, style.border, style.centre))
    line = min(abs(border - road), abs(border - field))
    return line + abs(road - field) + abs(border - centre)


STYLES: Final[dict[str, Style]] = {
    "deepracer": Style(),
    "carpet": Style(
        road=(38, 38, 42), field=(120, 108, 92), sky=(214, 208, 196), road_texture=3.0, field_texture=9.0
    ),
    "concrete": Style(
        road=(128, 126, 120),
        field=(92, 88, 80),
        border=(250, 248, 240),
        centre=(230, 190, 40),
        sky=(198, 202, 206),
        road_texture=6.0,
        field_texture=6.0,
    ),
    "night": Style(
        road=(24, 25, 30), field=(14, 26, 18), border=(170, 172, 180), centre=(160, 96, 20), sky=(8, 10, 18)
    ),
    "paper": Style(
        road=(226, 224, 218),
        field=(186, 176, 160),
        border=(24, 24, 28),
        centre=(60, 90, 170),
        sky=(236, 236, 232),
    ),
}
"""Named styles; "deepracer" is what `rasterise` takes by default."""


def random_style(rng: np.random.Generator) -> Style:
    """Draw a style for domain randomisation.

    Most roads are dark with light lines, some the other way round; in each the border lines stand out from
    road and field by at least 50 gray levels, so that a policy can always see where the road ends.
    """
    dark, light = (20, 120), (175, 255)
    ground, line = (light, dark) if rng.random() < 0.15 else (dark, light)
    while True:
        style = Style(
            road=_colour(rng, ground, 12),
            field=_colour(rng, (20, 200), 70),
            border=_colour(rng, line, 20),
            centre=_colour(rng, (40, 255), 110),
            sky=_colour(rng, (0, 255), 30),
            border_width=float(rng.uniform(0.025, 0.055)),
            centre_width=float(rng.uniform(0.015, 0.04)),
            dash=float(rng.uniform(0.1, 0.4)),
            gap=float(rng.uniform(0.05, 0.3)),
            road_texture=float(rng.uniform(0.0, 8.0)),
            field_texture=float(rng.uniform(0.0, 16.0)),
        )
        if min(abs(luma(style.border) - luma(other)) for other in (style.road, style.field)) >= 50:
            return style


def _colour(rng: np.random.Generator, brightness: tuple[int, int], tint: float) -> RGB:
    """Random brightness in a range, tinted by up to `tint` levels in each channel."""
    level = rng.uniform(*brightness) + rng.uniform(-tint, tint, 3)
    red, green, blue = np.clip(level, 0, 255).astype(int).tolist()
    return red, green, blue
