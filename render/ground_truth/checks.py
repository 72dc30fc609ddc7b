"""What must hold for every frame before it is published."""

import numpy as np

from render.dataset_format import LAYERS, FrameGeometry, GroundTruth, SurfaceLayer
from render.geometry.pinhole import pixel_rays


class GroundTruthError(Exception):
    """A frame's ground truth breaks a promise; the message names layer, promise and the first pixel that breaks it."""


def check_ground_truth(truth: GroundTruth, geometry: FrameGeometry, *, near_m: float, far_m: float) -> None:
    """Raise GroundTruthError unless all is finite and in range, masks agree, and normals are unit and face us."""
    for name in LAYERS:
        _check_layer(name, getattr(truth, name), geometry, near_m=near_m, far_m=far_m)
    behind = truth.visible.depth_m > truth.head.depth_m
    hidden = (truth.head.depth_m > 0) & ((truth.visible.depth_m == 0) | behind)
    _require(not hidden.any(), "head", "no part of the head is nearer than the first hit of everything", hidden)
    unlabelled = (truth.labels > 0) != (truth.visible.depth_m > 0)
    _require(not unlabelled.any(), "visible", "a pixel has a label exactly where it has a depth", unlabelled)
    if not (truth.head.depth_m > 0).any():
        raise GroundTruthError(
            "no pixel shows the head; check cameras.offset_x/offset_y and head_poses of the recipe, and the clip range"
        )


def _check_layer(name: str, layer: SurfaceLayer, geometry: FrameGeometry, *, near_m: float, far_m: float) -> None:
    depth, normals, slope = layer.depth_m, layer.normals_cam, layer.gradient_magnitude
    valid = depth > 0
    for array in (depth, normals.sum(axis=-1), slope):
        _require(bool(np.isfinite(array).all()), name, "every value is finite", ~np.isfinite(array))
    outside = valid & ((depth < near_m) | (depth > far_m))
    _require(not outside.any(), name, f"depth lies between {near_m} and {far_m} m", outside)
    length = np.linalg.norm(normals, axis=-1)
    crooked = np.where(valid, np.abs(length - 1) > 1e-3, length != 0)
    _require(not crooked.any(), name, "normals are unit where depth is valid and zero elsewhere", crooked)
    rays = pixel_rays(np.array(geometry.intrinsics_px), width_px=geometry.width_px, height_px=geometry.height_px)
    away = (normals * rays).sum(axis=-1) > 1e-3
    _require(not away.any(), name, "normals face the camera", away)
    _require(bool((slope >= 0).all()), name, "gradient magnitude is not negative", slope < 0)


def _require(holds: bool, layer: str, promise: str, bad_pixels: np.ndarray) -> None:
    if not holds:
        row, column = (int(index) for index in np.argwhere(bad_pixels)[0])
        raise GroundTruthError(
            f"layer {layer!r}: expected that {promise}, but {int(bad_pixels.sum())} pixels break it, "
            f"the first at row {row}, column {column}"
        )
