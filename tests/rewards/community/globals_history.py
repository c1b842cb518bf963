import math

history = []
last_progress = 0
total_laps = 0


def reward_function(params):
    global last_progress, total_laps
    if params['steps'] <= 2:
        history.clear()
        last_progress = 0
    history.append((params['x'], params['y'], params['steering_angle']))
    del history[:-10]

    gain = params['progress'] - last_progress
    last_progress = params['progress']
    if params['progress'] >= 100:
        total_laps += 1

    zigzag = sum(abs(history[i][2] - history[i - 1][2]) for i in range(1, len(history)))
    reward = max(gain, 0) * 10 * math.exp(-zigzag / 100.0)
    return float(max(reward, 1e-3) if not params['is_offtrack'] else 1e-3)
