"""Where a face folds with age and where a shaved beard shows: numbers per vertex, from the 68 landmarks alone.

A fold is finer than the mesh, so a vertex does not say "here is a fold": it says where it lies across a set of folds
(one fold a unit) and along them, and the material draws the fold between the vertices.
"""

import numpy as np
from jaxtyping import Float, Float32
from scipy.interpolate import CubicSpline

# Places and sizes in distances between the eyes (ours, by eye from photographs of people of fifty to seventy).
_FOREHEAD_SPACING, _FOREHEAD_FROM, _FOREHEAD_TO = 0.15, 0.16, 0.80
_FROWN_HALF_DISTANCE = 0.10
_CROW_SPACING_RAD, _CROW_REACH = 0.36, 0.42
_NASOLABIAL_WIDTH = 0.30


def crease_paint(
    vertices_m: Float32[np.ndarray, "n 3"], landmarks_m: Float[np.ndarray, "68 3"]
) -> Float32[np.ndarray, "n 3"]:
    """How many folds across, metres along them, and how deep they are there (0..1), at each vertex.

    A fold runs where the first number is half-way between two integers. Forehead lines follow the brows, frown lines
    stand between them, crow's feet leave the outer corners of the eyes, and one fold leads from the wing of the nose
    past the corner of the mouth. Where sets of folds meet, the deeper one is told.
    """
    unit_m = _eye_distance_m(landmarks_m)
    points = vertices_m.astype(np.float64)
    in_front = points[:, 2] > landmarks_m[[0, 16], 2].mean()
    sets = [_forehead(points, landmarks_m, unit_m), _frown(points, landmarks_m, unit_m)]
    for corner, inner, nose, mouth in ((36, 39, 31, 48), (45, 42, 35, 54)):
        sets.append(_crows_feet(points, landmarks_m[corner], landmarks_m[inner], unit_m))
        sets.append(_nasolabial(points, landmarks_m, nose, mouth, unit_m))
    stacked = np.stack(sets)
    deepest = stacked[..., 2].argmax(axis=0)
    chosen = stacked[deepest, np.arange(len(points))]
    chosen[~in_front] = 0.0
    return chosen.astype(np.float32)


def beard_shade(
    vertices_m: Float32[np.ndarray, "n 3"], landmarks_m: Float[np.ndarray, "68 3"]
) -> Float32[np.ndarray, " n"]:
    """How densely a beard would grow at each vertex, 0..1: lip, chin, jaw and the upper neck."""
    unit_m = _eye_distance_m(landmarks_m)
    x, y, z = ((vertices_m.astype(np.float64) - landmarks_m[33]) / unit_m).T
    marks = (landmarks_m - landmarks_m[33]) / unit_m
    aside = np.abs(x - marks[33, 0])
    half_jaw = 0.5 * (marks[16, 0] - marks[0, 0])
    corner = 0.5 * (marks[54, 0] - marks[48, 0])
    # From under the nose in a bow past the mouth, and up to the sideburns.
    top = np.interp(
        aside,
        [0.0, 0.3, corner, 0.72 * half_jaw, half_jaw],
        [
            -0.04,
            -0.10,
            marks[[48, 54], 1].mean() + 0.12,
            marks[[3, 13], 1].mean() + 0.30,
            marks[[0, 16], 1].mean() + 0.15,
        ],
    )
    bottom = np.interp(
        aside, [0.0, 0.6 * half_jaw, half_jaw], [marks[8, 1] - 0.35, marks[8, 1] - 0.15, marks[[3, 13], 1].mean()]
    )
    mouth = marks[48:60].mean(axis=0)
    lips = np.hypot((x - mouth[0]) / (0.5 * np.ptp(marks[48:60, 0])), (y - mouth[1]) / (0.5 * np.ptp(marks[48:60, 1])))
    shade = (
        _rise(top - y, -0.06, 0.20)
        * _rise(y - bottom, -0.10, 0.15)
        * _rise(lips, 0.95, 1.2)
        * _rise(z, marks[[1, 15], 2].mean() - 0.1, marks[[1, 15], 2].mean() + 0.15)
    )
    return shade.astype(np.float32)


