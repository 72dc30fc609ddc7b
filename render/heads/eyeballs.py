"""Where the iris is painted: texture coordinates of eyeballs, and of eyes that are part of the skin.

Both are laid out as render.heads.model says: the pupil at (0.5, 0.5), the limbus at LIMBUS_RADIUS_UV around it.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from render.heads.model import LIMBUS_RADIUS_M, LIMBUS_RADIUS_UV

PUPIL_UV = np.array([0.5, 0.5])
# The face looks along +z, and so do eyes at rest.
FORWARD = np.array([0.0, 0.0, 1.0])
# A point of an eye lies at most this far behind the outline of the lids, in distances between the eyes.
_EYE_DEPTH = 0.25


def eyeball_uvs(
    points_m: Float[np.ndarray, "c 3"],
    centre_m: Float[np.ndarray, "3"],
    *,
    limbus_rad: float,
    axis: Float[np.ndarray, "3"] = FORWARD,
) -> Float[np.ndarray, "c 2"]:
    """Coordinates by the angle from the optical axis, which grows all the way to the back of the eye.

    `limbus_rad` is the angle at which the limbus lies (see `limbus_angle_rad`).
    """
    left = np.array([1.0, 0.0, 0.0]) - axis[0] * axis
    left /= np.linalg.norm(left)
    off_m = points_m - centre_m
    aside_m = np.stack([off_m @ left, off_m @ np.cross(axis, left)], axis=1)
    length_m = np.linalg.norm(aside_m, axis=1)
    angle_rad = np.arctan2(length_m, off_m @ axis)
    radius_uv = LIMBUS_RADIUS_UV * angle_rad / limbus_rad
    return PUPIL_UV + aside_m * (radius_uv / np.maximum(length_m, 1e-12))[:, None]


def limbus_angle_rad(points_m: Float[np.ndarray, "c 3"], centre_m: Float[np.ndarray, "3"]) -> float:
    """The angle between optical axis and limbus on a round eyeball with these vertices."""
    radius_m = float(np.median(np.linalg.norm(points_m - centre_m, axis=1)))
    return float(np.arcsin(min(LIMBUS_RADIUS_M / radius_m, 1.0)))


def front_vertex(
    vertices_m: Float[np.ndarray, "n 3"], members: Int[np.ndarray, " m"], centre_m: Float[np.ndarray, "3"]
) -> int:
    """The vertex out of `members` that lies closest to the optical axis before the centre: the pupil."""
    off_m = vertices_m[members].astype(np.float64) - centre_m
    angle_rad = np.arctan2(np.hypot(off_m[:, 0], off_m[:, 1]), off_m[:, 2])
    return int(members[np.argmin(angle_rad)])


def within_lids(
    points_m: Float[np.ndarray, "n 3"], outline_m: Float[np.ndarray, "6 3"], eye_distance_m: float
) -> Bool[np.ndarray, " n"]:
    """Which points lie within the outline of the lids (landmarks 36-41 or 42-47), seen from the front."""
    x, y = points_m[:, 0], points_m[:, 1]
    inside = np.zeros(len(points_m), dtype=bool)
    for start, end in zip(outline_m, np.roll(outline_m, -1, axis=0), strict=True):
        crosses = (start[1] > y) != (end[1] > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            at_x = start[0] + (end[0] - start[0]) * (y - start[1]) / (end[1] - start[1])
        inside ^= crosses & (x < at_x)
    return inside & (points_m[:, 2] > outline_m[:, 2].min() - _EYE_DEPTH * eye_distance_m)


def flat_eye_uvs(points_m: Float[np.ndarray, "c 3"], centre_m: Float[np.ndarray, "3"]) -> Float[np.ndarray, "c 2"]:
    """Coordinates of an eye that is part of the skin: the iris projected straight from the front."""
    return PUPIL_UV + (points_m[:, :2] - centre_m[:2]) * (LIMBUS_RADIUS_UV / LIMBUS_RADIUS_M)
