"""Pay for each bit of the lap that is done, most near the centre line: quick, safe laps (the default)."""

METRES_PER_REWARD = 0.1  # a step at 1.5 m/s, 15 times a second

previous_progress = 0.0


def reward_function(params):
    global previous_progress
    if params["steps"] <= 2:  # a new episode, in which nothing is gained yet
        previous_progress = params["progress"]
    gained = params["progress"] - previous_progress
    if gained < -50:  # the lap was completed and the next one has begun
        gained += 100
    previous_progress = params["progress"]

    if not params["all_wheels_on_track"]:
        return -1.0
    metres = gained / 100 * params["track_length"]
    offset = params["distance_from_center"] / (0.5 * params["track_width"])
    return metres / METRES_PER_REWARD * max(0.0, 1.0 - 0.5 * offset**2)
