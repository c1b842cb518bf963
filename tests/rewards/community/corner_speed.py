import math

FAST, SLOW = 1.7, 1.2
LOOK = 6  # waypoints ahead


def bend(points):
    total = 0
    for (x0, y0), (x1, y1), (x2, y2) in zip(points, points[1:], points[2:]):
        a = math.atan2(y1 - y0, x1 - x0)
        b = math.atan2(y2 - y1, x2 - x1)
        total += (b - a + math.pi) % (2 * math.pi) - math.pi
    return abs(math.degrees(total))


def reward_function(params):
    if params['all_wheels_on_track'] is False:
        return 1e-3
    waypoints = params['waypoints'][:-1]   # the last one is the first one again
    start = params['closest_waypoints'][1]
    ahead = [waypoints[(start + i) % len(waypoints)] for i in range(LOOK)]
    is_corner = bend(ahead) > 25
    reward = 1 - (params['distance_from_center'] / (params['track_width'] / 2)) ** 0.4
    if is_corner and params['speed'] <= SLOW or not is_corner and params['speed'] >= FAST:
        reward += 0.5
    return float(max(reward, 1e-2))
