"""Pictures for people: the car from behind, what its camera sees, and the map."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hairpin.tracks.surface import Surface

from .figure import BODY, CHASE, HEIGHT, WIDTH, Picture, Points, draw_car
from .render import Renderer, nominal_view
from .rules import COMPLETE
from .world import World

__all__ = ["HEIGHT", "WIDTH", "Painter"]

_INSET: Final = (190, 143)  # the largest size of the camera's frame and of the map [pixels]
_MARGIN: Final = 12
_BAR: Final = 36  # height of the caption [pixels]
_COLUMNS: Final = (0.16, 0.42, 0.70, 0.98)  # where the caption's columns end, as a share of the width
_TRAIL: Final = 600  # steps of the map's trail
_TRAIL_COLOUR: Final = (255, 210, 60)


class Painter:
    """Paints the cars of one world.

    Args:
        world: The world; its renderer's surfaces are what the pictures show.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._renderer = Renderer(CHASE, world.surfaces)
        self._maps = [_map(surface) for surface in world.surfaces]
        self._trails: list[list[Points]] = [[] for _ in range(world.num_cars)]
        self._times = [0.0] * world.num_cars

    def paint(self, car: int) -> Picture:
        """The picture of one car now: (480, 640, 3) uint8 RGB."""
        world, which = self.world, np.array([car])
        surface = world.surface[which]
        frame = self._renderer.render(
            world.pose[which],
            surface,
            nominal_view(1),
            np.zeros(1, np.uint64),
            objects=world.objects[which],
        )[0]
        draw_car(frame, float(world.command[car, 0]))
        seen = world.frames(which)[0]
        seen = seen[..., :1] if seen.shape[-1] == 2 else seen  # the left one of two cameras
        _inset(frame, _fit(seen, cv2.INTER_NEAREST), right=True)
        _inset(frame, self._map_with_trail(car, int(surface[0])), right=False)
        _caption(frame, self._figures(car))
        return frame

    def _map_with_trail(self, car: int, surface: int) -> Picture:
        picture, scale, origin = self._maps[surface]
        picture = picture.copy()
        if self.world.race.time[car] < self._times[car]:
            self._trails[car] = []
        self._times[car] = float(self.world.race.time[car])
        self._trails[car] = [*self._trails[car][-_TRAIL:], self.world.pose[car, :2].copy()]
        for one in self.world.objects[car]:
            corners = _map_pixels(_footprint(one), picture, scale, origin)
            cv2.fillConvexPoly(picture, corners, one["color"].tolist(), cv2.LINE_AA, shift=3)
        pixels = _map_pixels(np.array(self._trails[car]), picture, scale, origin)
        cv2.polylines(picture, [pixels], False, _TRAIL_COLOUR, 1, cv2.LINE_AA, shift=3)
        cv2.circle(picture, (int(pixels[-1, 0]), int(pixels[-1, 1])), 4 * 8, BODY, -1, cv2.LINE_AA, shift=3)
        return picture

    def _figures(self, car: int) -> list[str]:
        race, laps = self.world.race, self.world.config.laps
        progress = float(race.progress[car])
        lap = int(race.laps[car]) + (progress < COMPLETE)
        return [
            f"lap {lap} of {laps}" if laps > 1 else f"lap {lap}",
            f"{progress:.1f} %",
            f"{race.time[car]:.2f} s",
            f"{self.world.velocity[car, 0]:.2f} m/s",
        ]


def _map(surface: Surface) -> tuple[Picture, float, Points]:
    """A small map (h, w, 3), its scale [pixels/m] and the world position of its lower left corner [m]."""
    level = next((one for one in surface.levels if one.shape[1] <= 3 * _INSET[0]), surface.levels[-1])
    picture = _fit(np.ascontiguousarray(level[::-1]), cv2.INTER_AREA)
    return picture, picture.shape[1] / float(surface.size[0]), surface.origin


def _map_pixels(points: Points, picture: Picture, scale: float, origin: Points) -> NDArray[np.int32]:
    """Where points (P, 2) [m] are on a map, in eighths of pixels."""
    places = (points - origin) * scale
    places[:, 1] = picture.shape[0] - places[:, 1]
    return np.rint(places * 8).astype(np.int32)


def _footprint(one: np.void) -> Points:
    """Corners (4, 2) [m] of an object, seen from above."""
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    cos, sin = np.cos(one["yaw"]), np.sin(one["yaw"])
    corners = (signs * [one["half_length"], one["half_width"]]) @ np.array([[cos, sin], [-sin, cos]])
    return corners + np.array([one["x"], one["y"]])


def _fit(picture: Picture, interpolation: int) -> Picture:
    """A picture as large as fits into an inset, in RGB."""
    height, width = picture.shape[:2]
    scale = min(_INSET[0] / width, _INSET[1] / height)
    size = max(1, round(scale * width)), max(1, round(scale * height))
    resized = cv2.resize(picture, size, interpolation=interpolation)
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_GRAY2RGB) if resized.ndim == 2 else resized, np.uint8)


def _inset(frame: Picture, picture: Picture, *, right: bool) -> None:
    h, w = picture.shape[:2]
    x = WIDTH - w - _MARGIN if right else _MARGIN
    frame[_MARGIN : _MARGIN + h, x : x + w] = picture
    cv2.rectangle(frame, (x - 1, _MARGIN - 1), (x + w, _MARGIN + h), (255, 255, 255), 1)


def _caption(frame: Picture, columns: list[str]) -> None:
    """Figures in columns that end at the same place in each frame, to be read in a film."""
    frame[HEIGHT - _BAR :] = frame[HEIGHT - _BAR :] // 4
    font, scale, thickness = cv2.FONT_HERSHEY_SIMPLEX, 0.62, 1
    for text, end in zip(columns, _COLUMNS, strict=True):
        (width, _), _ = cv2.getTextSize(text, font, scale, thickness)
        place = (round(end * WIDTH) - width, HEIGHT - 12)
        cv2.putText(frame, text, place, font, scale, (255, 255, 255), thickness, cv2.LINE_AA)
