# Nothing but milestones: every 5 % of the lap pays once, the whole lap pays a lot.
reached = {"milestone": 0}


def reward_function(params):
    if params["steps"] <= 2:
        reached["milestone"] = 0
    reward = 0.0
    milestone = int(params["progress"] // 5)
    if milestone > reached["milestone"] and milestone <= 20:
        reward = 5.0 * (milestone - reached["milestone"])
        reached["milestone"] = milestone
    if params["progress"] == 100:
        reward += 100.0
    return reward
