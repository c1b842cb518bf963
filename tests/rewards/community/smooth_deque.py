from collections import deque
from statistics import pstdev
import math

recent = deque(maxlen=6)


def reward_function(params):
    if params['steps'] <= 2:
        recent.clear()
    recent.append(params['steering_angle'])

    wp, (prev, nxt) = params['waypoints'], params['closest_waypoints']
    ahead = wp[(nxt + 2) % len(wp)]
    wanted = math.degrees(math.atan2(ahead[1] - params['y'], ahead[0] - params['x']))
    off = (wanted - params['heading'] - params['steering_angle'] * 0.5 + 180.0) % 360.0 - 180.0

    heading_reward = max(0.0, math.cos(math.radians(off))) ** 4
    wobble = pstdev(recent) / 30.0 if len(recent) > 2 else 0
    return float(heading_reward * (1.0 - 0.3 * min(wobble, 1)) + 1e-3)
