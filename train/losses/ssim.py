"""SSIM: structural similarity of two images, with its dynamic range given and not guessed."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

# Source: Wang et al. 2004 (window 11, sigma 1.5, K1, K2), the values that DenseDepth and so khan2021 use.
WINDOW_PX = 11
SIGMA_PX = 1.5
K1 = 0.01
K2 = 0.03


def ssim_map(
    first: Float[Tensor, "b 1 h w"], second: Float[Tensor, "b 1 h w"], *, data_range: float
) -> Float[Tensor, "b 1 hv wv"]:
    """SSIM (at most 1) at every pixel whose whole 11 x 11 window lies inside the image.

    Raises: ValueError when the image is smaller than the window.
    """
    height, width = first.shape[-2:]
    if min(height, width) < WINDOW_PX:
        raise ValueError(f"SSIM needs images of {WINDOW_PX} pixels or more each way, but {width} x {height} came")
    # Moments are taken about the mean of the target: differences of large squares lose digits in float32.
    centre = second.mean(dim=(-2, -1), keepdim=True).detach()
    first_centred, second_centred = first - centre, second - centre
    moments = _gaussian_mean(
        torch.cat(
            [
                first_centred,
                second_centred,
                first_centred * first_centred,
                second_centred * second_centred,
                first_centred * second_centred,
            ],
            dim=1,
        )
    )
    mean_1, mean_2, square_1, square_2, product = moments.split(1, dim=1)
    variance_1, variance_2 = square_1 - mean_1**2, square_2 - mean_2**2
    covariance = product - mean_1 * mean_2
    mean_1, mean_2 = mean_1 + centre, mean_2 + centre
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1)
    structure = (2 * covariance + c2) / (variance_1 + variance_2 + c2)
    return luminance * structure


def _gaussian_mean(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c hv wv"]:
    channels = images.shape[1]
    offsets = torch.arange(WINDOW_PX, dtype=images.dtype, device=images.device) - WINDOW_PX // 2
    taps = torch.exp(-(offsets**2) / (2 * SIGMA_PX**2))
    taps = (taps / taps.sum()).expand(channels, 1, 1, WINDOW_PX)
    rows = functional.conv2d(images, taps, groups=channels)
    return functional.conv2d(rows, taps.transpose(2, 3), groups=channels)
