from shapely.geometry import Point, LineString, Polygon
import math

line = None


def reward_function(params):
    global line
    if line is None:
        line = LineString(params['waypoints'])
    car = Point(params['x'], params['y'])
    where = line.project(car)
    ahead = line.interpolate((where + 0.8) % line.length)
    want = math.degrees(math.atan2(ahead.y - car.y, ahead.x - car.x))
    diff = (params['heading'] + params['steering_angle'] - want + 180) % 360 - 180
    body = Polygon([(car.x - .1, car.y - .1), (car.x + .1, car.y - .1), (car.x + .1, car.y + .1)])
    reward = math.cos(math.radians(diff)) if body.is_valid else 0.0
    return max(0.001, reward) if params['all_wheels_on_track'] else 0.001
