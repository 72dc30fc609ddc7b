"""Depth metrics: the Eigen set of SPEC B0 and B1, kept as sums so that images can be pooled or averaged.

Pixels outside the mask never count. Scores are over metres, as predicted. Two more groups are named for what was done
first: each image's prediction was multiplied by one number, found over the same mask. They say what was learnt of the
shape where distance cannot be known (docs/depth_numbers.md).

`*_scale_aligned`: median(true) / median(predicted). This is the one to compare, and the one that others report: it
does not follow the few pixels of a silhouette that were predicted metres behind the head.
`*_scale_aligned_least_squares`: the number that makes the squared error in metres least, so its RMSE is the smallest
that any scale can have. Where it is far from the other, outliers decide; read it on the head, not on the full image.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_erosion

# Predictions are lifted to this before logarithms and ratios. Source: SPEC B0.
SMALLEST_DEPTH_M = 1e-3
# Depth behind the nearest point that still counts as face. Source: khan2021 section IV.D, read as in SPEC A1.
FACE_DEPTH_RANGE_M = 0.5
DELTA_THRESHOLD = 1.25
MASKS = ("full", "head_mask", "head_inside", "nearest_plus_half_metre")
# So far from anything else a pixel of the head must lie to count as inside.
INSIDE_PX = 2
ALIGNED_SUFFIX = "_scale_aligned"
LEAST_SQUARES_SUFFIX = "_scale_aligned_least_squares"


@dataclass(frozen=True)
class ErrorSums:
    """Sums over pixels of everything that the scores need; g = true, p = predicted, in metres."""

    pixels: int
    abs_over_true: float
    """Sum of |g - p| / g."""
    squared_over_true: float
    """Sum of (g - p)^2 / g."""
    squared: float
    """Sum of (g - p)^2."""
    log: float
    """Sum of d = ln p - ln g."""
    log_abs: float
    log_squared: float
    within_1: int
    """Pixels with max(p/g, g/p) < 1.25 (strictly); then < 1.25^2 and < 1.25^3."""
    within_2: int
    within_3: int


@dataclass(frozen=True)
class ImageSums:
    """Sums of one image over one mask: as predicted, and after each way of aligning its scale."""

    raw: ErrorSums
    scale_aligned: ErrorSums
    scale_aligned_least_squares: ErrorSums


def error_sums(
    predicted_m: Float[np.ndarray, "*shape"], true_m: Float[np.ndarray, "*shape"], mask: Bool[np.ndarray, "*shape"]
) -> ErrorSums:
    """Sums over the pixels of the mask, in double precision.

    Raises: ValueError when the mask holds a pixel without true depth, or a prediction there is no finite number.
    """
    p = predicted_m[mask].astype(np.float64)
    g = true_m[mask].astype(np.float64)
    if not (g > 0).all():
        raise ValueError(f"{int((~(g > 0)).sum())} of {g.size} pixels of the mask have no true depth; mask them out")
    if not np.isfinite(p).all():
        raise ValueError(f"{int((~np.isfinite(p)).sum())} of {p.size} predicted depths are not finite numbers")
    lifted = np.maximum(p, SMALLEST_DEPTH_M)
    log_difference = np.log(lifted) - np.log(g)
    ratio = np.maximum(lifted / g, g / lifted)
    error = g - p
    return ErrorSums(
        pixels=int(g.size),
        abs_over_true=float((np.abs(error) / g).sum()),
        squared_over_true=float((error**2 / g).sum()),
        squared=float((error**2).sum()),
        log=float(log_difference.sum()),
        log_abs=float(np.abs(log_difference).sum()),
        log_squared=float((log_difference**2).sum()),
        within_1=int((ratio < DELTA_THRESHOLD).sum()),
        within_2=int((ratio < DELTA_THRESHOLD**2).sum()),
        within_3=int((ratio < DELTA_THRESHOLD**3).sum()),
    )


def pool(sums: Sequence[ErrorSums]) -> ErrorSums:
    """The sums over all pixels of several images."""
    fields = [field.name for field in dataclasses.fields(ErrorSums)]
    return ErrorSums(**{name: sum(getattr(part, name) for part in sums) for name in fields})


def scores(sums: ErrorSums) -> dict[str, float]:
    """Every score by name. Raises: ValueError when there is no pixel.

    rmse_ln is over natural logarithms; rmse_log10 and mean_abs_log10 over base 10; silog is the standard deviation of
    ln p - ln g. Source: SPEC B0.
    """
    n = sums.pixels
    if n == 0:
        raise ValueError("no pixel to score: the mask is empty in every image")
    per_decade = np.log(10.0)
    return {
        "abs_rel": sums.abs_over_true / n,
        "sq_rel": sums.squared_over_true / n,
        "rmse_m": float(np.sqrt(sums.squared / n)),
        "rmse_ln": float(np.sqrt(sums.log_squared / n)),
        "rmse_log10": float(np.sqrt(sums.log_squared / n) / per_decade),
        "mean_abs_log10": float(sums.log_abs / n / per_decade),
        "silog": float(np.sqrt(max(silog_squared(sums, mean_weight=1.0), 0.0))),
        "delta_1": sums.within_1 / n,
        "delta_2": sums.within_2 / n,
        "delta_3": sums.within_3 / n,
    }


def silog_squared(sums: ErrorSums, *, mean_weight: float) -> float:
    """mean d^2 - mean_weight * (mean d)^2 with d = ln p - ln g. Source: SPEC B0 (weight 1 reported, 0.5 trained)."""
    return sums.log_squared / sums.pixels - mean_weight * (sums.log / sums.pixels) ** 2


def scale_aligned(
    predicted_m: Float[np.ndarray, "*shape"], true_m: Float[np.ndarray, "*shape"], mask: Bool[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """The prediction times median(true) / median(predicted) over the mask; unchanged where the mask is empty."""
    if not mask.any():
        return predicted_m
    median_m = max(float(np.median(predicted_m[mask])), SMALLEST_DEPTH_M)
    return predicted_m * predicted_m.dtype.type(float(np.median(true_m[mask])) / median_m)


def scale_aligned_least_squares(
    predicted_m: Float[np.ndarray, "*shape"], true_m: Float[np.ndarray, "*shape"], mask: Bool[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """The prediction times the number s that makes the sum of (s p - g)^2 over the mask least; unchanged where the
    mask is empty. Predictions below the smallest depth count as that."""
    if not mask.any():
        return predicted_m
    p, g = np.maximum(predicted_m[mask].astype(np.float64), SMALLEST_DEPTH_M), true_m[mask].astype(np.float64)
    return predicted_m * predicted_m.dtype.type((p @ g) / (p @ p))


def evaluation_masks(
    depth_m: Float[np.ndarray, "h w"], head_mask: Bool[np.ndarray, "h w"]
) -> dict[str, Bool[np.ndarray, "h w"]]:
    """The pixels each set of scores is taken over, from true depth in metres (0 = invalid) and the mask of the head.

    `full`: all (invalid ones count as background). `head_mask`: the head. `head_inside`: the head, where all within
    two pixels is head too: a pixel on the silhouette or on a single strand of hair that is taken for the background
    is metres off, and a hundredth of such pixels outweighs every error of shape and distance of the others.
    `nearest_plus_half_metre`: valid and at most 0.5 m behind the nearest valid pixel. It and `head_mask` are both
    readings of khan2021's facial crop, "within 50 cm from the camera", which no face at its distances of 0.7 to 1 m
    is.
    """
    valid = depth_m > 0
    head = head_mask & valid
    window = np.ones((2 * INSIDE_PX + 1, 2 * INSIDE_PX + 1), dtype=bool)
    nearest_m = depth_m[valid].min() if valid.any() else np.inf
    return {
        "full": np.ones_like(valid),
        "head_mask": head,
        # Of what lies beyond the border of the picture nothing is known that would speak against it.
        "head_inside": binary_erosion(head, window, border_value=1),
        "nearest_plus_half_metre": valid & (depth_m <= nearest_m + FACE_DEPTH_RANGE_M),
    }


def image_sums(
    predicted_m: Float[np.ndarray, "h w"],
    depth_m: Float[np.ndarray, "h w"],
    head_mask: Bool[np.ndarray, "h w"],
    *,
    background_depth_m: float,
) -> dict[str, ImageSums]:
    """For each mask the sums of one image, raw and aligned. Invalid true depth counts as background."""
    true_m = np.where(depth_m > 0, depth_m, depth_m.dtype.type(background_depth_m))
    return {
        name: ImageSums(
            raw=error_sums(predicted_m, true_m, mask),
            scale_aligned=error_sums(scale_aligned(predicted_m, true_m, mask), true_m, mask),
            scale_aligned_least_squares=error_sums(
                scale_aligned_least_squares(predicted_m, true_m, mask), true_m, mask
            ),
        )
        for name, mask in evaluation_masks(depth_m, head_mask).items()
    }


def all_scores(sums: ImageSums) -> dict[str, float]:
    """Scores of the prediction as it is, and of the aligned ones with the suffix that names how."""
    groups = {
        "": sums.raw,
        ALIGNED_SUFFIX: sums.scale_aligned,
        LEAST_SQUARES_SUFFIX: sums.scale_aligned_least_squares,
    }
    return {name + suffix: value for suffix, group in groups.items() for name, value in scores(group).items()}


def pool_images(images: Sequence[ImageSums]) -> ImageSums:
    """The sums over all pixels of several images, each aligned by itself."""
    names = [field.name for field in dataclasses.fields(ImageSums)]
    return ImageSums(**{name: pool([getattr(image, name) for image in images]) for name in names})


def dataset_scores(images: Sequence[dict[str, ImageSums]]) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by mask, `pooled` over all pixels and `mean_over_images`, from the sums of every image.

    `images` and `pixels` say what was counted: an image in which a mask is empty has no score under it. A mask that
    is empty in every image is left out.
    """
    result: dict[str, dict[str, dict[str, float]]] = {}
    for mask in MASKS:
        counted = [image[mask] for image in images if image[mask].raw.pixels > 0]
        if not counted:
            continue
        each = [all_scores(image) for image in counted]
        pooled = pool_images(counted)
        size = {"images": len(counted), "pixels": pooled.raw.pixels}
        result[mask] = {
            "pooled": {**all_scores(pooled), **size},
            "mean_over_images": {**{name: float(np.mean([one[name] for one in each])) for name in each[0]}, **size},
        }
    return result
