"""The body below a head, as garments need it: a smooth solid of chest, shoulders and hanging arms, hung from the eyes.

Coordinates are those of an average body in metres, axes of the head frame, the origin between the pupils. The
proportions are those of ANSUR II: acromion 0.18, neck's pit 0.20, armpit 0.30 and nipples 0.36 below the eyes, breadth
over the deltoids 0.48, chest 0.29 wide and 0.25 deep.
Source: Gordon et al. 2014, 2012 Anthropometric Survey of U.S. Army Personnel (ANSUR II), NATICK/TR-15/007; men and
women averaged. That the solid is made of capsules, and where these lie in depth, is ours.
"""

import numpy as np
from jaxtyping import Float

# Breadth over the acromia by breadth of the face (ANSUR II: men 0.416 / 0.142, women 0.365 / 0.133, about 2.85).
BIACROMIAL_BY_FACE_BREADTH = 2.85
BIACROMIAL_BREADTH_M = 0.395
# The radius by which two neighbouring parts melt into each other.
_MELT_M = 0.045
_DEPTH_BY_WIDTH = 0.72
_OUTSIDE_M = 0.5
_STEPS = 28


def body_distance_m(points_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Roughly the distance to the body's surface, metres, below 0 inside; it never exceeds the true one by much."""
    points = points_m.copy()
    points[:, 0] = np.abs(points[:, 0])
    flattened = (points - np.array([0.0, 0.0, -0.098])) * np.array([1.0, 1.0, 1.0 / _DEPTH_BY_WIDTH])
    chest = _capsule(flattened, (0.0, -0.345, 0.0), (0.0, -0.90, 0.0), 0.152, 0.150)
    breast = _capsule(points, (0.06, -0.35, -0.055), (0.095, -0.34, -0.07), 0.058, 0.05)
    yoke = _capsule(points, (0.03, -0.216, -0.130), (0.165, -0.246, -0.118), 0.040, 0.052)
    arm = _capsule(points, (0.180, -0.240, -0.118), (0.222, -0.54, -0.115), 0.056, 0.048)
    forearm = _capsule(points, (0.222, -0.54, -0.115), (0.215, -0.85, -0.06), 0.048, 0.04)
    neck = _capsule(points, (0.0, -0.12, -0.112), (0.0, -0.22, -0.122), 0.050, 0.050)
    trunk = _melted(_melted(_melted(chest, breast), yoke), neck)
    return _melted(trunk, np.minimum(arm, forearm))


def body_reach_m(origins_m: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """How far along each ray the body's outermost surface lies, metres; 0 where a ray misses the body."""
    reach = np.full(len(origins_m), _OUTSIDE_M)
    for _ in range(_STEPS):
        reach = np.maximum(reach - body_distance_m(origins_m + reach[:, None] * directions), 0.0)
    return reach


def _capsule(
    points: np.ndarray, start: tuple[float, ...], end: tuple[float, ...], start_radius_m: float, end_radius_m: float
) -> Float[np.ndarray, " n"]:
    first = np.asarray(start)
    axis = np.asarray(end) - first
    along = np.clip((points - first) @ axis / (axis @ axis), 0.0, 1.0)
    gap = np.linalg.norm(points - first - along[:, None] * axis, axis=1)
    return gap - (start_radius_m + (end_radius_m - start_radius_m) * along)


def _melted(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    overlap = np.maximum(_MELT_M - np.abs(first - second), 0.0)
    return np.minimum(first, second) - overlap * overlap / (4.0 * _MELT_M)
