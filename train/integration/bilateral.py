"""Bilateral normal integration: of the two neighbours along an axis, the surface goes on to one.

Source: Cao, Santo, Shi, Okura and Matsushita, "Bilateral Normal Integration", ECCV 2022; own code.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from train.integration.edges import Edges, at_ends, combine, inside, steps
from train.integration.slopes import SlopeField
from train.integration.solve import solve

# Stiffness of the sigmoid, most rounds, change of the energy that ends them, and the tolerance and most iterations of
# each solution. Source: the method's own published settings.
STIFFNESS, MOST_ROUNDS, ENERGY_CHANGE = 2.0, 150, 1e-4
TOLERANCE, MOST_ITERATIONS = 1e-3, 5000


# Least weight of an edge, which keeps parts together that are seen at a grazing angle. Source: ours.
LEAST_WEIGHT = 1e-4


def integrate_bilateral(field: SlopeField, *, back_end: str) -> Float[Tensor, "b h w"]:
    """t after iteratively re-weighted least squares, which ends when the energy stays the same."""
    t, energy = torch.zeros_like(field.cosine), None
    for _ in range(MOST_ROUNDS):
        weights, targets = bilateral_terms(field, t)
        t = solve(
            weights,
            targets,
            field.mask,
            start=t,
            tolerance=TOLERANCE,
            most_iterations=MOST_ITERATIONS,
            back_end=back_end,
        )
        before, energy = energy, _energy(field, t)
        if before is not None and ((before - energy).abs() <= ENERGY_CHANGE * before).all():
            break
    return t


def forward_shares(field: SlopeField, t: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w 2"]:
    """How much of each pixel goes on to its right, and to its lower neighbour; the rest goes on to the other side."""
    along = combine(torch.mul, steps(t), inside(field.mask, t.dtype))
    forward = torch.stack([along.right, along.down], dim=-1)
    backward = torch.stack([F.pad(along.right, (1, 0))[:, :, :-1], F.pad(along.down, (0, 0, 1, 0))[:, :-1]], dim=-1)
    return torch.sigmoid(STIFFNESS * field.cosine[..., None] ** 2 * (backward**2 - forward**2))


def bilateral_terms(field: SlopeField, t: Float[Tensor, "b h w"]) -> tuple[Edges, Edges]:
    """Weights and targets of the edges for the shares that t has.

    They sum share * (cosine * (change of t - slope))^2 over both ends of each edge.
    """
    shares, squared = forward_shares(field, t), field.cosine[..., None] ** 2
    first, _ = at_ends(shares * squared)
    _, second = at_ends((1 - shares) * squared)
    weights = combine(
        lambda w, one, other: w * (one + other).clamp(min=LEAST_WEIGHT), inside(field.mask, t.dtype), first, second
    )
    targets = combine(
        lambda w, one, other, s, r: torch.where(w > 0, (one * s + other * r) / w, 0.0),
        weights,
        first,
        second,
        *at_ends(field.slopes),
    )
    return weights, targets


def _energy(field: SlopeField, t: Float[Tensor, "b h w"]) -> Float[Tensor, " b"]:
    """The weighted squared error with the shares that t itself has, by picture."""
    shares, squared = forward_shares(field, t), field.cosine[..., None] ** 2
    change, within = steps(t), inside(field.mask, t.dtype)
    terms = [
        combine(lambda m, w, c, s: m * w * (c - s) ** 2, within, weight, change, slope)
        for weight, slope in zip(
            (at_ends(shares * squared)[0], at_ends((1 - shares) * squared)[1]), at_ends(field.slopes), strict=True
        )
    ]
    return torch.stack([side.sum(dim=(1, 2)) for term in terms for side in (term.right, term.down)]).sum(dim=0)
