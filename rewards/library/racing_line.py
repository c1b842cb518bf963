"""Cut the corners: steer at a point of the centre line a good way ahead; faster pays more."""

import math

LOOK_AHEAD = 1.1  # [m]; longer cuts corners more


def reward_function(params):
    if not params["all_wheels_on_track"]:
        return 1e-3
    x, y = params["x"], params["y"]
    target_x, target_y = point_ahead(params["waypoints"], params["closest_waypoints"][1], x, y)
    direction = math.atan2(target_y - y, target_x - x)
    # Where the wheels point is where the car is about to go.
    wheels = math.radians(params["heading"] + params["steering_angle"])
    error = abs(math.remainder(wheels - direction, 2 * math.pi))
    aim = max(0.0, 1.0 - error / math.radians(45))
    return max(1e-3, aim * (0.5 + 0.25 * params["speed"]))


def point_ahead(waypoints, index, x, y):
    for _ in waypoints:
        px, py = waypoints[index % len(waypoints)]
        if math.hypot(px - x, py - y) >= LOOK_AHEAD:
            return px, py
        index += 1
    return px, py
