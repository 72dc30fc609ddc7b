"""The lips of the procedural head: their outline, the line between them, and how far they swell."""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from render.heads.procedural_skull import front_points

# Outline of the lips and the line between them in the front view: x, then y of each curve, in mm.
_LIP_X_MM = np.array([0.0, 5.5, 13.2, 20.5, 26.0])
_UPPER_LIP_Y_MM = np.array([-42.2, -40.9, -43.5, -47.2, -50.0])
_LOWER_LIP_Y_MM = np.array([-59.5, -59.3, -57.5, -53.8, -50.0])
_MOUTH_LINE_Y_MM = np.array([-49.6, -49.1, -48.9, -49.5, -50.0])
# How far the lips stand out over the muzzle on the way from outline to mouth line, in mm, at the middle of the mouth.
_UPPER_BULGE_MM = ((0.0, 0.12, 0.4, 0.7, 0.88, 1.0), (0.1, 0.9, 2.4, 3.3, 2.7, 0.0))
_LOWER_BULGE_MM = ((0.0, 0.12, 0.4, 0.7, 0.88, 1.0), (0.1, 0.5, 1.8, 3.0, 2.8, 0.0))


def lip_curves_mm(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Front view (l, 2) of the outline of the lips and of the line between them, from the left corner over the top."""
    half = length // 2
    share = np.linspace(0.0, 1.0, half + 1)
    share = 0.55 * share + 0.45 * (0.5 - 0.5 * np.cos(np.pi * share))
    place = 1.0 - 2.0 * share
    x = place * _LIP_X_MM[-1]

    def curve(heights: np.ndarray) -> np.ndarray:
        # Mirrored, so that the curve runs level through the middle.
        whole = np.concatenate([-_LIP_X_MM[:0:-1], _LIP_X_MM])
        return CubicSpline(whole, np.concatenate([heights[:0:-1], heights]))(x)

    line = curve(_MOUTH_LINE_Y_MM)
    upper, lower = curve(_UPPER_LIP_Y_MM), curve(_LOWER_LIP_Y_MM)
    outline = np.stack([np.r_[x, x[-2:0:-1]] * 1.02, np.r_[upper, lower[-2:0:-1]]], axis=1)
    gap = 0.12 * np.sin(np.pi * share)
    inner = np.stack([np.r_[x, x[-2:0:-1]] * 0.97, np.r_[line + gap, (line - gap)[-2:0:-1]]], axis=1)
    return outline, inner


def lip_ring_mm(outline: np.ndarray, line: np.ndarray, step: float) -> Float[np.ndarray, "l 3"]:
    """A ring on the lips, `step` of the way from the outline (0) to the line between the lips (1)."""
    flat = outline + step * (line - outline)
    points = front_points(flat[:, 0], flat[:, 1])
    half = len(flat) // 2
    bulge = np.empty(len(flat))
    bulge[: half + 1] = CubicSpline(*_UPPER_BULGE_MM)(step)
    bulge[half + 1 :] = CubicSpline(*_LOWER_BULGE_MM)(step)
    fade = np.clip(1.0 - (flat[:, 0] / 26.4) ** 2, 0.0, 1.0) ** 0.75
    corner = -0.7 * step * (1.0 - fade)
    points[:, 2] += bulge * fade + corner
    return points
