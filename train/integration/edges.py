"""Edges of a pixel grid: one number for each pair of neighbours, to the right and down."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Edges:
    """Values of the edges from each pixel to its right and lower neighbour, b x h x w.

    The last column of `right` and the last row of `down` lead out of the picture and are 0.
    """

    right: Float[Tensor, "b h w"]
    down: Float[Tensor, "b h w"]


def combine(function: Callable[..., Tensor], *edges: Edges) -> Edges:
    """An elementwise function of the values of both kinds of edges."""
    return Edges(function(*(one.right for one in edges)), function(*(one.down for one in edges)))


def steps(values: Float[Tensor, "b h w"]) -> Edges:
    """The change of a value along each edge."""
    return Edges(F.pad(values.diff(dim=2), (0, 1)), F.pad(values.diff(dim=1), (0, 0, 0, 1)))


def pairs(function: Callable[[Tensor, Tensor], Tensor], values: Float[Tensor, "b h w"]) -> Edges:
    """A function of the values at both ends of each edge, the left or upper one first."""
    return Edges(
        F.pad(function(values[:, :, :-1], values[:, :, 1:]), (0, 1)),
        F.pad(function(values[:, :-1], values[:, 1:]), (0, 0, 0, 1)),
    )


def inside(mask: Bool[Tensor, "b h w"], dtype: torch.dtype) -> Edges:
    """1 for edges with both pixels in the mask, else 0."""
    return pairs(torch.mul, mask.to(dtype))


def into_pixels(edges: Edges) -> Float[Tensor, "b h w"]:
    """The transpose of `steps`: what flows into each pixel along its edges, less what flows out."""
    flow = -edges.right - edges.down
    flow[:, :, 1:] += edges.right[:, :, :-1]
    flow[:, 1:] += edges.down[:, :-1]
    return flow


def around_pixels(edges: Edges) -> Float[Tensor, "b h w"]:
    """Sum over the up to four edges of each pixel."""
    total = edges.right + edges.down
    total[:, :, 1:] += edges.right[:, :, :-1]
    total[:, 1:] += edges.down[:, :-1]
    return total


def at_ends(values: Float[Tensor, "b h w 2"]) -> tuple[Edges, Edges]:
    """Values for x and y at the first (left or upper) and at the second end of each edge, x to the right, y down."""
    x, y = values.unbind(-1)
    first = Edges(pairs(lambda one, _: one, x).right, pairs(lambda one, _: one, y).down)
    return first, Edges(pairs(lambda _, other: other, x).right, pairs(lambda _, other: other, y).down)
