'''Each step costs, each percent pays, leaving the road costs most'''
prev_progress = 0.0


def reward_function(params):
    global prev_progress
    if params['steps'] <= 2:
        prev_progress = 0.0
    gained = params['progress'] - prev_progress
    prev_progress = params['progress']
    reward = -0.5 + 3.0 * gained
    if params['is_offtrack'] or params['is_crashed'] or params['is_reversed'] is None:
        reward = -30.0
    elif not params['all_wheels_on_track']:
        reward -= 1.0
    return reward
