"""Made-up surfaces for the benchmark of integration: lopsided, with known normals, smooth or with occlusion jumps.

A surface is a list of sheets; the nearest one is seen. Every sheet is a function of the position in the picture, so
the same sheets make an orthographic and a perspective scene, and normals come from the derivatives of the sheet that
is seen, never across a jump.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from train.geometry import difference

Sheet = Callable[[np.ndarray, np.ndarray], np.ndarray]
# Steps of the derivative, in picture heights.
STEP = 1e-5
# How far from its outline (0) to its middle (1) the smooth surface ends, so that no normal is at a grazing angle.
LEAST_CAP = 0.15
# The perspective scenes: distance of the plane 0 and focal length, in picture heights.
DISTANCE, FOCAL_LENGTH = 3.0, 3.2


@dataclass(frozen=True)
class Scene:
    """A picture of a surface. `depth` is in pixels without intrinsics, else in millimetres; 0 outside the mask."""

    depth: Float[np.ndarray, "h w"]
    normals_cam: Float[np.ndarray, "h w 3"]
    gradient_magnitude: Float[np.ndarray, "h w"]
    mask: Bool[np.ndarray, "h w"]
    intrinsics_px: Float[np.ndarray, "3 3"] | None


def smooth_sheets() -> tuple[Sheet, ...]:
    """One lopsided hump with a nose and a dent, without a jump."""
    return (lambda x, y: np.where(_cap(x, y) > LEAST_CAP, _face(x, y), np.nan),)


def folded_sheets() -> tuple[Sheet, ...]:
    """The same face with a chin, a nose and a lock of hair before what lies behind; every jump ends within the face."""
    return (_face, _chin, _nose_wing, _lock, _brow)


def parted_sheets() -> tuple[Sheet, ...]:
    """A face before its neck and shoulders, an ear and a hand: jumps all around, so normals cannot place the parts."""
    return (_face, _ear, _hand, _neck, _shoulders)


def scene(sheets: tuple[Sheet, ...], *, height_px: int, width_px: int, perspective: bool) -> Scene:
    """Draw the sheets. The picture is as high as 1 from -0.5 at the top to 0.5, and wider or narrower."""
    rows, columns = np.mgrid[0:height_px, 0:width_px].astype(np.float64)
    x, y = (columns + 0.5 - width_px / 2) / height_px, (rows + 0.5 - height_px / 2) / height_px
    with np.errstate(invalid="ignore"):
        heights = np.stack([sheet(x, y) for sheet in sheets])
        nearest = np.argmin(np.where(np.isfinite(heights), heights, np.inf), axis=0)
        pick = lambda stack: np.take_along_axis(stack, nearest[None], axis=0)[0]  # noqa: E731
        height = pick(heights)
        along_x = pick(np.stack([sheet(x + STEP, y) - sheet(x - STEP, y) for sheet in sheets])) / (2 * STEP)
        along_y = pick(np.stack([sheet(x, y + STEP) - sheet(x, y - STEP) for sheet in sheets])) / (2 * STEP)
    mask = np.isfinite(height) & np.isfinite(along_x) & np.isfinite(along_y)
    if perspective:
        depth = DISTANCE + height
        facing = -(depth + x * along_x + y * along_y)
        normals = np.stack([FOCAL_LENGTH * along_x, FOCAL_LENGTH * along_y, facing], axis=-1)
        focal_px = FOCAL_LENGTH * height_px
        intrinsics_px = np.array([[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1]])
        depth = depth * 250.0  # A head of 0.84 picture heights is 210 mm high.
        slope = focal_px / np.where(mask, depth, 1.0)
    else:
        normals = np.stack([along_x, along_y, -np.ones_like(x)], axis=-1)
        intrinsics_px, depth, slope = None, height * height_px, np.ones_like(x)
    depth = np.where(mask, depth, 0.0)
    change_x, change_y = (difference(depth[..., None], mask, axis=axis)[0][..., 0] for axis in (1, 0))
    normals = np.where(mask[..., None], normals / np.linalg.norm(normals, axis=-1, keepdims=True), 0.0)
    return Scene(depth, normals, slope * np.hypot(change_x, change_y) * mask, mask, intrinsics_px)


def _dome(x: np.ndarray, y: np.ndarray, *, middle: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """1 in the middle of an ellipse, 0 at its outline, negative outside."""
    return 1 - ((x - middle[0]) / radii[0]) ** 2 - ((y - middle[1]) / radii[1]) ** 2


def _bump(x: np.ndarray, y: np.ndarray, *, middle: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    return np.exp(_dome(x, y, middle=middle, radii=radii) - 1)


def _cap(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _dome(x, y, middle=(0.02, -0.06), radii=(0.33, 0.40))


def _face(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    nose = 0.07 * _bump(x, y, middle=(0.06, 0.0), radii=(0.045, 0.09))
    eyes = 0.03 * _bump(x, y, middle=(-0.09, -0.12), radii=(0.06, 0.04))
    eyes += 0.035 * _bump(x, y, middle=(0.16, -0.13), radii=(0.05, 0.04))
    lips = 0.02 * _bump(x, y, middle=(0.05, 0.15), radii=(0.08, 0.025))
    return -0.36 * np.sqrt(_cap(x, y)) - nose + eyes - lips


def _ear(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -0.04 - 0.05 * np.sqrt(_dome(x, y, middle=(-0.32, -0.04), radii=(0.06, 0.1)))


def _hand(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -0.40 - 0.06 * np.sqrt(_dome(x + 0.3 * y, y, middle=(0.27, 0.21), radii=(0.12, 0.08)))


def _neck(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(
        y > 0.1, 0.08 + 0.2 * y - 0.15 * np.sqrt(_dome(x, y, middle=(0.03, 0.0), radii=(0.17, 9.0))), np.nan
    )


def _shoulders(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 0.2 - 0.16 * np.sqrt(_dome(x, y + 0.05 * x, middle=(0.0, 0.56), radii=(0.47, 0.2)))


def _fold(inwards: np.ndarray, along: np.ndarray, *, height: float, length: float, depth: float) -> np.ndarray:
    """How far a flap stands before the face: up to `height` at its rim, less along the rim and inwards; nan beyond it.

    It bends away at the rim as a round edge does, so normals there come near a grazing angle.
    """
    fade = np.maximum(1 - (along / length) ** 2, 0) ** 2
    rim = np.exp(-inwards / depth) - 0.4 * np.exp(-np.sqrt(inwards / (0.05 * depth)))
    return np.where(inwards > 0, height * fade * rim, np.nan)


def _chin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    curve = 0.2 - 1.5 * (x - 0.03) ** 2 + 0.1 * x
    return _face(x, y) - _fold(curve - y, x - 0.03, height=0.22, length=0.24, depth=0.12)


def _nose_wing(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    curve = 0.09 + 0.4 * (y - 0.02) ** 2
    return _face(x, y) - _fold(curve - x, y - 0.02, height=0.12, length=0.13, depth=0.06)


def _lock(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    curve = -0.15 + 0.6 * y**2 + 0.2 * y
    return _face(x, y) - _fold(curve - x, y + 0.05, height=0.15, length=0.28, depth=0.08)


def _brow(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    curve = -0.22 + 0.8 * (x - 0.1) ** 2 - 0.15 * x
    return _face(x, y) - _fold(curve - y, x - 0.08, height=0.14, length=0.2, depth=0.1)
