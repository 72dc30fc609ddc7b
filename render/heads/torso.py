"""The body below a head, as garments need it: a smooth solid of chest, shoulders and hanging arms, hung from the eyes.

Coordinates are those of an average body in metres, axes of the head frame, the origin between the pupils. Below the
eyes lie roughly: acromion and the neck's pit 0.20, armpit 0.30, nipples 0.35; the chest is 0.29 wide and 0.25 deep.
Source: rounded from single men of the public table of ANSUR II (Gordon et al. 2014, 2012 Anthropometric Survey of U.S.
Army Personnel, NATICK/TR-15/007), not from its means. The shoulders are ours: narrower than those men's 0.51 over the
deltoids, because women wear the garments too. So is the solid itself, made of capsules, and where these lie in depth.
"""

from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

# Breadth over the acromia by breadth of the face at the cheekbones (ours; the same men lie at about 2.9).
BIACROMIAL_BY_FACE_BREADTH = 2.85
BIACROMIAL_BREADTH_M = 0.395
# The top of the chest, from which the body is seen as a distance along rays.
CHEST_M = np.array([0.0, -0.30, -0.117])
# An elevation of one radian counts as much as this height, so that rows stay even where they change their meaning.
HEIGHT_PER_RADIAN_M = 0.25
_PLACES = (-2.1, 1.45)
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
    # Flattening overstates distances in depth; shrunk again, none is overstated by more than a quarter.
    chest = 0.9 * _capsule(flattened, (0.0, -0.365, 0.0), (0.0, -0.90, 0.0), 0.146, 0.142)
    breast = _capsule(points, (0.055, -0.35, -0.060), (0.095, -0.34, -0.075), 0.055, 0.047)
    back = _capsule(points, (0.03, -0.210, -0.138), (0.075, -0.33, -0.132), 0.052, 0.077)
    yoke = _capsule(points, (0.03, -0.216, -0.130), (0.165, -0.264, -0.120), 0.036, 0.050)
    arm = _capsule(points, (0.178, -0.274, -0.120), (0.206, -0.54, -0.120), 0.054, 0.046)
    forearm = _capsule(points, (0.206, -0.54, -0.120), (0.205, -0.85, -0.06), 0.046, 0.038)
    neck = _capsule(points, (0.0, -0.12, -0.112), (0.0, -0.22, -0.122), 0.050, 0.050)
    trunk = _melted(_melted(_melted(_melted(chest, breast), back), yoke), neck)
    return _melted(trunk, np.minimum(arm, forearm), within_m=0.026)


def body_reach_m(azimuth: Float[np.ndarray, " *q"], place: Float[np.ndarray, " *q"]) -> Float[np.ndarray, " *q"]:
    """How far along each ray (see `body_rays`) the body's outermost surface lies, metres."""
    turned = np.abs((azimuth + np.pi) % (2 * np.pi) - np.pi) / np.pi
    level = (np.clip(place, *_PLACES) - _PLACES[0]) / (_PLACES[1] - _PLACES[0])
    table = _reach_table()
    spots = [level * (table.shape[0] - 1), turned * (table.shape[1] - 1)]
    return map_coordinates(table, spots, order=1, mode="nearest")


def body_rays(
    azimuth: Float[np.ndarray, " *q"], place: Float[np.ndarray, " *q"], chest_m: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, "*q 3"], Float[np.ndarray, "*q 3"]]:
    """Origins and unit directions of rays out of the middle of the chest.

    Azimuth is 0 in front and rises over the person's left. A `place` above 0 is an elevation in radians; below 0 the
    ray is level and starts lower by HEIGHT_PER_RADIAN_M for each radian.
    """
    elevation = np.maximum(place, 0.0)
    level = np.cos(elevation)
    directions = np.stack([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)], axis=-1)
    drop_m = np.minimum(place, 0.0) * HEIGHT_PER_RADIAN_M
    return chest_m + drop_m[..., None] * np.array([0.0, 1.0, 0.0]), directions


def place_on_rays(
    points_m: Float[np.ndarray, "n 3"], chest_m: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Azimuth, place and distance along the ray of each point: the inverse of `body_rays`."""
    x, y, z = (points_m - chest_m).T
    across = np.hypot(x, z)
    place = np.where(y > 0, np.arctan2(y, across), y / HEIGHT_PER_RADIAN_M)
    return np.arctan2(x, z), place, np.where(y > 0, np.hypot(across, y), across)


@cache
def _reach_table() -> Float[np.ndarray, "p a"]:
    place, azimuth = np.meshgrid(np.linspace(*_PLACES, 160), np.linspace(0.0, np.pi, 73), indexing="ij")
    origins, directions = (values.reshape(-1, 3) for values in body_rays(azimuth, place, CHEST_M))
    reach = np.full(len(origins), _OUTSIDE_M)
    for _ in range(_STEPS):
        reach = np.maximum(reach - 0.8 * body_distance_m(origins + reach[:, None] * directions), 0.0)
    return reach.reshape(place.shape)


def _capsule(
    points: np.ndarray, start: tuple[float, ...], end: tuple[float, ...], start_radius_m: float, end_radius_m: float
) -> Float[np.ndarray, " n"]:
    first = np.asarray(start)
    axis = np.asarray(end) - first
    along = np.clip((points - first) @ axis / (axis @ axis), 0.0, 1.0)
    gap = np.linalg.norm(points - first - along[:, None] * axis, axis=1)
    return gap - (start_radius_m + (end_radius_m - start_radius_m) * along)


def _melted(
    first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"], *, within_m: float = _MELT_M
) -> Float[np.ndarray, " n"]:
    overlap = np.maximum(within_m - np.abs(first - second), 0.0)
    return np.minimum(first, second) - overlap * overlap / (4.0 * within_m)
