"""Keep to the centre line: full pay in the middle, none at the border."""


def reward_function(params):
    if not params["all_wheels_on_track"]:
        return 1e-3
    offset = params["distance_from_center"] / (0.5 * params["track_width"])
    return max(1e-3, 1.0 - offset**2)
