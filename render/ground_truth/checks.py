"""What must hold for the ground truth of every frame before it is published."""

import numpy as np
from jaxtyping import Float, Int

from render.bad_frame import BadFrameError
from render.dataset_format import LAYERS, FrameGeometry, GroundTruth, SurfaceLayer
from render.geometry.pinhole import pixel_rays

# No lens focuses so near; a surface at this distance means that the camera stands in hair, clothing or a hand.
NEAREST_M = 0.02


class GroundTruthError(BadFrameError):
    """A frame's ground truth breaks a promise; the message names layer, promise and the first pixel that breaks it."""

    product = "gt"


def check_ground_truth(truth: GroundTruth, geometry: FrameGeometry, *, near_m: float, far_m: float) -> None:
    """Raise GroundTruthError unless all is finite and in range, masks agree, normals are unit and face us, and the
    landmarks lie before the camera."""
    for name in LAYERS:
        _check_layer(name, getattr(truth, name), geometry, near_m=max(near_m, NEAREST_M), far_m=far_m)
    behind = truth.visible.depth_m > truth.head.depth_m
    hidden = (truth.head.depth_m > 0) & ((truth.visible.depth_m == 0) | behind)
    _require(not hidden.any(), "head", "no part of the head is nearer than the first hit of everything", hidden)
    unlabelled = (truth.labels > 0) != (truth.visible.depth_m > 0)
    _require(not unlabelled.any(), "visible", "a pixel has a label exactly where it has a depth", unlabelled)
    if not (truth.head.depth_m > 0).any():
        raise GroundTruthError(
            "no pixel shows the head; check cameras.offset_x/offset_y and head_poses of the recipe, and the clip range"
        )
    _check_landmarks(geometry)


def check_camera_outside(
    camera_m: Float[np.ndarray, "3"], vertices_m: Float[np.ndarray, "v 3"], triangles: Int[np.ndarray, "t 3"]
) -> None:
    """Raise GroundTruthError when the camera is inside the head, all of it in one frame of reference.

    Inside, what the head wears and shows would be seen from behind, and every depth would be that of a back side.
    """
    turns = winding_number(camera_m, vertices_m[triangles])
    if turns > 0.5:
        raise GroundTruthError(
            f"the camera is inside the head (whose surface winds {turns:.2f} times around it; outside it is 0); "
            "raise cameras.distance_mm of the recipe, or narrow cameras.azimuth_deg and cameras.elevation_deg"
        )


def winding_number(point_m: Float[np.ndarray, "3"], triangles_m: Float[np.ndarray, "t 3 3"]) -> float:
    """How often a surface winds around a point: 1 inside a closed surface (counter-clockwise seen from outside), 0
    outside, and between where the surface has a hole.

    Source: the solid angle of a triangle is that of van Oosterom and Strackee 1983, equation 8.
    """
    a, b, c = np.moveaxis(triangles_m.astype(np.float64) - point_m, 1, 0)
    length_a, length_b, length_c = (np.linalg.norm(side, axis=-1) for side in (a, b, c))
    volume = (a * np.cross(b, c)).sum(axis=-1)
    spread = (
        length_a * length_b * length_c
        + (a * b).sum(axis=-1) * length_c
        + (b * c).sum(axis=-1) * length_a
        + (c * a).sum(axis=-1) * length_b
    )
    return float(2 * np.arctan2(volume, spread).sum() / (4 * np.pi))


def _check_layer(name: str, layer: SurfaceLayer, geometry: FrameGeometry, *, near_m: float, far_m: float) -> None:
    depth, normals, slope = layer.depth_m, layer.normals_cam, layer.gradient_magnitude
    valid = depth > 0
    for array in (depth, normals.sum(axis=-1), slope):
        _require(bool(np.isfinite(array).all()), name, "every value is finite", ~np.isfinite(array))
    outside = valid & ((depth < near_m) | (depth > far_m))
    _require(not outside.any(), name, f"depth lies between {near_m} and {far_m} m", outside)
    crooked = normals.any(axis=-1)
    crooked[valid] = np.abs(np.linalg.norm(normals[valid], axis=-1) - 1) > 1e-3
    _require(not crooked.any(), name, "normals are unit where depth is valid and zero elsewhere", crooked)
    rays = pixel_rays(np.array(geometry.intrinsics_px), width_px=geometry.width_px, height_px=geometry.height_px)
    away = np.zeros_like(valid)
    away[valid] = (normals[valid] * rays[valid]).sum(axis=-1) > 1e-3
    _require(not away.any(), name, "normals face the camera", away)
    _require(bool((slope >= 0).all()), name, "gradient magnitude is not negative", slope < 0)


def _check_landmarks(geometry: FrameGeometry) -> None:
    for number, (point, position) in enumerate(zip(geometry.landmarks_cam_m, geometry.landmarks_2d_px, strict=True)):
        if not (np.isfinite([*point, *position]).all() and point[2] > 0):
            raise GroundTruthError(
                f"expected that every landmark lies before the camera, but number {number} is at {point} m in the "
                "camera frame; check cameras.distance_mm and head_poses of the recipe"
            )


def _require(holds: bool, layer: str, promise: str, bad_pixels: np.ndarray) -> None:
    if not holds:
        row, column = (int(index) for index in np.argwhere(bad_pixels)[0])
        raise GroundTruthError(
            f"layer {layer!r}: expected that {promise}, but {int(bad_pixels.sum())} pixels break it, "
            f"the first at row {row}, column {column}"
        )
