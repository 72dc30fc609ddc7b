"""The nose of the procedural head as a solid: pyramid, tip, wings and columella melted together and onto the face.

Coordinates are millimetres from the point between the pupils, x folded to >= 0; ours, after the norms for length,
breadth and protrusion that render/heads/norms.py names.
"""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

# Down the back of the nose: height, how far it stands out, the radius of its roundness, and the slope of its sides.
_BACK_MM = np.array(
    [
        (14, 6.0, 9.0, 1.10), (8, 7.6, 6.5, 1.30), (3, 9.2, 5.0, 1.45), (-2, 12.0, 4.6, 1.55), (-9, 17.8, 4.8, 1.60),
        (-16, 23.2, 5.0, 1.62), (-23, 27.4, 5.4, 1.66), (-29, 30.2, 6.0, 1.72), (-35, 31.2, 6.6, 1.76),
        (-41, 26.0, 6.5, 1.90),
    ]
)  # fmt: skip
_PYRAMID_ENDS_MM = (-36.0, -43.0)


def nose_mm(points: Float[np.ndarray, "n 3"], face: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The field of face and nose together, below 0 inside; `face` is that of the bare face."""
    x, y, z = points.T
    height = np.clip(y, _BACK_MM[-1, 0], _BACK_MM[0, 0])
    out, round_mm, slope = CubicSpline(_BACK_MM[::-1, 0], _BACK_MM[::-1, 1:])(height).T
    pyramid = 0.75 * (z - out + slope * (np.hypot(x, round_mm) - round_mm))
    # Beside itself and behind the face there is no nose.
    pyramid = np.maximum(np.maximum(pyramid, x - 24.0), -12.0 - z)
    # Below the tip and above the root the pyramid ends.
    pyramid = pyramid + 1.2 * np.maximum(_PYRAMID_ENDS_MM[0] - y, 0.0) + 0.6 * np.maximum(y - 12.0, 0.0)
    tip = blend(
        ellipsoid(points, np.array([3.8, -35.0, 26.0]), np.array([6.2, 7.4, 7.8])),
        ellipsoid(points, np.array([0.0, -35.2, 25.6]), np.array([7.6, 8.2, 9.4])),
        3.0,
    )
    wing = ellipsoid(points, np.array([11.7, -35.0, 17.0]), np.array([6.4, 6.6, 10.2]))
    behind_wing = ellipsoid(points, np.array([13.3, -38.0, 11.2]), np.array([4.5, 6.0, 7.2]))
    columella = capsule(points, np.array([0.0, -43.8, 14.0]), np.array([0.0, -41.6, 27.4]), 2.6, 3.0)
    lobule = blend(blend(pyramid, tip, 4.0), columella, 3.2)
    lobule = blend(lobule, blend(wing, behind_wing, 3.0), 2.0)
    return blend(face, lobule, 4.0 + 4.5 * np.clip((y + 34.0) / 14.0, 0.0, 1.0))


def blend(first: np.ndarray, second: np.ndarray, width_mm: np.ndarray | float) -> np.ndarray:
    """The smaller of two distances, with the corner between them rounded over `width_mm` (a smooth union)."""
    overlap = np.clip(0.5 + 0.5 * (second - first) / width_mm, 0.0, 1.0)
    return second + (first - second) * overlap - width_mm * overlap * (1.0 - overlap)


def capsule(
    points: np.ndarray, start: np.ndarray, end: np.ndarray, start_radius: float, end_radius: float
) -> np.ndarray:
    """Distance to a rod with round ends whose radius changes along its axis."""
    axis = end - start
    along = np.clip((points - start) @ axis / (axis @ axis), 0.0, 1.0)
    gap = np.linalg.norm(points - start - along[:, None] * axis, axis=1)
    return gap - (start_radius + (end_radius - start_radius) * along)


def ellipsoid(points: np.ndarray, centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Roughly the distance to an ellipsoid along the axes."""
    scaled = (points - centre) / radii
    norm = np.linalg.norm(scaled, axis=1)
    slope = np.linalg.norm(scaled / radii, axis=1)
    return norm * (norm - 1.0) / np.maximum(slope, 1e-9)
