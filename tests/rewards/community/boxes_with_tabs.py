import math

def reward_function(params):
	"""avoid the boxes, else stay in your lane"""
	reward = 1e-3
	if params["all_wheels_on_track"]:
		reward = 1.0
	nearest = params["closest_objects"][1]
	if len(params["objects_location"]) > 0:
		x, y = params["objects_location"][nearest]
		gap = math.sqrt((params["x"] - x) ** 2 + (params["y"] - y) ** 2)
		same_lane = params["objects_left_of_center"][nearest] == params["is_left_of_center"]
		if same_lane and 0.5 <= gap < 0.8:
			reward *= 0.5
		elif same_lane and gap < 0.5:
			reward = 1e-3
	return float(reward)
