"""From normals to slopes: how much depth should change along each edge, and which edges can be trusted.

The unknown t is depth in pixels (orthographic), or focal length times log depth (perspective), so that both are slopes
of one pixel per pixel at 45 degrees, and every threshold means the same under both projections.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from train.integration.edges import Edges, at_ends, combine, inside, pairs

# Cosine of the angle between normal and ray below which a normal counts as unknown: the slope of 20 that it stands for
# moves by a third with one degree of noise. Source: SPEC D4 (N_z >= 0.05).
GRAZING_COSINE = 0.05
# Weights of edges of which one or neither end has a usable normal, next to 1. They tie, and hardly pull. Source: ours.
ONE_END, NO_END = 1e-2, 1e-4
# Least ratio of depths along one edge: no picture has more, but a slope and a very short focal length could ask for it.
LEAST_RATIO = 0.1


@dataclass(frozen=True)
class SlopeField:
    """What normals say about t. `slopes` are per pixel (x: right, y: down), and `cosine` is -n . ray of unit normals
    and rays with z = 1; both are 0 where the normal is unusable.

    `targets` are the changes of t along edges, from the planes at both ends that meet at the middle of the edge;
    `first` and `second` the same from the plane at one end alone, extended. `trust` weighs edges by their usable ends;
    `known` is 1 where both are usable, else 0.
    """

    mask: Bool[Tensor, "b h w"]
    slopes: Float[Tensor, "b h w 2"]
    cosine: Float[Tensor, "b h w"]
    targets: Edges
    first: Edges
    second: Edges
    trust: Edges
    known: Edges


def focal_length_px(intrinsics_px: Float[Tensor, "b 3 3"]) -> Float[Tensor, "b 1 1"]:
    """The geometric mean of both focal lengths, by picture."""
    return (intrinsics_px[:, 0, 0] * intrinsics_px[:, 1, 1]).sqrt()[:, None, None]


def slope_field(
    normals_cam: Float[Tensor, "b h w 3"],
    mask: Bool[Tensor, "b h w"],
    intrinsics_px: Float[Tensor, "b 3 3"] | None,
) -> SlopeField:
    """Slopes and targets of every picture; normals need no unit length.

    Two planes that meet at the ray through the middle of an edge make targets exact on planes, in perspective too, and
    of second order elsewhere: on a smooth face the slope of one end alone has 200 times the error. Source: ours;
    orthographic it is bouafif2020 equations 4 and 8.
    """
    if intrinsics_px is None:
        rays, axes, focal_px = normals_cam.new_tensor([0.0, 0.0, 1.0]), None, normals_cam.new_ones(1, 1, 1)
    else:
        axes = torch.linalg.inv(intrinsics_px)
        rays, focal_px = _pixels(normals_cam) @ axes.transpose(-1, -2)[:, None], focal_length_px(intrinsics_px)
    facing = -(normals_cam * rays).sum(-1)
    length = normals_cam.norm(dim=-1)
    usable = mask & (facing > GRAZING_COSINE * length * rays.norm(dim=-1)) & (length > 0)
    cosine = torch.where(usable, facing / length, 0.0)
    facing = torch.where(usable, facing, 1.0)[..., None]
    normals = torch.where(usable[..., None], normals_cam, 0.0)
    across = normals if axes is None else normals @ axes[:, None]
    slopes = across[..., :2] / facing * focal_px[..., None]

    def moved(step_px: float) -> Float[Tensor, "b h w 2"]:
        """Change of t on the plane of a pixel from its centre to `step_px` to the right, and down."""
        if axes is None:
            return step_px * slopes
        return -focal_px[..., None] * torch.log1p((-step_px * slopes / focal_px[..., None]).clamp(min=LEAST_RATIO - 1))

    first, second = at_ends(moved(1.0))[0], at_ends(-moved(-1.0))[1]
    middle = combine(torch.add, at_ends(moved(0.5))[0], at_ends(-moved(-0.5))[1])
    within, both = inside(mask, slopes.dtype), inside(usable, slopes.dtype)
    either = pairs(torch.add, usable.to(slopes.dtype))
    # An unusable end has slope 0, so that of the usable one is the sum.
    targets = combine(
        lambda w, b, m, one, other: w * torch.where(b > 0, m, one + other), within, both, middle, first, second
    )
    trust = combine(lambda w, n: w * torch.where(n == 2, 1.0, torch.where(n == 1, ONE_END, NO_END)), within, either)
    return SlopeField(mask, slopes, cosine, targets, first, second, trust, both)


def _pixels(like: Float[Tensor, "b h w 3"]) -> Float[Tensor, "h w 3"]:
    """Homogeneous positions of the pixel centres."""
    height_px, width_px = like.shape[1:3]
    y = torch.arange(height_px, dtype=like.dtype, device=like.device) + 0.5
    x = torch.arange(width_px, dtype=like.dtype, device=like.device) + 0.5
    grid = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([grid[1], grid[0], torch.ones_like(grid[0])], dim=-1)
