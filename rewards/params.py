"""What a reward function is given: the 27 keys of `params`, with type, unit, range and meaning.

Semantics are those of the original simulator (aws-deepracer-community/deepracer-simapp 6.0,
`markov/agent_ctrl`), on which real reward functions were tuned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict


class RewardParams(TypedDict):
    """One step of one car, as a reward function sees it; `PARAMS` describes each key.

    P is the car's front point, 0.14 m ahead of the middle between the axles: all distances are measured
    from it. Lists with one entry per object have equal lengths and are empty in a time trial.
    """

    all_wheels_on_track: bool  # all four wheels inside the borders
    x: float  # [m] of P
    y: float  # [m] of P
    heading: float  # [deg] (-180, 180], 0 along +x, counter-clockwise positive
    distance_from_center: float  # [m] >= 0, from P to the centre line
    projection_distance: float  # [m] along the centre line from the first waypoint to P
    progress: float  # [%] of the lap, up to 100
    steps: float  # [steps] of this episode; the first call of an episode sees 2
    speed: float  # [m/s] commanded, not measured
    steering_angle: float  # [deg] commanded, left positive
    track_width: float  # [m] here
    track_length: float  # [m] of the centre line
    waypoints: list[tuple[float, float]]  # [m] of the centre line, in the direction of travel
    closest_waypoints: list[int]  # indices of the waypoints behind and ahead of P
    is_left_of_center: bool  # P is left of the centre line, seen in the direction of travel
    is_reversed: bool  # the lap runs against the order of the track file's rows
    is_offtrack: bool  # all four wheels outside the borders
    is_crashed: bool  # touches another object
    closest_objects: list[int]  # indices of the objects behind and ahead; [0, 0] without objects
    objects_location: list[list[float]]  # [m] x, y of each object
    objects_left_of_center: list[bool]  # object is left of the centre line
    objects_speed: list[float]  # [m/s], 0 for boxes
    objects_heading: list[float]  # [rad], 0 for boxes
    objects_distance: list[float]  # [m] along the centre line from the first waypoint
    objects_distance_from_center: list[float]  # [m] >= 0, from the centre line
    object_in_camera: bool  # the next object ahead is in the camera's view
    sim_time: float  # [s] simulated since the world began


@dataclass(frozen=True)
class ParamDoc:
    """How one key of `params` is described to people.

    Args:
        type: Python type, as one would write it.
        unit: Unit, empty for flags and indices.
        range: Values that occur.
        meaning: One sentence.
    """

    type: str
    unit: str
    range: str
    meaning: str


PARAMS: Mapping[str, ParamDoc] = MappingProxyType(
    {
        "all_wheels_on_track": ParamDoc("bool", "", "", "all four wheels are inside the borders"),
        "x": ParamDoc("float", "m", "", "x of the car's front point, 0.14 m ahead of the axles' middle"),
        "y": ParamDoc("float", "m", "", "y of the car's front point"),
        "heading": ParamDoc("float", "deg", "-180..180", "0 along +x, counter-clockwise positive"),
        "distance_from_center": ParamDoc(
            "float", "m", "0..about half the track width", "from the front point to the centre line"
        ),
        "projection_distance": ParamDoc(
            "float", "m", "0..track_length", "along the centre line, from the first waypoint to the car"
        ),
        "progress": ParamDoc("float", "%", "0..100", "of the lap; just behind the start it may be below 0"),
        "steps": ParamDoc("float", "steps", "2..", "of this episode; the first call of an episode sees 2"),
        "speed": ParamDoc("float", "m/s", "0..5", "commanded speed, which the car follows with a delay"),
        "steering_angle": ParamDoc("float", "deg", "-30..30", "commanded steering, left positive"),
        "track_width": ParamDoc("float", "m", "> 0", "from border to border, at the car"),
        "track_length": ParamDoc("float", "m", "> 0", "of the centre line"),
        "waypoints": ParamDoc(
            "list[tuple[float, float]]",
            "m",
            "",
            "of the centre line, in the direction of travel",
        ),
        "closest_waypoints": ParamDoc(
            "list[int]", "", "0..len(waypoints)-1", "indices of the waypoints just behind and just ahead"
        ),
        "is_left_of_center": ParamDoc("bool", "", "", "left of the centre line, in the direction of travel"),
        "is_reversed": ParamDoc("bool", "", "", "the lap runs against the order of the track file's rows"),
        "is_offtrack": ParamDoc("bool", "", "", "all four wheels are outside the borders"),
        "is_crashed": ParamDoc("bool", "", "", "the car touches another object"),
        "closest_objects": ParamDoc(
            "list[int]", "", "", "indices of the objects just behind and just ahead; [0, 0] without objects"
        ),
        "objects_location": ParamDoc("list[list[float]]", "m", "", "x, y of each object"),
        "objects_left_of_center": ParamDoc("list[bool]", "", "", "object is left of the centre line"),
        "objects_speed": ParamDoc("list[float]", "m/s", ">= 0", "of each object; 0 for boxes"),
        "objects_heading": ParamDoc(
            "list[float]",
            "rad",
            "-pi..pi",
            "of each object, in radians as in the original; 0 for boxes",
        ),
        "objects_distance": ParamDoc(
            "list[float]",
            "m",
            "0..track_length",
            "of each object, along the centre line",
        ),
        "objects_distance_from_center": ParamDoc(
            "list[float]", "m", ">= 0", "of each object from the centre line"
        ),
        "object_in_camera": ParamDoc("bool", "", "", "the next object ahead is in the camera's view"),
        "sim_time": ParamDoc("float", "s", ">= 0", "simulated time since the world began"),
    }
)
"""Every key of `RewardParams`, in the same order."""
