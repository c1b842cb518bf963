"""Name what you pay for: the sum of the terms is the reward, and each gets a curve in the training log."""


def reward_function(params):
    on_track = params["all_wheels_on_track"]
    offset = params["distance_from_center"] / (0.5 * params["track_width"])
    return {
        "centre": 0.7 * max(0.0, 1.0 - offset**2) if on_track else 1e-3,
        "speed": 0.2 * min(params["speed"], 3.0) / 3.0 if on_track else 0.0,
        "steady": 0.1 if on_track and abs(params["steering_angle"]) < 15 else 0.0,
    }
