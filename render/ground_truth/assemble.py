"""From what Cycles measured to the arrays that the contract promises."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32

from render.dataset_format import GroundTruth, Label, SurfaceLayer
from render.geometry.pinhole import pixel_rays
from render.geometry.surface import gradient_magnitude

NOTHING_HIT_M = 1e9


@dataclass(frozen=True)
class FirstHits:
    """What rays through the pixel centres met: planar depth (beyond NOTHING_HIT_M: nothing), smooth normals in world
    axes, and labels (0: background)."""

    depth_m: Float32[np.ndarray, "h w"]
    normals_world: Float32[np.ndarray, "h w 3"]
    label: Float32[np.ndarray, "h w"]


def ground_truth(
    head: FirstHits, worn: FirstHits, *, cam_from_world: Float[np.ndarray, "4 4"], intrinsics: Float[np.ndarray, "3 3"]
) -> GroundTruth:
    """Both layers and the label map, from the head alone and from what is worn alone.

    `visible` is the nearer of the two at every pixel, so it cannot lie behind `head`.
    """
    nearest = _nearer(head, worn)
    labels = np.where(_is_hit(nearest), np.rint(nearest.label), Label.BACKGROUND).astype(np.uint8)
    return GroundTruth(
        visible=surface_layer(nearest, cam_from_world=cam_from_world, intrinsics=intrinsics),
        head=surface_layer(head, cam_from_world=cam_from_world, intrinsics=intrinsics),
        labels=labels,
    )


def surface_layer(
    hits: FirstHits, *, cam_from_world: Float[np.ndarray, "4 4"], intrinsics: Float[np.ndarray, "3 3"]
) -> SurfaceLayer:
    """One layer of ground truth.

    A smooth normal may lean away from the viewer by a fraction of a degree at a silhouette; it is then laid onto the
    plane across the ray, the nearest direction that can be seen.
    """
    height, width = hits.depth_m.shape
    hit = _is_hit(hits)
    depth = np.where(hit, hits.depth_m, 0.0).astype(np.float32)
    # Most of a picture shows no head: vectors of what was hit alone.
    normals = hits.normals_world[hit].astype(np.float64) @ cam_from_world[:3, :3].T
    rays = pixel_rays(intrinsics, width_px=width, height_px=height)[hit]
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    away = np.maximum((normals * rays).sum(axis=-1, keepdims=True), 0.0)
    normals = normals - away * rays
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals_cam = np.zeros((height, width, 3), dtype=np.float32)
    normals_cam[hit] = np.divide(normals, length, out=np.zeros_like(normals), where=length > 1e-6)
    return SurfaceLayer(
        depth_m=depth,
        normals_cam=normals_cam,
        gradient_magnitude=gradient_magnitude(depth, focal_length_px=float(intrinsics[0, 0])),
    )


def _is_hit(hits: FirstHits) -> Bool[np.ndarray, "h w"]:
    return (hits.depth_m < NOTHING_HIT_M) & (hits.label > 0.5)


def _nearer(head: FirstHits, worn: FirstHits) -> FirstHits:
    in_front = _is_hit(worn) & ((worn.depth_m < head.depth_m) | ~_is_hit(head))
    return FirstHits(
        depth_m=np.where(in_front, worn.depth_m, head.depth_m),
        normals_world=np.where(in_front[..., None], worn.normals_world, head.normals_world),
        label=np.where(in_front, worn.label, head.label),
    )
