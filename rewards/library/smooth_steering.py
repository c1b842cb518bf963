"""Keep to the centre line without zigzag: steering that jumps from step to step pays less."""

previous_steering = 0.0


def reward_function(params):
    global previous_steering
    if params["steps"] <= 2:  # a new episode
        previous_steering = params["steering_angle"]
    jump = abs(params["steering_angle"] - previous_steering)
    previous_steering = params["steering_angle"]

    if not params["all_wheels_on_track"]:
        return 1e-3
    offset = params["distance_from_center"] / (0.5 * params["track_width"])
    smooth = 1.0 - 0.5 * min(1.0, jump / 30)
    return max(1e-3, smooth * (1.0 - 0.8 * offset**2))
