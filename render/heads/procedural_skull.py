"""The mass of the procedural head: a smooth radial surface through anatomical points, nose and eyelids melted onto it.

Everything here is in millimetres in the head frame (x to the person's left, y up, z out of the face, origin between
the ears). A ray leaves CENTRE_MM at an azimuth (0 = straight ahead, positive to the person's left) and an elevation;
the surface is where the field changes sign along it. The points were placed by hand so that the distances between
landmarks meet the published norms that tests/render/heads/test_procedural.py names.
"""

from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.interpolate import RBFInterpolator

CENTRE_MM = np.array([0.0, 5.0, 15.0])
EYE_CENTRE_MM = np.array([31.5, 17.5, 67.6])
EYE_RADIUS_MM = 12.2
LID_RADIUS_MM = 13.6
INNER_CANTHUS_MM = np.array([16.4, 15.0, 74.5])
OUTER_CANTHUS_MM = np.array([45.0, 17.2, 67.6])

# Points of the head without nose, lids and lips; x >= 0, mirrored for the other side.
_HEAD_POINTS_MM = np.array(
    [
        # middle line: vertex to brow
        (0, 130, -12), (0, 127, 25), (0, 114, 58), (0, 94, 80), (0, 72, 91.5), (0, 54, 95), (0, 40, 95.2),
        (0, 27, 88), (0, 8, 85), (0, -14, 88), (0, -27, 96),
        # muzzle and chin
        (0, -37, 99), (0, -48, 98), (0, -57, 95.5), (0, -66, 90), (0, -74, 92.5), (0, -82, 94.5), (0, -90, 91.5),
        (0, -96.5, 83), (0, -99, 70),
        # back of the head
        (0, 125, -52), (0, 106, -82), (0, 75, -97), (0, 42, -100), (0, 12, -96), (0, -18, -86), (0, -42, -76),
        (0, -64, -70),
        # forehead
        (25, 70, 88.5), (24, 53, 92), (20, 41, 94), (26, 93, 75.5), (28, 113, 51), (45, 72, 76), (47, 52, 80),
        (46, 41, 82.5), (54, 39, 71), (58, 33, 61), (45, 96, 55),
        # temples and sides of the cranium
        (60, 58, 58), (65, 70, 38), (65, 42, 45), (69, 38, 22), (74, 62, 2), (76, 50, -20), (75, 72, -20),
        (66, 94, -17), (48, 115, -15), (25, 127, -13), (74.5, 28, -12), (71.5, 8, -6), (73, 25, -42), (70, 50, -56),
        (55, 48, -82), (30, 44, -96), (60, 84, -50), (40, 100, -68), (55, 18, -76), (29, 10, -91), (64, -2, -48),
        (57, -30, -35), (48, -32, -58), (28, -38, -73), (56, 98, 14), (32, 120, 28), (61, 85, 35),
        # orbit: rim above, hollow below it, floor
        (20, 34.5, 90.5), (32, 36, 87.5), (43, 34, 80.5), (50.5, 27, 70.5), (20, 27, 82.5), (30, 28.5, 81.5),
        (40, 27, 75.5), (31, 17, 74), (22, 16, 75.5), (42, 17, 67), (13, 21, 80.5), (12.5, 11, 80.5),
        (21, 4, 79), (32, 2.5, 78.5), (42, 5, 73.5), (51, 14, 65.5),
        # cheekbone and cheek
        (33, -10, 82), (46, -6, 76), (57, -3, 61), (64.5, 0, 45), (68.3, 0, 28), (70.5, 2, 8), (20, -6, 83.5),
        (20, -20, 88), (30, -25, 85), (40, -27, 77.5), (51, -27, 64.5), (60, -26, 47), (65.5, -25, 25), (66.5, -22, 4),
        # beside the mouth
        (15, -37, 96.5), (26, -37, 88), (15, -49, 94.5), (24, -49, 87), (33, -50, 80), (43, -50, 69), (53, -49, 51),
        (60.5, -47, 28), (61, -42, 4), (13, -59, 92.5), (24, -62, 85),
        # jaw
        (12, -80, 92), (21, -75, 86), (22, -88, 81), (35, -70, 74), (35, -82, 69.5), (45, -66, 57), (44.5, -77, 52),
        (53, -61, 36), (54.5, -61, 13), (57, -40, -10), (14, -95.5, 77), (29, -92, 64), (39, -86, 48), (47, -77, 29),
        (50.5, -70, 10), (12, -98, 67), (28, -94, 54), (38, -88, 36), (45, -80, 14),
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


def blend(first: np.ndarray, second: np.ndarray, width_mm: float) -> np.ndarray:
    """The smaller of two distances, with the corner between them rounded over `width_mm` (a smooth union)."""
    overlap = np.clip(0.5 + 0.5 * (second - first) / width_mm, 0.0, 1.0)
    return second + (first - second) * overlap - width_mm * overlap * (1.0 - overlap)


@cache
def _head_radius_mm() -> RBFInterpolator:
    both = np.concatenate([_HEAD_POINTS_MM, _HEAD_POINTS_MM[_HEAD_POINTS_MM[:, 0] > 0] * np.array([-1.0, 1.0, 1.0])])
    offsets = both - CENTRE_MM
    lengths = np.linalg.norm(offsets, axis=1)
    return RBFInterpolator(offsets / lengths[:, None], lengths, kernel="cubic", smoothing=2e-4)


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
    value = blend(length - radius, _nose(mirrored), 9.0)
    return blend(value, _lids(mirrored), 2.4) + _grooves(mirrored)


def _grooves(points: np.ndarray) -> np.ndarray:
    """Depth in mm of the philtrum between its two ridges and of the fold over the upper lid (x folded to >= 0)."""
    x, y, z = points.T
    below_nose = np.exp(-(((y + 35.5) / 5.5) ** 2)) * (z > 85.0)
    philtrum = 1.0 * np.exp(-((x / 2.6) ** 2)) - 0.6 * np.exp(-(((x - 5.2) / 2.2) ** 2))
    fold_line = 26.2 - 0.020 * (x - 29.0) ** 2
    along = np.clip((x - 17.0) / 6.0, 0.0, 1.0) * np.clip((47.0 - x) / 6.0, 0.0, 1.0) * (z > 55.0)
    fold = 1.1 * along * np.exp(-(((y - fold_line) / 1.5) ** 2))
    return below_nose * philtrum + fold


def _lids(points: np.ndarray) -> np.ndarray:
    globe = np.linalg.norm(points - EYE_CENTRE_MM, axis=1) - LID_RADIUS_MM
    return blend(globe, _capsule(points, INNER_CANTHUS_MM - [0, 0, 1.6], OUTER_CANTHUS_MM - [0, 0, 1.6], 1.6, 1.6), 2.5)


def _nose(points: np.ndarray) -> np.ndarray:
    """Distance to the nose: a bridge that widens to a tip, wings beside it and a columella below (x folded to >= 0)."""
    bridge = _capsule(points, np.array([0.0, 26.0, 82.5]), np.array([0.0, 6.0, 92.0]), 6.6, 7.6)
    dorsum = _capsule(points, np.array([0.0, 6.0, 92.0]), np.array([0.0, -12.5, 104.5]), 7.6, 8.6)
    tip = _ellipsoid(points, np.array([2.6, -15.0, 108.8]), np.array([8.4, 8.2, 8.6]))
    wing = _ellipsoid(points, np.array([11.4, -19.6, 98.0]), np.array([6.0, 7.0, 10.0]))
    columella = _capsule(points, np.array([0.0, -25.5, 97.0]), np.array([0.0, -20.5, 108.5]), 3.2, 3.8)
    # Without the core a hollow between nose and face would catch the search for the surface.
    core = _capsule(points, np.array([0.0, 20.0, 78.0]), np.array([0.0, -15.0, 96.0]), 4.0, 6.5)
    value = np.minimum(blend(blend(bridge, dorsum, 5.0), tip, 6.0), core)
    return blend(blend(value, columella, 4.0), wing, 3.2)


def _capsule(
    points: np.ndarray, start: np.ndarray, end: np.ndarray, start_radius: float, end_radius: float
) -> np.ndarray:
    axis = end - start
    along = np.clip((points - start) @ axis / (axis @ axis), 0.0, 1.0)
    gap = np.linalg.norm(points - start - along[:, None] * axis, axis=1)
    return gap - (start_radius + (end_radius - start_radius) * along)


def _ellipsoid(points: np.ndarray, centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    scaled = (points - centre) / radii
    norm = np.linalg.norm(scaled, axis=1)
    slope = np.linalg.norm(scaled / radii, axis=1)
    return norm * (norm - 1.0) / np.maximum(slope, 1e-9)
