"""The car as a PyBullet multibody: a chassis, two steering hinges and four wheels on the ground."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from .chassis import (
    BODY_LENGTH,
    BODY_WIDTH,
    CHASSIS_INERTIA,
    CHASSIS_MASS,
    COG_HEIGHT,
    FRONT_AXLE,
    FRONT_HALF_TRACK,
    GRAVITY,
    HINGE_MASS,
    MASS,
    REAR_AXLE,
    REAR_HALF_TRACK,
    WHEEL_INERTIA,
    WHEEL_MASS,
    WHEEL_RADIUS,
)

REAR_WHEELS: Final = (0, 1)
"""Joints of the rear wheels, left and right."""
HINGES: Final = (2, 4)
"""Joints that steer, left and right."""
FRONT_WHEELS: Final = (3, 5)
"""Joints of the front wheels, left and right."""
WHEEL_JOINTS: Final = REAR_WHEELS + FRONT_WHEELS
JOINTS: Final = tuple(sorted(WHEEL_JOINTS + HINGES))

_CHASSIS_HEIGHT: Final = (MASS * COG_HEIGHT - (MASS - CHASSIS_MASS) * WHEEL_RADIUS) / CHASSIS_MASS
_HULL: Final = (0.03, 0.12)  # lowest and highest point of the car's body that touches objects [m]
_SOLVER_ITERATIONS: Final = 20
_SETTLING_STEPS: Final = 120
# Rigid wheels on rigid ground leave open which axle takes the roll moment, as four legs of a table do.
# PyBullet's solver then gives all of it to the wheels that it meets first. A tyre that yields a little
# (0.05 mm under the car's weight, critically damped) settles it by statics, whatever the substep and the
# order.
_TYRE_STIFFNESS: Final = 4e5  # [N/m]
_TYRE_DAMPING: Final = 2e3  # [N s/m]
_HINGE_INERTIA: Final = (1e-4, 1e-4, 1e-4)  # the URDF's 4e-6 is too little for the solver [kg m^2]


def build_car(bullet: ModuleType, client: int, dt: float, *, hull: bool = False) -> int:
    """Build ground and car at the origin, facing +x, and let the car settle.

    Args:
        bullet: PyBullet.
        client: Its client.
        dt: Time of a step [s].
        hull: Whether the car's body can touch anything; without objects its wheels alone do.

    Returns:
        The body's id.
    """
    bullet.setGravity(0.0, 0.0, -GRAVITY, physicsClientId=client)
    bullet.setPhysicsEngineParameter(
        fixedTimeStep=dt,
        numSolverIterations=_SOLVER_ITERATIONS,
        deterministicOverlappingPairs=1,
        enableConeFriction=1,  # else the limit of grip is a square, 1.4 times mu in its corners
        physicsClientId=client,
    )
    # A plane shape costs less than plane.urdf's mesh.
    plane = bullet.createCollisionShape(bullet.GEOM_PLANE, physicsClientId=client)
    ground = bullet.createMultiBody(0.0, plane, physicsClientId=client)
    bullet.changeDynamics(ground, -1, lateralFriction=1.0, physicsClientId=client)
    body = _create(bullet, client, hull)
    _tune(bullet, client, body)
    for _ in range(_SETTLING_STEPS):
        bullet.stepSimulation(physicsClientId=client)
    return body


def _hull(bullet: ModuleType, client: int) -> int:
    """The shape of the car's body: the rectangle of the rule for crashes, clear of the ground."""
    low, high = _HULL
    return int(
        bullet.createCollisionShape(
            bullet.GEOM_BOX,
            halfExtents=(BODY_LENGTH / 2, BODY_WIDTH / 2, (high - low) / 2),
            collisionFramePosition=(0.0, 0.0, (low + high) / 2 - _CHASSIS_HEIGHT),
            physicsClientId=client,
        )
    )


def _create(bullet: ModuleType, client: int, hull: bool) -> int:
    # Spheres touch at one point: without the scrub and jumping contacts of a cylinder's edge, they converge.
    wheel = bullet.createCollisionShape(bullet.GEOM_SPHERE, radius=WHEEL_RADIUS, physicsClientId=client)
    z = WHEEL_RADIUS - _CHASSIS_HEIGHT
    axle, upright = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    revolute = bullet.JOINT_REVOLUTE
    # Position, parent (0: base, k: link k - 1), mass, shape, axis; PyBullet numbers the joints depth first.
    links = [
        ((REAR_AXLE, REAR_HALF_TRACK, z), 0, WHEEL_MASS, wheel, axle),
        ((REAR_AXLE, -REAR_HALF_TRACK, z), 0, WHEEL_MASS, wheel, axle),
        ((FRONT_AXLE, FRONT_HALF_TRACK, z), 0, HINGE_MASS, -1, upright),
        ((0.0, 0.0, 0.0), 3, WHEEL_MASS, wheel, axle),
        ((FRONT_AXLE, -FRONT_HALF_TRACK, z), 0, HINGE_MASS, -1, upright),
        ((0.0, 0.0, 0.0), 5, WHEEL_MASS, wheel, axle),
    ]
    count = len(links)
    positions, parents, masses, shapes, axes = (list(column) for column in zip(*links, strict=True))
    return int(
        bullet.createMultiBody(
            baseMass=CHASSIS_MASS,
            baseCollisionShapeIndex=_hull(bullet, client) if hull else -1,
            basePosition=(0.0, 0.0, _CHASSIS_HEIGHT),
            linkMasses=masses,
            linkCollisionShapeIndices=shapes,
            linkVisualShapeIndices=[-1] * count,
            linkPositions=positions,
            linkOrientations=[(0.0, 0.0, 0.0, 1.0)] * count,
            linkInertialFramePositions=[(0.0, 0.0, 0.0)] * count,
            linkInertialFrameOrientations=[(0.0, 0.0, 0.0, 1.0)] * count,
            linkParentIndices=parents,
            linkJointTypes=[revolute] * count,
            linkJointAxis=axes,
            physicsClientId=client,
        )
    )


def _tune(bullet: ModuleType, client: int, body: int) -> None:
    """Set what `createMultiBody` guesses or damps."""
    # Damping and joint speed limit hold for the whole body. Given with a link's inertia in one call, PyBullet
    # would set the base's inertia in place of the link's.
    bullet.changeDynamics(
        body, -1, linearDamping=0.0, angularDamping=0.0, maxJointVelocity=1000.0, physicsClientId=client
    )
    inertias = {-1: CHASSIS_INERTIA, **dict.fromkeys(WHEEL_JOINTS, WHEEL_INERTIA)}
    inertias |= dict.fromkeys(HINGES, _HINGE_INERTIA)
    for link, inertia in inertias.items():
        bullet.changeDynamics(body, link, localInertiaDiagonal=inertia, physicsClientId=client)
    for joint in WHEEL_JOINTS:
        bullet.changeDynamics(
            body,
            joint,
            contactStiffness=_TYRE_STIFFNESS,
            contactDamping=_TYRE_DAMPING,
            physicsClientId=client,
        )
    for joint in (*WHEEL_JOINTS, *HINGES):
        bullet.changeDynamics(body, joint, jointDamping=0.0, physicsClientId=client)
