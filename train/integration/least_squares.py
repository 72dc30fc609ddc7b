"""Weighted least squares as published, and without weights."""

import torch
from jaxtyping import Float
from torch import Tensor

from train.integration.edges import Edges, combine, pairs
from train.integration.slopes import SlopeField
from train.integration.solve import solve


def published_weights(gradient_magnitude: Float[Tensor, "b h w"], lam: float) -> Edges:
    """w = 1 / (1 + lam W) at the pixels, averaged onto the edges. Source: bouafif2020 equations 6 and 7."""
    return pairs(lambda one, other: (one + other) / 2, 1 / (1 + lam * gradient_magnitude))


def integrate_least_squares(
    field: SlopeField, gradient_magnitude: Float[Tensor, "b h w"], *, lam: float, back_end: str
) -> Float[Tensor, "b h w"]:
    """t of the weighted least-squares surface; with `lam` 0 every edge weighs the same.

    Source: bouafif2020 equations 5 to 8.
    """
    weights = combine(torch.mul, field.trust, published_weights(gradient_magnitude, lam))
    return solve(weights, field.targets, field.mask, back_end=back_end)
