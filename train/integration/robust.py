"""Our own integration: jumps are found while the surface is, from normals alone or with a gradient magnitude.

Rounds of weighted least squares follow each other, each from the surface before it. An edge whose change of t is far
from what normals say weighs less in the next round; "far" shrinks from round to round (graduated non-convexity) and is
measured in medians of all edges, so noise does not count as a jump. Rounds are solved loosely: fully converged weights
differ by many powers of ten, and solving for them would buy nothing. Source: ours.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from train.integration.bilateral import bilateral_terms
from train.integration.edges import Edges, combine, pairs, steps
from train.integration.slopes import GRAZING_COSINE, SlopeField
from train.integration.solve import solve

# A round's tolerance and iterations. Source: measured, ours.
TOLERANCE, MOST_ITERATIONS = 1e-3, 4
# First and last distance of a stage, in medians, and the rounds of the stage before the bilateral ones, and of the one
# after them, which is the only one with a gradient magnitude. Source: measured on folded surfaces and heads, ours.
FIRST_DISTANCE, LAST_DISTANCE = 10.0, 2.0
ROUNDS_BEFORE, ROUNDS_AFTER = 20, 12
BILATERAL_ROUNDS = 10
# Least part of its weight that an edge keeps, so that parts stay tied, and least median, in pixels per pixel.
LEAST_SHARE, LEAST_MEDIAN = 1e-4, 1e-3
# A gradient magnitude is in excess of the slope that normals explain beyond this factor; least weight of a pixel.
EXPLAINED, LEAST_PIXEL_WEIGHT = 1.5, 1e-2
# About so many edges of a picture make the median.
MEDIAN_EDGES = 1 << 16


def integrate_robust(field: SlopeField, *, back_end: str) -> Float[Tensor, "b h w"]:
    """t from normals alone. In between, bilateral rounds move parts that the first stage left where they were."""
    t = solve(field.trust, field.targets, field.mask, back_end=back_end)
    t = _sharpened(field, field.trust, t, ROUNDS_BEFORE, back_end=back_end)
    for _ in range(BILATERAL_ROUNDS):
        t = _round(field, *bilateral_terms(field, t), t, back_end=back_end)
    return _sharpened(field, field.trust, t, ROUNDS_AFTER, back_end=back_end)


def integrate_robust_gradient(
    field: SlopeField, gradient_magnitude: Float[Tensor, "b h w"], *, back_end: str
) -> Float[Tensor, "b h w"]:
    """t with the gradient magnitude as a hint at jumps: what of it the normals do not explain is a jump's."""
    weights = combine(torch.mul, field.trust, excess_weights(field, gradient_magnitude))
    t = solve(weights, field.targets, field.mask, back_end=back_end)
    return _sharpened(field, weights, t, ROUNDS_AFTER, back_end=back_end)


def excess_weights(field: SlopeField, gradient_magnitude: Float[Tensor, "b h w"]) -> Edges:
    """(1 + X^2)^-2, at least 0.01, averaged onto the edges; X is the magnitude less 1.5 times the normals' slope.

    Blur and noise in the magnitude stay below that factor on smooth surfaces, and depth does not enter. Source: ours.
    """
    excess = (gradient_magnitude - EXPLAINED * field.slopes.norm(dim=-1)).clamp(min=0)
    weights = ((1 + excess**2) ** -2).clamp(min=LEAST_PIXEL_WEIGHT)
    return pairs(lambda one, other: (one + other) / 2, weights)


def _sharpened(
    field: SlopeField,
    weights: Edges,
    t: Float[Tensor, "b h w"],
    rounds: int,
    *,
    back_end: str,
) -> Float[Tensor, "b h w"]:
    """t after rounds whose weights are multiplied by 1 / (1 + (error / distance)^2).

    Errors are measured across the surface, not along the ray: a steep slope is as uncertain as it is steep.
    """
    across = pairs(torch.minimum, field.cosine.clamp(min=GRAZING_COSINE))
    ratio = LAST_DISTANCE / FIRST_DISTANCE
    for number in range(rounds):
        errors = combine(lambda c, s, g: c * (s - g).abs(), across, steps(t), field.targets)
        distance = FIRST_DISTANCE * ratio ** (number / (rounds - 1)) * (_median(field, errors) + LEAST_MEDIAN)
        shares = combine(lambda w, e, d=distance: w * (1 / (1 + (e / d) ** 2)).clamp(min=LEAST_SHARE), weights, errors)
        t = _round(field, shares, field.targets, t, back_end=back_end)
    return t


def _round(
    field: SlopeField, weights: Edges, targets: Edges, t: Float[Tensor, "b h w"], *, back_end: str
) -> Float[Tensor, "b h w"]:
    return solve(
        weights,
        targets,
        field.mask,
        start=t,
        tolerance=TOLERANCE,
        most_iterations=MOST_ITERATIONS,
        back_end=back_end,
    )


def _median(field: SlopeField, errors: Edges) -> Float[Tensor, "b 1 1"]:
    """The median by picture over a regular share of the edges with usable normals at both ends; 0 without any."""
    height_px, width_px = field.mask.shape[1:]
    every = max(1, round((2 * height_px * width_px / MEDIAN_EDGES) ** 0.5))
    samples = [
        torch.where(known > 0, error, torch.nan)[:, ::every, ::every].flatten(1)
        for error, known in ((errors.right, field.known.right), (errors.down, field.known.down))
    ]
    return torch.cat(samples, dim=1).nanmedian(dim=1).values.nan_to_num(0.0)[:, None, None]
