"""Normals metrics: masks and angles of SPEC B4, kept by image so that pixels can be pooled or images averaged.

The mask is all pixels with a normal: precision is the share of the predicted mask that is true, recall the share of the
true mask that was predicted. Angles are taken where both have one. A score of no pixel does not exist, and is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

# The pixels of the layer that is learnt: one set, unlike those of depth.
REGION = "head"
# Source: bouafif2020, table 1.
ANGLES_DEG = (10, 20, 30)


@dataclass(frozen=True)
class ImageAngles:
    """Pixels of the true and of the predicted mask of one image, and the angles where both are, in degrees."""

    true_pixels: int
    predicted_pixels: int
    angles_deg: Float[np.ndarray, " n"]


def image_angles(
    normals_pred_cam: Float[np.ndarray, "h w 3"], normals_true_cam: Float[np.ndarray, "h w 3"]
) -> ImageAngles:
    """Masks and angles of one image; a normal of (0, 0, 0) is none, any other is made a unit vector first.

    Raises: ValueError when a predicted normal is no finite number. Source: SPEC B4.
    """
    if not np.isfinite(normals_pred_cam).all():
        bad = int((~np.isfinite(normals_pred_cam)).any(axis=-1).sum())
        raise ValueError(f"{bad} of {normals_pred_cam[..., 0].size} predicted normals are not finite numbers")
    predicted, true = (np.asarray(one, dtype=np.float64) for one in (normals_pred_cam, normals_true_cam))
    predicted_mask, true_mask = (np.any(one != 0, axis=-1) for one in (predicted, true))
    both = predicted_mask & true_mask
    ours, theirs = (one[both] / np.linalg.norm(one[both], axis=-1, keepdims=True) for one in (predicted, true))
    cosine = np.clip((ours * theirs).sum(axis=-1), -1.0, 1.0)
    return ImageAngles(
        true_pixels=int(true_mask.sum()),
        predicted_pixels=int(predicted_mask.sum()),
        angles_deg=np.degrees(np.arccos(cosine)),
    )


def angle_map_deg(
    normals_pred_cam: Float[np.ndarray, "h w 3"], normals_true_cam: Float[np.ndarray, "h w 3"]
) -> Float[np.ndarray, "h w"]:
    """The angles of `image_angles` in their places, NaN where one of both has no normal."""
    both = np.any(normals_pred_cam != 0, axis=-1) & np.any(normals_true_cam != 0, axis=-1)
    angles = np.full(both.shape, np.nan)
    angles[both] = image_angles(normals_pred_cam, normals_true_cam).angles_deg
    return angles


def scores(image: ImageAngles) -> dict[str, float]:
    """Every score that the pixels allow, by name: shares of 0 to 1, angles in degrees (std divided by n)."""
    angles = image.angles_deg
    found: dict[str, float] = {}
    if image.predicted_pixels:
        found["mask_precision"] = angles.size / image.predicted_pixels
    if image.true_pixels:
        found["mask_recall"] = angles.size / image.true_pixels
    if angles.size:
        found |= {
            "mean_angle_deg": float(angles.mean()),
            "std_angle_deg": float(angles.std()),
            "median_angle_deg": float(np.median(angles)),
            **{f"below_{limit}_deg": float((angles < limit).mean()) for limit in ANGLES_DEG},
        }
    return found


def pool(images: Sequence[ImageAngles]) -> ImageAngles:
    """All pixels of several images."""
    return ImageAngles(
        true_pixels=sum(image.true_pixels for image in images),
        predicted_pixels=sum(image.predicted_pixels for image in images),
        angles_deg=np.concatenate([image.angles_deg for image in images]),
    )


def dataset_scores(images: Sequence[ImageAngles]) -> dict[str, dict[str, dict[str, float]]]:
    """Scores of the region `head`, `pooled` over all pixels (as in the paper) and `mean_over_images`; empty without
    images.

    A mean is over the images that have the score. `images` and `pixels` say how many there are, and how many pixels
    the true masks hold.
    """
    if not images:
        return {}
    pooled, each = pool(images), [scores(image) for image in images]
    names = scores(pooled)
    size = {"images": len(images), "pixels": pooled.true_pixels}
    means = {name: float(np.mean([one[name] for one in each if name in one])) for name in names}
    return {REGION: {"pooled": {**names, **size}, "mean_over_images": {**means, **size}}}
