"""Errors of a layer against its reference, each with the bound that it must keep."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from render.certification.certificate import Check, Unit
from render.certification.errors import HAIR_UM, OBLIQUE_DEG, Bounds, surface_errors
from render.certification.reference import Reference
from render.dataset_format import Label, SurfaceLayer

# Strands are thinner than a pixel, and Embree meets one that grazes the ray, points along it, or has just left the skin
# by an iteration that ends within 1 um or not at all: of the pixels that show hair, this share of a picture may show
# what is behind or before (0.09 % of all do, 0.8 % of the worst picture). It is a count of rare accidents, so three
# standard deviations of it are allowed on top, and two pixels in any case.
HAIR_SHARE, HAIR_DEVIATIONS, HAIR_PIXELS = 0.005, 3.0, 2.0
# Stored gradient magnitude against the stored depth: rounded to single precision once, 6e-8 of its value.
OWN_SLOPE = 1e-6


@dataclass(frozen=True)
class Comparison:
    """One promise on one picture: what is shown, what is expected, how far off each pixel is, and which count."""

    layer: Literal["visible", "head"]
    quantity: str
    rule: str
    unit: Unit
    bound: float
    error: Float[np.ndarray, "h w"]
    counts: Bool[np.ndarray, "h w"]
    shown: np.ndarray
    expected: np.ndarray


def compare_layer(
    name: Literal["visible", "head"],
    layer: SurfaceLayer,
    labels: np.ndarray | None,
    expected: Reference,
    rays: Float[np.ndarray, "h w 3"],
    bounds: Bounds,
) -> list[Comparison]:
    """Outline, depth, distance to the surface, normals, gradient magnitude; labels and hair where the layer has labels.

    Hair, whose strands are thinner than a pixel, is judged by the number of its pixels that agree.
    """
    shown_m, expected_m = layer.depth_m.astype(np.float64), expected.depth_m
    nowhere = np.zeros(shown_m.shape, dtype=bool)
    hair = nowhere if labels is None else (labels == Label.HAIR) | (expected.labels == Label.HAIR)
    outline = (shown_m > 0) != (expected_m > 0)
    both = (shown_m > 0) & (expected_m > 0)
    shown_normals = layer.normals_cam.astype(np.float64)
    errors = surface_errors(shown_m, shown_normals, expected_m, expected.normals_cam, rays)
    frontal = both & ~hair & errors.frontal
    focal_length_px = 1.0 / float(rays[0, 1, 0] - rays[0, 0, 0])
    expected_slope = central_slope(expected_m, focal_length_px=focal_length_px)
    slope_error = np.abs(layer.gradient_magnitude - expected_slope) / (1.0 + expected_slope)
    wrong_label = nowhere if labels is None else labels != expected.labels
    wrong_hair = hair & (outline | wrong_label | (errors.distance_um > HAIR_UM))
    # At the very outline of something round, 1 um sideways is half a millimetre of depth, and slopes cannot be told.
    untold = hair | (both & np.logical_not(errors.frontal))
    smooth = np.logical_not(outline | ndimage.binary_dilation(untold))
    own_slope = central_slope(shown_m, focal_length_px=focal_length_px)
    own_error = np.abs(layer.gradient_magnitude - own_slope) / (1.0 + own_slope)

    def of(quantity: str, rule: str, unit: Unit, bound: float, error, counts, shown, should) -> Comparison:
        return Comparison(name, quantity, rule, unit, bound, np.asarray(error, dtype=np.float64), counts, shown, should)

    below = f", seen at less than {OBLIQUE_DEG:g} degrees"
    normals = (layer.normals_cam, expected.normals_cam)
    slopes = (layer.gradient_magnitude, expected_slope)
    found = [
        of("outline", "depth where the ray meets a surface", "pixels", 0.0, outline, ~hair, shown_m, expected_m),
        of("depth", f"planar depth{below}", "um", bounds.depth_um, errors.depth_um, frontal, shown_m, expected_m),
        of(
            "distance", "distance of the measured point from the surface", "um", bounds.distance_um,
            errors.distance_um, both & ~hair, shown_m, expected_m,
        ),
        of("normals", f"angle to the normal{below}", "deg", bounds.normal_deg, errors.angle_deg, frontal, *normals),
        of(
            "gradient magnitude", f"difference to the slope of the expected depth, over 1 + slope{below}", "slope",
            bounds.slope, slope_error, smooth, *slopes,
        ),
        of(
            "gradient of depth", "difference to the slope of the stored depth, over 1 + slope", "slope",
            OWN_SLOPE, own_error, np.logical_not(nowhere), layer.gradient_magnitude, own_slope,
        ),
    ]  # fmt: skip
    if labels is not None:
        both_labels = (labels, expected.labels)
        found.append(of("labels", "what the ray meets first", "pixels", 0.0, wrong_label, ~hair, *both_labels))
    if hair.any():
        rule = f"hair where the ray meets a strand, within {HAIR_UM:g} um, but for {HAIR_SHARE:.2%} of it and chance"
        mean = HAIR_SHARE * float(hair.sum())
        most = max(HAIR_PIXELS, mean + HAIR_DEVIATIONS * mean**0.5)
        found.append(of("hair", rule, "pixels", most, wrong_hair, hair, shown_m, expected_m))
    return found


def checked(comparison: Comparison, scene: str) -> Check:
    """What a certificate says about a comparison. One that compares nothing proves nothing, and fails."""
    height, width = comparison.error.shape
    errors = comparison.error[comparison.counts]
    total = comparison.unit == "pixels"
    if errors.size:
        flat = np.where(comparison.counts, comparison.error, -1.0)
        worst_at = tuple(int(index) for index in np.unravel_index(int(flat.argmax()), flat.shape))
        worst = float(errors.sum() if total else errors.max())
        median, percentile_99 = (float(np.percentile(errors, share)) for share in (50, 99))
    else:
        worst_at, worst, median, percentile_99 = None, 0.0, 0.0, 0.0
    return Check(
        scene=scene,
        layer=comparison.layer,
        quantity=comparison.quantity,
        rule=comparison.rule,
        unit=comparison.unit,
        width_px=width,
        height_px=height,
        compared=int(errors.size),
        median=median,
        percentile_99=percentile_99,
        worst=worst,
        worst_at=worst_at,
        bound=comparison.bound,
        passed=bool(errors.size) and bool(np.isfinite(errors).all()) and worst <= comparison.bound,
    )


def central_slope(depth_m: Float[np.ndarray, "h w"], *, focal_length_px: float) -> Float[np.ndarray, "h w"]:
    """The gradient magnitude of a depth map, once more from its definition (docs/conventions.md), written apart from
    the code that it checks."""
    padded = np.pad(depth_m, 1)
    inner = padded[1:-1, 1:-1]
    slopes = []
    for before, after in ((padded[:-2, 1:-1], padded[2:, 1:-1]), (padded[1:-1, :-2], padded[1:-1, 2:])):
        slope = np.where((before > 0) & (after > 0), (after - before) / 2, 0.0)
        slope = np.where((before == 0) & (after > 0), after - inner, slope)
        slopes.append(np.where((before > 0) & (after == 0), inner - before, slope))
    magnitude = np.hypot(*slopes) * focal_length_px
    return np.divide(magnitude, inner, out=np.zeros_like(inner), where=inner > 0)
