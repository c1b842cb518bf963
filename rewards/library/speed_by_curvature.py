"""Fast on straights, slow in bends: a target speed from how much the track turns just ahead."""

import math

LOOK_AHEAD = 1.5  # [m]
SLOWEST, FASTEST = 1.0, 3.0  # [m/s] put the speeds of your action space here


def reward_function(params):
    if not params["all_wheels_on_track"]:
        return 1e-3
    turn = turn_ahead(params["waypoints"], params["closest_waypoints"][1])
    sharpness = min(1.0, abs(turn) / math.radians(60))
    target = FASTEST - (FASTEST - SLOWEST) * sharpness
    pace = max(0.0, 1.0 - abs(params["speed"] - target) / (FASTEST - SLOWEST))
    offset = params["distance_from_center"] / (0.5 * params["track_width"])
    return max(1e-3, (0.4 + 0.6 * pace) * (1.0 - 0.8 * offset**2))


def turn_ahead(waypoints, index):
    """How much the track turns from waypoint `index` on [rad], left positive."""
    headings = []
    distance = 0.0
    x0, y0 = waypoints[index]
    for _ in waypoints:
        index = (index + 1) % len(waypoints)
        x1, y1 = waypoints[index]
        step = math.hypot(x1 - x0, y1 - y0)
        if step > 0:  # some tracks repeat a waypoint
            headings.append(math.atan2(y1 - y0, x1 - x0))
        distance += step
        x0, y0 = x1, y1
        if distance > LOOK_AHEAD:
            break
    return math.remainder(headings[-1] - headings[0], 2 * math.pi)
