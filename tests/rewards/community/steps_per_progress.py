def reward_function(params):
    TOTAL_NUM_STEPS = 300
    reward = 1e-3
    if params["all_wheels_on_track"] and params["steps"] > 0:
        reward = ((params["progress"] / params["steps"]) * 100) + (params["speed"] ** 2)
    if (params['steps'] % 100) == 0 and params['progress'] > (params['steps'] / TOTAL_NUM_STEPS) * 100:
        reward += 10.0
    return float(reward)
