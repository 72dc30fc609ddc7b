"""The depth loss of khan2021: weighted SSIM, gradient and normal terms, with an L1 term that the paper may have had.

All terms compare encoded depths (train/encoding.py). Without the L1 term nothing but the luminance part of SSIM sees
a constant error, and its weight is 0.1 / 5: the literal loss learns shape well and absolute distance slowly.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from train.depth_spec import LossSpec
from train.losses.ssim import ssim_map


def depth_loss(
    predicted: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"], *, spec: LossSpec, data_range: float
) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
    """The weighted loss, and each term before weighting, by its name in LossSpec.

    `data_range` is the width of the interval that targets lie in. Source: khan2021, section IV.B.
    """
    terms = {
        "ssim": ssim_term(predicted, target, data_range=data_range, divisor=spec.ssim_divisor),
        "gradient": gradient_term(predicted, target),
        "normal": normal_term(predicted, target, slope=spec.normal_slope),
        "l1": l1_term(predicted, target),
    }
    weights = {"ssim": spec.ssim, "gradient": spec.gradient, "normal": spec.normal, "l1": spec.l1}
    # A term of weight 0 stays out of the sum, so that it can neither cost a backward pass nor spread a NaN.
    weighted = [weights[name] * term for name, term in terms.items() if weights[name] > 0]
    return torch.stack(weighted).sum(), {name: term.detach() for name, term in terms.items()}


def ssim_term(
    predicted: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"], *, data_range: float, divisor: float
) -> Float[Tensor, ""]:
    """(1 - mean SSIM) / divisor; 0 for equal images."""
    return (1 - ssim_map(predicted, target, data_range=data_range).mean()) / divisor


def gradient_term(predicted: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"]) -> Float[Tensor, ""]:
    """Mean of |d/dx e| + |d/dy e| with e = |target - predicted|; blind to a constant error."""
    along_x, along_y = sobel((target - predicted).abs())
    return (along_x.abs() + along_y.abs()).mean()


def normal_term(
    predicted: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"], *, slope: float
) -> Float[Tensor, ""]:
    """Mean of 1 - cos of the angle between the normals [-d/dx, -d/dy, 1] of both images, each times `slope`.

    0..2, blind to a constant error.
    """
    cosine = (image_normals(slope * predicted) * image_normals(slope * target)).sum(dim=1)
    return (1 - cosine).mean()


def l1_term(predicted: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"]) -> Float[Tensor, ""]:
    """Mean absolute difference of the encoded depths."""
    return (predicted - target).abs().mean()


def image_normals(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Unit vectors along [-d/dx, -d/dy, 1] of an image read as a height field over its pixels."""
    along_x, along_y = sobel(image)
    return functional.normalize(torch.cat([-along_x, -along_y, torch.ones_like(image)], dim=1), dim=1)


def sobel(image: Float[Tensor, "b 1 h w"]) -> tuple[Float[Tensor, "b 1 h w"], Float[Tensor, "b 1 h w"]]:
    """Sobel derivatives to the right and down, integer taps: 8 times the slope per pixel; the border is repeated."""
    smooth = torch.tensor([1.0, 2.0, 1.0], dtype=image.dtype, device=image.device)
    difference = torch.tensor([-1.0, 0.0, 1.0], dtype=image.dtype, device=image.device)
    taps = torch.stack([torch.outer(smooth, difference), torch.outer(difference, smooth)])[:, None]
    along_x, along_y = functional.conv2d(functional.pad(image, (1, 1, 1, 1), mode="replicate"), taps).split(1, dim=1)
    return along_x, along_y
