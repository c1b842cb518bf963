import numpy as np
from math import atan2, pi

error_sum, last_error = 0.0, 0.0


def reward_function(params):
    global error_sum, last_error
    if params['steps'] <= 2:
        error_sum = last_error = 0.0
    wp = np.asarray(params['waypoints'])
    here = np.array([params['x'], params['y']])
    distance = np.linalg.norm(wp - here, axis=1)
    nxt = params['closest_waypoints'][1]
    order = np.roll(np.arange(len(wp)), -nxt)
    far = order[np.argmax(distance[order] > 0.7)]
    direction = wp[far] - here
    error = (atan2(direction[1], direction[0]) - np.radians(params['heading']) + pi) % (2 * pi) - pi
    error_sum = 0.9 * error_sum + error
    change = error - last_error
    last_error = error
    cost = abs(error) + 0.05 * abs(error_sum) + 0.2 * abs(change)
    return float(np.exp(-2.0 * cost)) if params['all_wheels_on_track'] else 0.0
