"""Pay for each bit of the lap that is done, wherever on the road: nothing but the lap time counts."""

METRES_PER_REWARD = 0.267  # a step at 4 m/s, 15 times a second

previous_progress = 0.0


def reward_function(params):
    global previous_progress
    if params["steps"] <= 2:  # a new episode, in which nothing is gained yet
        previous_progress = params["progress"]
    gained = params["progress"] - previous_progress
    if gained < -50:  # the lap was completed and the next one has begun
        gained += 100
    previous_progress = params["progress"]

    if params["is_offtrack"]:
        return -3.0
    if not params["all_wheels_on_track"]:
        return -0.3
    return gained / 100 * params["track_length"] / METRES_PER_REWARD
