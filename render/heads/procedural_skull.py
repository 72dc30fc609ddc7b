"""The mass of the procedural head: a smooth radial surface through anatomical points, nose and eyelids melted onto it.

Everything here is in millimetres in the head frame (x to the person's left, y up, z out of the face, origin between
the ears). A ray leaves CENTRE_MM at an azimuth (0 = straight ahead, positive to the person's left) and an elevation;
the surface is where the field changes sign along it. The points were placed by hand so that the distances between
landmarks meet the published norms that render/heads/norms.py names.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float

from render.heads.procedural_nose import blend, capsule, nose_mm
from render.heads.procedural_relief import relief_mm
from render.heads.smooth_field import smooth_field

CENTRE_MM = np.array([0.0, 5.0, 15.0])
EYE_CENTRE_MM = np.array([31.5, 17.5, 67.6])
EYE_RADIUS_MM = 12.2
LID_RADIUS_MM = 13.6
INNER_CANTHUS_MM = np.array([16.1, 15.0, 74.5])
OUTER_CANTHUS_MM = np.array([45.4, 17.4, 67.4])
# The point between the pupils, from which the points of the face below are measured.
PUPILS_MM = np.array([0.0, 17.5, 80.5])

# The face without nose, lids and lips, level by level: height over the pupils, then x and z from the point between
# them, for x >= 0.
_FACE_LEVELS_MM: dict[float, tuple[tuple[float, float], ...]] = {
    72: ((0, -5), (24, -10.5), (44, -28), (58, -52)),
    55: ((0, 3.5), (24, 0), (45, -15.5), (59, -36)),
    40: ((0, 8.5), (24, 5.5), (42, -6), (56, -21), (66, -44)),
    29: ((0, 10.8), (12, 10.4), (24, 8.4), (36, 3), (47, -6.5), (57, -19.5), (65.5, -39)),
    20: ((0, 10.8), (10, 10.8), (22, 8.8), (34, 4.9), (44, -0.8), (52.5, -9.7), (60, -23.5), (66.5, -41)),
    13: ((0, 8.3), (10, 7.6), (20, 5.3), (32, 2.8), (42, -1.4), (50.5, -9.0)),
    7: ((0, 5.5), (13, 3.2), (21, 1.4), (31, 0.6), (40, -2.6), (48, -8.0), (57, -18.5), (66.5, -39)),
    -1: ((0, 5.5), (11, 2.0), (16, -3.6), (31, -3.6), (42, -7), (48.5, -11.5), (57, -18.8), (63.5, -28), (68.5, -42)),
    -8: ((13, 1.0), (21, -1.6), (31, -1.0), (41, -4.8), (50, -12.2), (58.5, -20.5)),
    -16: ((0, 8), (16, -0.4), (24, -1.8), (32, -1.9), (41, -4.8), (51, -11.0), (60, -20.8), (67.5, -36.5)),
    -25: ((18, 1.8), (26, 0.8), (34, -0.7), (43, -4.0), (52, -9.4), (60.5, -18.8), (67.5, -35)),
    -34: ((0, 12), (20, 4.8), (28, 3.2), (36, 0.7), (45, -3.6), (54, -10.8), (62, -21.8), (67.5, -38.5)),
    -44: ((0, 15.4), (11, 13.6), (20, 7.2), (28, 4.6), (36, 1.3), (46, -4.8), (55, -14.2), (62, -26), (66.5, -43)),
    -54: ((0, 17.6), (12, 15.2), (22, 8.6), (30, 4.8), (40, -1.0), (50, -9.8), (58, -21.6), (63.8, -38.5)),
    -66: ((0, 16.4), (12, 14.0), (22, 8.4), (30, 4.4), (40, -2.6), (50, -12.6), (57.8, -26.5), (62, -45)),
    -78: ((0, 14.4), (12, 13.0), (22, 8.4), (30, 3.0), (40, -5.8), (49.5, -18), (56, -34), (58, -55)),
    -88: ((0, 10.3), (12, 9.6), (22, 6.2), (32, -1.4), (42, -12.5), (51, -30)),
    -98: ((0, 13.4), (10, 12.0), (19.5, 6.7), (29, -2.8), (38.5, -16.5), (46, -35)),
    -106: ((0, 13.2), (9.6, 11.2), (19, 4.2), (28.5, -9.0)),
    -112: ((0, 9.8), (9.6, 7.4), (18, -1.2)),
}  # fmt: skip
# Vault, back, sides and underside of the head, head frame.
_SHELL_POINTS_MM = np.array(
    [
        # middle line: vertex, back of the head
        (0, 136.5, -15), (0, 131, 25), (0, 113, 57), (0, 130, -52), (0, 108.5, -82), (0, 75, -97), (0, 42, -100),
        (0, 12, -96), (0, -18, -86), (0, -42, -76), (0, -64, -70),
        # forehead's corner and sides of the cranium
        (28, 112, 48), (45, 94, 50), (61, 68, 36), (64.2, 42, 36), (68.2, 36, 18), (73.6, 62, 0), (75.9, 50, -22),
        (75, 72, -22), (66.5, 94, -17), (49, 118, -15), (26, 133, -14), (74.5, 28, -14), (72.5, 8, -8), (73, 25, -42),
        (70, 50, -56), (55, 48, -82), (30, 44, -96), (60, 84, -50), (40.5, 101, -68), (55, 18, -76), (29, 10, -91),
        (66, -2, -46), (58, -30, -37), (48, -32, -58), (28, -38, -73), (56, 96, 12), (32, 121.5, 26), (60, 83, 32),
        # before and below the ear, angle of the jaw
        (70.5, 2, 10), (68.5, -20, 8), (64.5, -42, 6), (58, -44, -8), (57.5, -60, 10), (52.5, -64, -6),
        # lower border of the jaw from the chin to its angle, and what lies beneath
        (0, -98.5, 83.5), (12, -97, 79.5), (23, -93.7, 67), (33.8, -87.7, 52), (43.2, -79.7, 35), (50.5, -70.5, 16),
        (0, -97.5, 68), (13, -95.5, 62), (25, -90, 48), (35, -83, 32), (42, -75, 14), (44.5, -66, -8),
    ],
    dtype=float,
)  # fmt: skip


def direction_of(azimuth_deg: Float[np.ndarray, " n"], elevation_deg: Float[np.ndarray, " n"]) -> np.ndarray:
    """Unit vectors (n, 3) of rays from CENTRE_MM."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    level = np.cos(elevation)
    return np.stack([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)], axis=1)


