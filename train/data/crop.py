"""Crop: a window of every picture of a batch enlarged to the full size, with the surface a nearer camera would see."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from train.data.resize import SAME_SURFACE_STEP


@dataclass(frozen=True)
class EnlargedSurface:
    """Windows of a surface: depth in metres (0 = invalid), and where they were given, unit normals and slope."""

    depth_m: Float[Tensor, "b 1 h w"]
    normals_cam: Float[Tensor, "b 3 h w"] | None
    gradient_magnitude: Float[Tensor, "b 1 h w"] | None


def enlarge_pictures(
    pictures: Float[Tensor, "b c h w"], *, left_top_px: Float[Tensor, "b 2"], share: Float[Tensor, " b"]
) -> Float[Tensor, "b c h w"]:
    """The windows that begin at `left_top_px` and hold `share` of width and height, bilinear, at the full size."""
    corners, weights = _corners(pictures, left_top_px=left_top_px, share=share)
    return (corners * weights[:, :, None]).sum(dim=1)


def enlarge_surface(
    depth_m: Float[Tensor, "b 1 h w"],
    normals_cam: Float[Tensor, "b 3 h w"] | None,
    gradient_magnitude: Float[Tensor, "b 1 h w"] | None,
    *,
    left_top_px: Float[Tensor, "b 2"],
    share: Float[Tensor, " b"],
) -> EnlargedSurface:
    """Depth, normals and slope of the same windows; no pixel mixes two surfaces, as in `SurfaceSampler` of packs.

    Of the four pixels around a new centre count those on the surface of the one with most weight (of equal ones the
    nearest). Their depths are averaged as 1 / depth, which is exact on a plane. A pixel is invalid when less than half
    of the weight is on valid ones. Slopes count per unit of lateral distance, so enlarging does not change them.
    """
    corners_m, weights = _corners(depth_m, left_top_px=left_top_px, share=share)
    corners_m = corners_m[:, :, 0]
    usable = weights * (corners_m > 0)
    valid = usable.sum(dim=1, keepdim=True) >= 0.5 - 1e-6
    # Depths are metres below 10, so this orders equal weights by nearness, and others only if nearly equal.
    reference_m = corners_m.gather(1, (usable - 1e-5 * corners_m).argmax(dim=1, keepdim=True))
    same = (corners_m - reference_m).abs() <= SAME_SURFACE_STEP * reference_m
    kept = usable * (same & valid)
    kept = kept / kept.sum(dim=1, keepdim=True).clamp(min=1e-12)
    mean_inverse = (kept / corners_m.clamp(min=1e-12)).sum(dim=1, keepdim=True)
    # A pixel that rests on one old pixel keeps its very values.
    single = kept.amax(dim=1, keepdim=True) == 1
    averaged_m = torch.where(single, reference_m, 1 / mean_inverse.clamp(min=1e-12))
    enlarged_m = torch.where(valid, averaged_m, 0.0)
    if normals_cam is not None:
        mixed = _mixed(normals_cam, kept, left_top_px=left_top_px, share=share)
        normals_cam = torch.where(single, mixed, functional.normalize(mixed, dim=1))
    if gradient_magnitude is not None:
        gradient_magnitude = _mixed(gradient_magnitude, kept, left_top_px=left_top_px, share=share)
    return EnlargedSurface(enlarged_m, normals_cam, gradient_magnitude)


def _mixed(
    images: Float[Tensor, "b c h w"],
    kept: Float[Tensor, "b 4 h w"],
    *,
    left_top_px: Float[Tensor, "b 2"],
    share: Float[Tensor, " b"],
) -> Float[Tensor, "b c h w"]:
    """The corners' values by the weights that were kept."""
    corners, _ = _corners(images, left_top_px=left_top_px, share=share)
    return (corners * kept[:, :, None]).sum(dim=1)


def _corners(
    images: Float[Tensor, "b c h w"], *, left_top_px: Float[Tensor, "b 2"], share: Float[Tensor, " b"]
) -> tuple[Float[Tensor, "b 4 c h w"], Float[Tensor, "b 4 h w"]]:
    """The four old pixels around every new centre, and their bilinear weights; the border is repeated."""
    count, _, height, width = images.shape
    columns, across = _neighbours(left_top_px[:, 0], share, width)
    rows, down = _neighbours(left_top_px[:, 1], share, height)
    number = torch.arange(count, device=images.device)[:, None, None]
    found, weights = [], []
    for i in (0, 1):
        for j in (0, 1):
            picked = images[number, :, rows[i][:, :, None], columns[j][:, None, :]]
            found.append(picked.permute(0, 3, 1, 2))
            weights.append(down[i][:, :, None] * across[j][:, None, :])
    return torch.stack(found, dim=1), torch.stack(weights, dim=1)


def _neighbours(
    start_px: Float[Tensor, " b"], share: Float[Tensor, " b"], size: int
) -> tuple[Int[Tensor, "2 b n"], Float[Tensor, "2 b n"]]:
    """Along one axis: the old pixels on both sides of each new centre, and their weights. Centres lie at +0.5."""
    centres = torch.arange(size, device=share.device, dtype=share.dtype) + 0.5
    position = start_px[:, None] + centres * share[:, None] - 0.5
    low = position.floor()
    above = (position - low).to(share.dtype)
    indices = torch.stack([low, low + 1]).long().clamp(0, size - 1)
    return indices, torch.stack([1 - above, above])
