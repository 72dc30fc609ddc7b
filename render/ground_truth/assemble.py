"""From what Cycles measured to the arrays that the contract promises."""

import numpy as np
from jaxtyping import Float, Float32

from render.dataset_format import GroundTruth, Label, SurfaceLayer
from render.geometry.pinhole import pixel_rays
from render.geometry.surface import gradient_magnitude

NOTHING_HIT_M = 1e9


def surface_layer(
    depth_m: Float32[np.ndarray, "h w"],
    normals_world: Float32[np.ndarray, "h w 3"],
    *,
    cam_from_world: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> SurfaceLayer:
    """One layer of ground truth from planar depth (beyond NOTHING_HIT_M: nothing) and smooth normals in world axes.

    A smooth normal may lean away from the viewer by a fraction of a degree at a silhouette; it is then laid onto the
    plane across the ray, the nearest direction that can be seen.
    """
    height, width = depth_m.shape
    hit = depth_m < NOTHING_HIT_M
    depth = np.where(hit, depth_m, 0.0).astype(np.float32)
    normals = normals_world.astype(np.float64) @ cam_from_world[:3, :3].T
    rays = pixel_rays(intrinsics, width_px=width, height_px=height)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    away = np.maximum((normals * rays).sum(axis=-1, keepdims=True), 0.0)
    normals = normals - away * rays
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = np.divide(normals, length, out=np.zeros_like(normals), where=(length > 1e-6) & hit[..., None])
    return SurfaceLayer(
        depth_m=depth,
        normals_cam=normals.astype(np.float32),
        gradient_magnitude=gradient_magnitude(depth, focal_length_px=float(intrinsics[0, 0])),
    )


def ground_truth(visible: SurfaceLayer, head: SurfaceLayer, label: Float32[np.ndarray, "h w"]) -> GroundTruth:
    """Both layers and the label map; background where the visible layer hit nothing."""
    labels = np.where(visible.depth_m > 0, np.rint(label), Label.BACKGROUND).astype(np.uint8)
    return GroundTruth(visible=visible, head=head, labels=labels)
