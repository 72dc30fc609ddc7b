"""The worst pixel of a check in a picture: what is shown around it, what is expected, and the error."""

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from PIL import Image

from render.certification.certificate import Check
from render.certification.compare import Comparison

# A crop is this many pixels wide and high, each drawn as a square of so many.
CROP_PX, ZOOM = 33, 6
GAP_PX = 6


def worst_pixel_picture(comparison: Comparison, check: Check) -> UInt8[np.ndarray, "h w 3"]:
    """Three crops side by side, shown, expected and error, with the worst pixel framed in red.

    Shown and expected share one scale; the error is brightest at the bound (or at the worst, where the bound is 0).
    """
    row, column = check.worst_at or (0, 0)
    top, left = (max(0, place - CROP_PX // 2) for place in (row, column))
    crop = (slice(top, top + CROP_PX), slice(left, left + CROP_PX))
    shown, expected = comparison.shown[crop], comparison.expected[crop]
    panels = [_coloured(shown, shown, expected), _coloured(expected, shown, expected)]
    brightest = comparison.bound if comparison.bound > 0 and comparison.unit != "pixels" else max(check.worst, 1e-9)
    brightest = 1.0 if comparison.unit == "pixels" else brightest
    error = np.where(comparison.counts[crop], comparison.error[crop], 0.0) / brightest
    panels.append(_painted(error, "magma"))
    framed = [_frame(np.kron(panel, np.ones((ZOOM, ZOOM, 1))), row - top, column - left) for panel in panels]
    gap = np.full((framed[0].shape[0], GAP_PX, 3), 255.0)
    return np.concatenate([framed[0], gap, framed[1], gap, framed[2]], axis=1).astype(np.uint8)


def file_name(check: Check) -> str:
    """The name of a check's picture."""
    return f"{check.scene}-{check.width_px}x{check.height_px}-{check.layer}-{check.quantity}.png".replace(" ", "_")


def save_picture(path, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a PNG."""
    Image.fromarray(pixels).save(path, optimize=True)


def _coloured(values: np.ndarray, shown: np.ndarray, expected: np.ndarray) -> Float[np.ndarray, "h w 3"]:
    if values.ndim == 3:
        return np.clip(127.5 + 127.5 * values, 0.0, 255.0)
    both = np.concatenate([shown.ravel(), expected.ravel()]).astype(np.float64)
    inside = both[both > 0]
    low, high = (inside.min(), inside.max()) if inside.size else (0.0, 1.0)
    share = (values.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.where((values > 0)[..., None], _painted(0.1 + 0.9 * share, "viridis"), 0.0)


def _painted(share: Float[np.ndarray, "h w"], name: str) -> Float[np.ndarray, "h w 3"]:
    return 255.0 * colormaps[name](np.clip(share, 0.0, 1.0))[..., :3]


def _frame(panel: Float[np.ndarray, "h w 3"], row: int, column: int) -> Float[np.ndarray, "h w 3"]:
    top, left = row * ZOOM, column * ZOOM
    for edge in (
        (slice(top - 1, top), slice(left - 1, left + ZOOM + 1)),
        (slice(top + ZOOM, top + ZOOM + 1), slice(left - 1, left + ZOOM + 1)),
        (slice(top, top + ZOOM), slice(left - 1, left)),
        (slice(top, top + ZOOM), slice(left + ZOOM, left + ZOOM + 1)),
    ):
        panel[edge] = (255.0, 40.0, 40.0)
    return panel
