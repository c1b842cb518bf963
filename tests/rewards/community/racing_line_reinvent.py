"""Capstone: stay near the racing line of reinvent_base at the pace that it was calculated for"""
import math

# x, y, speed
RACING_LINE = [
    [3.06, 0.89, 3.0], [3.50, 0.89, 3.0], [3.95, 0.89, 3.0], [4.39, 0.89, 3.0], [4.83, 0.89, 3.0],
    [5.27, 0.89, 3.0], [5.72, 0.89, 3.0], [6.15, 0.90, 2.6], [6.52, 0.95, 1.4], [6.82, 1.14, 2.0],
    [7.01, 1.44, 3.0], [7.06, 1.76, 3.0], [6.97, 2.11, 2.1], [6.74, 2.38, 1.9], [6.44, 2.54, 1.6],
    [6.04, 2.66, 3.0], [5.60, 2.78, 3.0], [5.16, 2.90, 3.0], [4.80, 3.02, 3.0], [4.49, 3.20, 2.1],
    [4.13, 3.46, 3.0], [3.77, 3.73, 3.0], [3.40, 4.00, 3.0], [3.07, 4.21, 3.0], [2.76, 4.29, 3.0],
    [2.33, 4.28, 3.0], [1.88, 4.27, 3.0], [1.45, 4.25, 1.7], [1.17, 4.12, 1.9], [0.97, 3.85, 3.0],
    [0.92, 3.51, 3.0], [0.99, 3.12, 3.0], [1.09, 2.68, 3.0], [1.18, 2.25, 3.0], [1.28, 1.81, 3.0],
    [1.37, 1.40, 2.0], [1.52, 1.09, 2.5], [1.78, 0.94, 1.6], [2.18, 0.89, 1.8], [2.61, 0.89, 3.0]]


class PARAMS:
    prev_progress = None
    prev_steps = None


def closest_two(points, x, y):
    distances = [math.hypot(p[0] - x, p[1] - y) for p in points]
    order = sorted(range(len(points)), key=lambda i: distances[i])
    return order[0], order[1]


def dist_to_line(a, b, x, y):
    length = math.hypot(b[0] - a[0], b[1] - a[1])
    try:
        return abs((b[0] - a[0]) * (a[1] - y) - (a[0] - x) * (b[1] - a[1])) / length
    except ZeroDivisionError:
        return math.hypot(a[0] - x, a[1] - y)


def reward_function(params):
    x, y = params['x'], params['y']
    first, second = closest_two(RACING_LINE, x, y)
    dist = dist_to_line(RACING_LINE[first], RACING_LINE[second], x, y)

    if PARAMS.prev_steps is None or params['steps'] < PARAMS.prev_steps:
        PARAMS.prev_progress = 0
    step_progress = params['progress'] - PARAMS.prev_progress
    PARAMS.prev_progress, PARAMS.prev_steps = params['progress'], params['steps']

    DISTANCE_MULTIPLE = 1
    SPEED_MULTIPLE = 2
    reward = 1.0
    reward += max(1e-3, 1 - (dist / (params['track_width'] * 0.5))) * DISTANCE_MULTIPLE
    speed_diff = abs(RACING_LINE[first][2] - params['speed'])
    if speed_diff <= 0.5:
        reward += (1 - (speed_diff / 0.5) ** 2) ** 2 * SPEED_MULTIPLE
    if step_progress > 0:
        reward += step_progress

    if not params['all_wheels_on_track'] or dist > params['track_width'] * 0.5:
        reward = 1e-3
    return float(reward)
