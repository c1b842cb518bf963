import numpy as np
from shapely.geometry import LineString, Point


def reward_function(params):
    centre = LineString(params['waypoints'])
    me = Point(params['x'], params['y'])
    half = 0.5 * params['track_width']
    reward = 1e-3
    if params['all_wheels_on_track'] and half - centre.distance(me) >= 0.05:
        reward = 1.0

    lane = 1.0
    objects = np.asarray(params['objects_location'], dtype=float).reshape(-1, 2)
    if len(objects) and not params['is_crashed']:
        _, nxt = params['closest_objects']
        gap = np.linalg.norm(objects[nxt] - [params['x'], params['y']])
        same_side = params['objects_left_of_center'][nxt] == params['is_left_of_center']
        if same_side:
            lane = float(np.interp(gap, [0.3, 0.5, 0.8, 1.5], [1e-3, 0.2, 0.5, 1.0]))
    elif params['is_crashed']:
        lane = 1e-3
    return float(1.0 * reward + 4.0 * lane * reward)
