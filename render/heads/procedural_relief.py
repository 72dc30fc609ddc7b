"""Folds and cushions of the procedural face: how far the skin rises over the smooth mass, or sinks under it.

Coordinates are millimetres from the point between the pupils, x folded to >= 0; ours, from anatomy books and mirrors.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

# Cushions and hollows: centre, standard deviations along x, y and z, and height (below 0: depth), mm.
_CUSHIONS_MM = (
    ((8.0, 19.5, 11.0), (7.0, 5.0, 15.0), 0.7),       # inner end of the brow
    ((30.0, 19.0, 7.0), (15.0, 4.5, 15.0), 0.5),      # ridge above the eye
    ((13.5, 3.0, 2.0), (3.6, 6.0, 12.0), -1.4),       # hollow between the eye and the root of the nose
    ((40.0, -17.0, -4.0), (11.0, 8.0, 15.0), 1.8),    # cheekbone
    ((29.0, -36.0, 2.0), (7.5, 10.0, 15.0), 1.3),     # cheek that hangs over the fold beside the nose
    ((62.0, -15.0, -32.0), (9.0, 5.0, 16.0), 1.2),    # arch of the cheekbone
    ((57.0, -42.0, -22.0), (9.0, 9.0, 16.0), -1.6),   # hollow below it
    ((30.0, -67.0, 4.0), (5.0, 5.0, 12.0), -0.5),     # beside the corner of the mouth
    ((70.0, -16.0, -96.0), (9.0, 14.0, 5.5), -8.5),   # under the bowl of the ear
    ((6.0, -104.0, 11.0), (9.0, 7.0, 15.0), 0.6),     # chin
)  # fmt: skip
# Furrows: a line from point to point in the front view, half width, depth, mm; they fade towards both ends.
_FURROWS_MM = (
    (((18.5, -35.0), (23.0, -44.0), (28.5, -54.0), (31.5, -63.0)), 3.0, 1.5),  # nose to mouth
    (((10.5, -27.0), (16.6, -29.6), (19.6, -35.5), (18.0, -42.5)), 2.0, 2.5),   # round the wing of the nose
    (((10.0, -27.5), (8.6, -31.0), (9.4, -36.0), (11.0, -40.0)), 1.8, 0.9),     # between tip and wing of the nose
    (((15.5, -8.0), (20.0, -12.5), (27.0, -16.0), (33.0, -17.5)), 3.0, 0.8),   # below the eye
)  # fmt: skip


def relief_mm(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Height in mm at each point; 0 away from the face."""
    x, y, z = points.T
    total = np.zeros(len(points))
    for centre, radii, height in _CUSHIONS_MM:
        total += height * np.exp(-0.5 * (((points - np.array(centre)) / np.array(radii)) ** 2).sum(axis=1))
    for line, half_width, depth in _FURROWS_MM:
        total -= depth * _furrow(x, y, np.array(line), half_width) * (z > -25.0)
    return total - _philtrum(x, y, z) - _lid_fold(x, y, z)


def _philtrum(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    below_nose = np.exp(-(((y + 53.5) / 5.5) ** 2)) * (z > 4.5)
    return below_nose * (1.0 * np.exp(-((x / 2.6) ** 2)) - 0.6 * np.exp(-(((x - 5.4) / 2.2) ** 2)))


def _lid_fold(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The fold over the upper lid and the cushion that hangs over it."""
    line = 8.9 - 0.018 * (x - 29.0) ** 2
    along = np.clip((x - 16.0) / 7.0, 0.0, 1.0) * np.clip((49.0 - x) / 9.0, 0.0, 1.0) * (z > -25.0)
    fold = 1.3 * np.exp(-(((y - line) / 1.3) ** 2))
    return along * (fold - 0.5 * np.exp(-(((y - line - 3.2) / 2.4) ** 2)))


def _furrow(x: np.ndarray, y: np.ndarray, line: np.ndarray, half_width: float) -> np.ndarray:
    """1 on the line, falling away from it over `half_width`, 0 at its ends."""
    spot = np.stack([x, y], axis=1)
    best, place = np.full(len(x), np.inf), np.zeros(len(x))
    for number, (start, end) in enumerate(pairwise(line)):
        edge = end - start
        along = np.clip((spot - start) @ edge / (edge @ edge), 0.0, 1.0)
        gap = np.linalg.norm(spot - start - along[:, None] * edge, axis=1)
        closer = gap < best
        best = np.where(closer, gap, best)
        place = np.where(closer, (number + along) / (len(line) - 1), place)
    return np.exp(-((best / half_width) ** 2)) * np.sin(np.pi * np.clip(place, 0.0, 1.0)) ** 0.7
