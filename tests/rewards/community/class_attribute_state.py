class STATE:
    prev_speed = None
    prev_steering_angle = None
    prev_steps = None


def reward_function(params):
    steps, speed, steering = params['steps'], params['speed'], params['steering_angle']

    if STATE.prev_steps is None or steps < STATE.prev_steps:
        STATE.prev_speed = None
        STATE.prev_steering_angle = None

    slowing = STATE.prev_speed is not None and STATE.prev_speed > speed
    steadier = STATE.prev_steering_angle is not None and abs(steering) <= abs(STATE.prev_steering_angle)

    reward = 1.0 if params['all_wheels_on_track'] else 0.01
    if slowing:
        reward *= min(speed / STATE.prev_speed, 1.0)
    if steadier:
        reward *= 1.2

    STATE.prev_speed = speed
    STATE.prev_steering_angle = steering
    STATE.prev_steps = steps
    return reward