def angles_of(points_mm: Float[np.ndarray, "n 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation in degrees, seen from CENTRE_MM."""
    x, y, z = (points_mm - CENTRE_MM).T
    return np.degrees(np.arctan2(x, z)), np.degrees(np.arctan2(y, np.hypot(x, z)))


def surface_points(azimuth_deg: Float[np.ndarray, " n"], elevation_deg: Float[np.ndarray, " n"]) -> np.ndarray:
    """Where the rays at these angles leave the head, (n, 3) in mm."""
    directions = direction_of(azimuth_deg, elevation_deg)
    radius = _head_radius_mm()(directions)
    return CENTRE_MM + _last_inside(directions, radius, radius - 15.0, radius + 45.0)[:, None] * directions


def front_points(x_mm: Float[np.ndarray, " n"], y_mm: Float[np.ndarray, " n"]) -> np.ndarray:
    """The surface straight behind each (x, y) of the front view, (n, 3) in mm."""
    low, high = np.full(x_mm.shape, 40.0), np.full(x_mm.shape, 140.0)
    for _ in range(22):
        middle = 0.5 * (low + high)
        points = np.stack([x_mm, y_mm, middle], axis=1)
        offsets = points - CENTRE_MM
        length = np.linalg.norm(offsets, axis=1)
        inside = _field(points, length, _head_radius_mm()(offsets / length[:, None])) < 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.stack([x_mm, y_mm, 0.5 * (low + high)], axis=1)


@cache
def _head_radius_mm() -> Callable[[np.ndarray], np.ndarray]:
    face = [(x, height, z) for height, places in _FACE_LEVELS_MM.items() for x, z in places]
    points = np.concatenate([np.array(face, dtype=float) + PUPILS_MM, _SHELL_POINTS_MM])
    both = np.concatenate([points, points[points[:, 0] > 0] * np.array([-1.0, 1.0, 1.0])])
    offsets = both - CENTRE_MM
    lengths = np.linalg.norm(offsets, axis=1)
    return smooth_field(offsets / lengths[:, None], lengths, smoothing=1e-3)


def _last_inside(
    directions: np.ndarray, radius: np.ndarray, near_mm: np.ndarray, far_mm: np.ndarray
) -> Float[np.ndarray, " n"]:
    low, high = near_mm, far_mm
    for _ in range(18):
        middle = 0.5 * (low + high)
        inside = _field(CENTRE_MM + middle[:, None] * directions, middle, radius) < 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return 0.5 * (low + high)


def _field(points: np.ndarray, length: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Below 0 inside. `length` and `radius` are the distances of the point and of the bare head from CENTRE_MM."""
    mirrored = np.concatenate([np.abs(points[:, :1]), points[:, 1:]], axis=1)
    from_pupils = mirrored - PUPILS_MM
    value = nose_mm(from_pupils, length - radius)
    return blend(value, _lids(mirrored), 4.5) - relief_mm(from_pupils)


def _lids(points: np.ndarray) -> np.ndarray:
    globe = np.linalg.norm(points - EYE_CENTRE_MM, axis=1) - LID_RADIUS_MM
    return blend(globe, capsule(points, INNER_CANTHUS_MM - [0, 0, 1.6], OUTER_CANTHUS_MM - [0, 0, 1.6], 1.6, 1.6), 2.5)
