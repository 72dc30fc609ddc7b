"""The robust σ of depth maps: what is left of the error once each image's offset and its outliers are taken away.

Depth is orthographic, in pixels, and known up to one constant per image. The residual is true minus reconstructed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from train.errors import InputError

# Residuals this close to the median give the first spread. Source: bouafif2020 section 4.2, step 2 (θ).
THETA_PX = 7.0
# Spreads around the median within which residuals count. Source: bouafif2020 section 4.2, step 3.
SPREADS_KEPT = 3.0


@dataclass(frozen=True)
class RobustResidual:
    """One image's residuals in pixels: median M, spread σ_M within M ± 7, and the variance within M ± 3 σ_M."""

    median_px: float
    spread_px: float
    variance_px2: float
    pixels: int
    pixels_kept: int


@dataclass(frozen=True)
class ResidualHistogram:
    """Counts of residuals between edges, and the intervals that bouafif2020's figure 6c marks: M ± 7 and M ± 3 σ_M."""

    counts: Int[np.ndarray, " bins"]
    edges_px: Float[np.ndarray, " bins+1"]
    median_px: float
    first_interval_px: tuple[float, float]
    kept_interval_px: tuple[float, float]


def depth_residual_px(
    depth_true_px: Float[np.ndarray, "h w"],
    depth_reconstructed_px: Float[np.ndarray, "h w"],
    mask_true: Bool[np.ndarray, "h w"],
    mask_reconstructed: Bool[np.ndarray, "h w"],
) -> Float[np.ndarray, "h w"]:
    """True minus reconstructed depth in pixels where both masks hold, NaN elsewhere; the offset is still in it.

    Raises: InputError when the masks share no pixel, or a depth within both is not finite.
    Source: bouafif2020 section 4.2, step 1.
    """
    shared = mask_true & mask_reconstructed
    if not shared.any():
        raise InputError(
            f"no pixel lies in both masks ({int(mask_true.sum())} pixels true, {int(mask_reconstructed.sum())} "
            "reconstructed); are they of the same picture?"
        )
    residual_px = np.where(shared, depth_true_px.astype(np.float64) - depth_reconstructed_px, np.nan)
    broken = int((~np.isfinite(residual_px[shared])).sum())
    if broken:
        raise InputError(f"{broken} of {int(shared.sum())} shared pixels have no finite depth; take them out of a mask")
    return residual_px


def robust_residual(residual_px: Float[np.ndarray, "h w"]) -> RobustResidual:
    """Median, spread and variance of one image's residual map; pixels that are NaN do not count.

    Intervals include their ends, and variances divide by the number of residuals (ours; the paper does not say).
    Raises: InputError when nothing is left to take a variance of.
    Source: bouafif2020 section 4.2, steps 2 and 3; SPEC B4.
    """
    residuals = residual_px[~np.isnan(residual_px)]
    if residuals.size == 0:
        raise InputError("the residual map holds no pixel (all NaN); give depth_residual_px two masks that overlap")
    median_px = float(np.median(residuals))
    near = residuals[np.abs(residuals - median_px) <= THETA_PX]
    spread_px = float(near.std()) if near.size else 0.0
    kept = residuals[np.abs(residuals - median_px) <= SPREADS_KEPT * spread_px]
    if kept.size == 0:
        raise InputError(
            f"none of {residuals.size} residuals lies close to their median {median_px:.3g} px: they fall into two "
            "parts with nothing between; integrate one connected component, or give each its own offset first"
        )
    return RobustResidual(
        median_px=median_px,
        spread_px=spread_px,
        variance_px2=float(kept.var()),
        pixels=int(residuals.size),
        pixels_kept=int(kept.size),
    )


def robust_sigma_px(images: Sequence[RobustResidual]) -> float:
    """σ = √(mean over images of their variance), pixels; every image weighs the same.

    Raises: InputError without images. Source: bouafif2020 section 4.2; SPEC B4.
    """
    if not images:
        raise InputError("a sigma over images needs one image or more, but none came")
    return float(np.sqrt(np.mean([image.variance_px2 for image in images])))


def residual_histogram(residual_px: Float[np.ndarray, "h w"], *, bin_width_px: float) -> ResidualHistogram:
    """Counts of one image's residuals in bins of one width; every residual falls into a bin.

    Source: bouafif2020 figure 6c.
    """
    if not bin_width_px > 0:
        raise InputError(f"the width of a bin must be above 0 px, but {bin_width_px} came")
    image = robust_residual(residual_px)
    residuals = residual_px[~np.isnan(residual_px)]
    first = np.floor(residuals.min() / bin_width_px)
    last = np.floor(residuals.max() / bin_width_px) + 1
    counts, edges_px = np.histogram(residuals, np.arange(first, last + 1) * bin_width_px)
    reach_px = SPREADS_KEPT * image.spread_px
    return ResidualHistogram(
        counts=counts,
        edges_px=edges_px,
        median_px=image.median_px,
        first_interval_px=(image.median_px - THETA_PX, image.median_px + THETA_PX),
        kept_interval_px=(image.median_px - reach_px, image.median_px + reach_px),
    )
