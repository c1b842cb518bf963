import numpy as np

FAST, SLOW = 3.0, 1.0


def curvature(points):
    d1 = np.gradient(points, axis=0)
    d2 = np.gradient(d1, axis=0)
    num = np.abs(d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0])
    return num / np.maximum((d1 ** 2).sum(axis=1) ** 1.5, 1e-6)


def reward_function(params):
    wp = np.array(params['waypoints'])
    nxt = params['closest_waypoints'][1]
    ahead = wp[[(nxt + i) % len(wp) for i in range(8)]]
    k = np.clip(curvature(ahead).mean(), 0, 1)
    target = FAST - k * (FAST - SLOW)
    pace = np.exp(-((params['speed'] - target) ** 2))
    centre = 1 - (params['distance_from_center'] / (params['track_width'] / 2)) ** 2
    return np.float64(np.clip(pace * centre, 1e-3, 1.0))
