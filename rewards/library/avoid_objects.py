"""Drive around objects: in the other lane well before an object and until it is passed, else where it suits.

A camera in front does not see an object beside the car, so nothing here hurries it back to the centre.
"""

import math

# Nearer than the first the other lane is due, from the second on it is not, in between little by little [m].
AHEAD = (0.6, 2.0)
BEHIND = (0.6, 0.8)  # the tail is passed when the front is 0.6 m past the middle of a box
CLEAR = 0.38  # sideways from the middle of the car to the middle of an object [m]


def reward_function(params):
    if not params["all_wheels_on_track"] or params["is_crashed"]:
        return 1e-3
    width = params["track_width"]
    sideways = params["distance_from_center"] * (1 if params["is_left_of_center"] else -1)

    # DeepRacer's simulator tells how far objects are from the centre, its documentation does not: cars that
    # change lanes are in the middle for a while, boxes are always a quarter of the width from it.
    lanes = params.get("objects_distance_from_center") or [width / 4] * len(params["objects_location"])

    nearness, room = 0.0, 1.0
    if params["objects_location"]:
        for index, (due, reach) in zip(params["closest_objects"], (BEHIND, AHEAD), strict=True):
            x, y = params["objects_location"][index]
            gap = math.hypot(x - params["x"], y - params["y"])
            near = min(1.0, max(0.0, (reach - gap) / (reach - due)))
            lane = lanes[index] if params["objects_left_of_center"][index] else -lanes[index]
            clear = min(abs(sideways - lane) / CLEAR, 1.0)
            nearness = max(nearness, near)
            room = min(room, 1.0 - near * (1.0 - clear))

    centered = 1.0 - (1.0 - nearness) * (sideways / width) ** 2
    fast = 1.0 - 0.5 * (1.0 - nearness) * (1.0 - min(params["speed"] / 2.0, 1.0))
    return float(max(1e-3, centered * room**2 * fast))
