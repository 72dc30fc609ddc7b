"""Normals encoding: normals and gradient magnitude to the four maps a network is trained on, and exactly back."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from train.normals_spec import NormalsEncoding

# Three of the normal, one of the gradient magnitude.
MAPS = 4
# Where a normal is longer than this, there is a surface. Source: SPEC A4; the paper says nothing of its mask.
SURFACE_LENGTH = 0.5


@dataclass(frozen=True)
class NormalsMaps:
    """Unit normals in the camera frame, (0, 0, 0) outside the mask; slope without a unit, 0 there; and the mask."""

    normals_cam: Float[Tensor, "b 3 h w"]
    gradient_magnitude: Float[Tensor, "b 1 h w"]
    mask: Bool[Tensor, "b 1 h w"]


def encode_normals(
    normals_cam: Float[Tensor, "b 3 h w"], gradient_magnitude: Float[Tensor, "b 1 h w"], encoding: NormalsEncoding
) -> Float[Tensor, "b 4 h w"]:
    """Maps of -1 to 1: the normal as it is, so (0, 0, 0) without a surface, and the slope, cut at the largest.

    Source: bouafif2020, section 3.2 ("N lies in the range [-1, 1]"); of the slope it says nothing: SPEC A4.
    """
    share = gradient_magnitude.clamp(max=encoding.largest_gradient) / encoding.largest_gradient
    return torch.cat([normals_cam, 2 * share - 1], dim=1)


def decode_normals(maps: Float[Tensor, "b 4 h w"], encoding: NormalsEncoding) -> NormalsMaps:
    """What a target or a prediction says; the inverse of `encode_normals` for slopes up to encoding.largest_gradient.

    The mask is where the normal is longer than SURFACE_LENGTH; there it is made a unit vector.
    """
    normals_cam, slope = maps[:, :3], maps[:, 3:]
    length = normals_cam.norm(dim=1, keepdim=True)
    mask = length > SURFACE_LENGTH
    gradient_magnitude = ((slope + 1) / 2 * encoding.largest_gradient).clamp(0, encoding.largest_gradient)
    return NormalsMaps(
        normals_cam=torch.where(mask, normals_cam / length.clamp(min=SURFACE_LENGTH), 0.0),
        gradient_magnitude=torch.where(mask, gradient_magnitude, 0.0),
        mask=mask,
    )
