import math
import random

PARAMS_LOG = {'n': 0}


def up_sample(waypoints, factor):
    """linear interpolation between the waypoints"""
    p = waypoints
    n = len(p)
    return [[i / factor * p[(j + 1) % n][0] + (1 - i / factor) * p[j][0],
             i / factor * p[(j + 1) % n][1] + (1 - i / factor) * p[j][1]] for j in range(n) for i in range(factor)]


def get_target_point(params):
    waypoints = up_sample(params['waypoints'], 4)
    car = [params['x'], params['y']]
    distances = [math.hypot(p[0] - car[0], p[1] - car[1]) for p in waypoints]
    i_closest = distances.index(min(distances))
    r = params['track_width'] * 0.9
    around = [waypoints[(i + i_closest) % len(waypoints)] for i in range(len(waypoints))]
    inside = [math.hypot(p[0] - car[0], p[1] - car[1]) < r for p in around]
    return around[inside.index(False)]


def reward_function(params):
    PARAMS_LOG['n'] += 1
    tx, ty = get_target_point(params)
    angle = math.degrees(math.atan2(ty - params['y'], tx - params['x']))
    best = (angle - params['heading'] + 180) % 360 - 180
    error = (params['steering_angle'] - best) / 60.0
    score = 1.0 - abs(error)
    return float(max(score, 0.01))
