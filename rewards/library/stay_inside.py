"""Stay between the borders, with a hand's breadth to spare, and do not crawl."""


def reward_function(params):
    if not params["all_wheels_on_track"]:
        return 1e-3
    to_border = 0.5 * params["track_width"] - params["distance_from_center"]
    reward = 0.5 + 0.25 * min(params["speed"], 2.0)
    if to_border < 0.1:
        reward *= 0.3
    return reward
