"""Slope of a depth map: the gradient magnitude that is part of the ground truth."""

import numpy as np
from jaxtyping import Float, Float32


def gradient_magnitude(depth_m: Float[np.ndarray, "h w"], *, focal_length_px: float) -> Float32[np.ndarray, "h w"]:
    """|grad depth_m| * focal_length_px / depth_m: metres of depth per metre sideways, dimensionless.

    Central differences where both neighbours are valid (depth > 0), one-sided where one is, else 0.
    Source: bouafif2020 section 3 (W, "depth in pixel units per pixel").
    """
    depth = depth_m.astype(np.float64)
    slopes = [_difference(depth, axis) for axis in (0, 1)]
    magnitude = np.hypot(*slopes) * focal_length_px
    return np.divide(magnitude, depth, out=np.zeros_like(depth), where=depth > 0).astype(np.float32)


def _difference(depth: Float[np.ndarray, "h w"], axis: int) -> Float[np.ndarray, "h w"]:
    ahead = np.moveaxis(np.zeros_like(depth), axis, 0)
    moved = np.moveaxis(depth, axis, 0)
    forward, backward = ahead, np.zeros_like(ahead)
    has_forward = np.zeros(moved.shape, dtype=bool)
    has_backward = np.zeros(moved.shape, dtype=bool)
    both = (moved[1:] > 0) & (moved[:-1] > 0)
    step = np.where(both, moved[1:] - moved[:-1], 0.0)
    forward[:-1], backward[1:] = step, step
    has_forward[:-1], has_backward[1:] = both, both
    sides = has_forward.astype(np.float64) + has_backward
    slope = np.divide(forward + backward, sides, out=np.zeros_like(step, shape=moved.shape), where=sides > 0)
    return np.moveaxis(slope, 0, axis)
