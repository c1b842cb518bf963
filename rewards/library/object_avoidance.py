"""Keep to the side of the road where the next object is not; without objects, keep to the centre."""

import math


def reward_function(params):
    if not params["all_wheels_on_track"] or params["is_crashed"]:
        return 1e-3
    offset = params["distance_from_center"] / (0.5 * params["track_width"])
    reward = max(0.1, 1.0 - 0.5 * offset**2)

    objects = params["objects_location"]
    if objects:
        ahead = params["closest_objects"][1]
        x, y = objects[ahead]
        dx, dy = x - params["x"], y - params["y"]
        distance = math.hypot(dx, dy)
        heading = math.radians(params["heading"])
        in_front = dx * math.cos(heading) + dy * math.sin(heading) > 0
        same_side = params["objects_left_of_center"][ahead] == params["is_left_of_center"]
        if in_front and same_side and distance < 1.5:
            reward *= 0.2 if distance < 0.8 else 0.5
    return reward
