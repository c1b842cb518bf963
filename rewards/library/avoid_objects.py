"""Drive around objects: near the centre where the road is free, in the other lane well before an object."""

import math

LOOK_AHEAD = 1.8  # [m]
AT_ONCE = 0.6  # nearer than this the other lane is due, before it little by little [m]
BESIDE = 0.5  # an object that was just passed still counts for so long [m]
CLEAR = 0.38  # sideways from the middle of the car to the middle of an object's lane [m]


def reward_function(params):
    if not params["all_wheels_on_track"] or params["is_crashed"]:
        return 1e-3
    width = params["track_width"]
    sideways = params["distance_from_center"] * (1 if params["is_left_of_center"] else -1)

    nearness, room = 0.0, 1.0
    if params["objects_location"]:
        for index, reach in zip(params["closest_objects"], (BESIDE, LOOK_AHEAD), strict=True):
            x, y = params["objects_location"][index]
            gap = math.hypot(x - params["x"], y - params["y"])
            if gap > reach:
                continue
            near = min(1.0, (LOOK_AHEAD - gap) / (LOOK_AHEAD - AT_ONCE))
            lane = width / 4 if params["objects_left_of_center"][index] else -width / 4
            clear = min(abs(sideways - lane) / CLEAR, 1.0)
            nearness = max(nearness, near)
            room = min(room, 1.0 - near * (1.0 - clear))

    centered = 1.0 - (1.0 - nearness) * 2.0 * (sideways / width) ** 2
    fast = 0.5 + 0.5 * min(params["speed"] / 2.0, 1.0)
    return float(max(1e-3, centered * room**2 * fast))
