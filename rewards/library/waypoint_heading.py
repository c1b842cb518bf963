"""Head where the track heads: compare the car's heading with the direction between the nearest waypoints."""

import math


def reward_function(params):
    if not params["all_wheels_on_track"]:
        return 1e-3
    waypoints = params["waypoints"]
    before, after = params["closest_waypoints"]
    (x0, y0), (x1, y1) = waypoints[before - 1], waypoints[(after + 1) % len(waypoints)]
    track = math.atan2(y1 - y0, x1 - x0)
    turned = abs(math.remainder(math.radians(params["heading"]) - track, 2 * math.pi))
    aligned = max(0.0, math.cos(turned))
    offset = params["distance_from_center"] / (0.5 * params["track_width"])
    return max(1e-3, aligned**2 * (1.0 - 0.7 * offset**2))
