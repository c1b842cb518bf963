import math


class Reward:
    instance = None

    def __init__(self):
        self.best = {}
        self.lap = 0

    def __call__(self, params):
        steps, progress = params["steps"], params["progress"]
        if steps <= 2:
            self.lap += 1
            self.best = {}
        # self motivator: progress per step, squared, from the tenth step on
        pace = max(progress, 0) / max(steps - 1, 1)
        band = int(progress) // 10
        bonus = 0 if band in self.best else 2
        self.best.setdefault(band, steps)
        reward = 1e-3 + min(40 * pace ** 2, 50) + bonus
        if not params["all_wheels_on_track"]:
            reward = 1e-3
        return math.fsum([reward])


def reward_function(params):
    if Reward.instance is None:
        Reward.instance = Reward()
    return Reward.instance(params)
