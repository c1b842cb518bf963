import math


def reward_function(params):
    # everything in the thousands, and a jackpot at the end
    if not params['all_wheels_on_track']:
        return 0.0
    half = params['track_width'] / 2.0
    reward = 5000.0 * math.exp(-(params['distance_from_center'] / half) ** 2 * 4)
    reward += 1000.0 * params['speed']
    if params['progress'] >= 100:
        reward += max(0, 90000 - 100 * params['steps'])
    return float(min(reward, 1e5))