def _forehead(points: np.ndarray, landmarks_m: np.ndarray, unit_m: float) -> np.ndarray:
    brows = landmarks_m[17:27]
    aside = points[:, 0] - landmarks_m[27, 0]
    arch = np.interp(points[:, 0], brows[:, 0], brows[:, 1])
    above = (points[:, 1] - 0.5 * (arch + brows[:, 1].mean())) / unit_m
    depth = (
        _rise(above, _FOREHEAD_FROM - 0.08, _FOREHEAD_FROM + 0.08)
        * _rise(above, _FOREHEAD_TO, _FOREHEAD_TO - 0.2)
        * _rise(np.abs(aside) / unit_m, 0.95, 0.55)
    )
    return np.stack([above / _FOREHEAD_SPACING, aside, 0.8 * depth], axis=1)


def _frown(points: np.ndarray, landmarks_m: np.ndarray, unit_m: float) -> np.ndarray:
    middle = 0.5 * (landmarks_m[21] + landmarks_m[22])
    aside, above = (points[:, 0] - middle[0]) / unit_m, (points[:, 1] - middle[1]) / unit_m
    depth = _rise(np.abs(aside), 0.19, 0.13) * _rise(np.abs(above + 0.02), 0.22, 0.08)
    return np.stack([aside / (2.0 * _FROWN_HALF_DISTANCE) + 1.0, above * unit_m, 0.9 * depth], axis=1)


def _crows_feet(points: np.ndarray, outer: np.ndarray, inner: np.ndarray, unit_m: float) -> np.ndarray:
    away = np.sign(outer[0] - inner[0])
    gap = (points - outer) / unit_m
    # Round the temple the skin turns back, so distance counts in depth too.
    out = away * gap[:, 0] + np.maximum(-gap[:, 2], 0.0)
    angle = np.arctan2(gap[:, 1] - 0.02, np.maximum(out, 1e-6))
    reach = np.hypot(out, gap[:, 1])
    depth = _rise(reach, 0.10, 0.20) * _rise(reach, _CROW_REACH, 0.25) * _rise(np.abs(angle), 1.0, 0.6) * (out > 0.0)
    return np.stack([angle / _CROW_SPACING_RAD + 10.0, reach * unit_m, depth], axis=1)


def _nasolabial(points: np.ndarray, landmarks_m: np.ndarray, nose: int, mouth: int, unit_m: float) -> np.ndarray:
    away = np.sign(landmarks_m[mouth, 0] - landmarks_m[33, 0])
    wing, corner = landmarks_m[nose, :2], landmarks_m[mouth, :2]
    start = wing + unit_m * np.array([away * 0.12, 0.10])
    middle = 0.5 * (wing + corner) + unit_m * np.array([away * 0.20, 0.06])
    end = corner + unit_m * np.array([away * 0.13, -0.14])
    line = CubicSpline([0.0, 0.5, 1.0], np.stack([start, middle, end]))(np.linspace(0.0, 1.0, 41))
    # Elsewhere the fold is 0 deep, and what it says does not matter.
    margin_m = 0.2 * unit_m
    flat = points[:, :2]
    close = ((flat > line.min(axis=0) - margin_m) & (flat < line.max(axis=0) + margin_m)).all(axis=1)
    gaps = flat[close, None] - line[None]
    nearest = np.argmin((gaps**2).sum(axis=2), axis=1)
    gap = gaps[np.arange(len(gaps)), nearest]
    tangent = np.gradient(line, axis=0)[nearest]
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    across = (gap[:, 0] * tangent[:, 1] - gap[:, 1] * tangent[:, 0]) / unit_m
    beyond = np.abs((gap * tangent).sum(axis=1)) / unit_m
    share = nearest / 40.0
    depth = _rise(np.abs(across), 0.12, 0.07) * _rise(beyond, 0.05, 0.0) * _rise(share, 0.0, 0.2)
    depth *= _rise(share, 1.0, 0.7)
    fold = np.zeros((len(points), 3))
    fold[close] = np.stack([across / _NASOLABIAL_WIDTH + 20.5, share * unit_m, depth], axis=1)
    return fold


def _eye_distance_m(landmarks_m: np.ndarray) -> float:
    return float(np.linalg.norm(landmarks_m[42:48].mean(axis=0) - landmarks_m[36:42].mean(axis=0)))


def _rise(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 at `low`, 1 at `high` (which may be the smaller one), smooth between and constant beyond."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
