"""Geometry of a depth map: points, normals and slope, all in camera axes (x right, y down, z forward).

Pixel (row i, column j) is sampled at (j + 0.5, i + 0.5). Depth is planar z in metres, and 0 means "no surface".
"""

import numpy as np
from jaxtyping import Bool, Float, Float32


def pinhole_intrinsics_px(focal_length_px: float, *, width_px: int, height_px: int) -> Float[np.ndarray, "3 3"]:
    """Intrinsics of a pinhole with square pixels whose principal point is the middle of the picture, pixels."""
    return np.array(
        [[focal_length_px, 0.0, width_px / 2], [0.0, focal_length_px, height_px / 2], [0.0, 0.0, 1.0]], dtype=np.float64
    )


def back_project(
    depth_m: Float[np.ndarray, "h w"], intrinsics_px: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "h w 3"]:
    """Points in camera axes, metres, float64; where there is no surface the point is the origin."""
    height_px, width_px = depth_m.shape
    pixels = np.ones((height_px, width_px, 3))
    pixels[..., 0] = np.arange(width_px) + 0.5
    pixels[..., 1] = (np.arange(height_px) + 0.5)[:, None]
    rays = pixels @ np.linalg.inv(intrinsics_px).T
    return rays * depth_m.astype(np.float64)[..., None]


def normals_from_depth(
    depth_m: Float[np.ndarray, "h w"], intrinsics_px: Float[np.ndarray, "3 3"]
) -> Float32[np.ndarray, "h w 3"]:
    """Unit normals in camera axes that face the camera (z <= 0); (0, 0, 0) where none can be told.

    They are cross products of differences of back-projected points, so a plane comes out exactly, whatever its tilt.
    None can be told where there is no surface, where a pixel has no valid neighbour along a row or along a column,
    and where the surface turns out to look away (z > 0), which only happens across a depth jump far off the axis.
    Source: ours.
    """
    points_m = back_project(depth_m, intrinsics_px)
    valid = depth_m > 0
    along_row, row_known = difference(points_m, valid, axis=1)
    along_column, column_known = difference(points_m, valid, axis=0)
    outward = -np.cross(along_row, along_column)
    length = np.linalg.norm(outward, axis=-1)
    known = row_known & column_known & (length > 0) & (outward[..., 2] <= 0)
    normals = np.where(known[..., None], outward / np.where(length > 0, length, 1.0)[..., None], 0.0)
    return normals.astype(np.float32)


def gradient_magnitude_from_depth(
    depth_m: Float[np.ndarray, "h w"], intrinsics_px: Float[np.ndarray, "3 3"]
) -> Float32[np.ndarray, "h w"]:
    """Slope of the surface per unit of lateral distance: |gradient of depth_m| * focal_length_px / depth_m, no unit.

    0 where there is no surface. Source: bouafif2020, depth in pixel units per pixel (DESIGN section 3).
    """
    valid = depth_m > 0
    depth = depth_m.astype(np.float64)
    along_row, _ = difference(depth[..., None], valid, axis=1)
    along_column, _ = difference(depth[..., None], valid, axis=0)
    slope = np.hypot(along_row[..., 0] * intrinsics_px[0, 0], along_column[..., 0] * intrinsics_px[1, 1])
    return (slope / np.where(valid, depth, 1.0)).astype(np.float32)


def difference(
    values: Float[np.ndarray, "h w c"], valid: Bool[np.ndarray, "h w"], *, axis: int
) -> tuple[Float[np.ndarray, "h w c"], Bool[np.ndarray, "h w"]]:
    """Change per pixel along an axis (0: down, 1: right), and where it is known.

    Central where both neighbours are valid, one-sided where one is, else 0 and unknown, as for the ground truth.
    """
    before, before_valid = _shifted(values, valid, step=1, axis=axis)
    after, after_valid = _shifted(values, valid, step=-1, axis=axis)
    before_valid, after_valid = before_valid & valid, after_valid & valid
    central = (after - before) / 2
    change = np.where(
        (before_valid & after_valid)[..., None],
        central,
        np.where(after_valid[..., None], after - values, np.where(before_valid[..., None], values - before, 0.0)),
    )
    return change, before_valid | after_valid


def _shifted(values: np.ndarray, valid: np.ndarray, *, step: int, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's neighbour `step` pixels before it along the axis; what lies outside the picture is not valid."""
    rolled_valid = np.roll(valid, step, axis=axis)
    edge = [slice(None)] * 2
    edge[axis] = slice(0, step) if step > 0 else slice(step, None)
    rolled_valid[tuple(edge)] = False
    return np.roll(values, step, axis=axis), rolled_valid
