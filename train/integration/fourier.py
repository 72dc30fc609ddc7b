"""Integration by transforms: exact on whole rectangles without weights, and only there.

The mask becomes its bounding box, and slopes outside it are 0, so they are the baselines that a mask needs to beat.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from train.integration.edges import Edges, into_pixels


def frankot_chellappa(slopes: Float[Tensor, "b h w 2"]) -> Float[Tensor, "b h w"]:
    """The periodic surface whose derivatives are nearest to the slopes (x: right, y: down), mean 0.

    Source: Frankot and Chellappa 1988, cited by bouafif2020 section 2. The mean slope is lost, as in the original.
    """
    height_px, width_px = slopes.shape[1:3]
    like = {"dtype": slopes.dtype, "device": slopes.device}
    x = 2 * torch.pi * torch.fft.fftfreq(width_px, **like)
    y = 2 * torch.pi * torch.fft.fftfreq(height_px, **like)[:, None]
    spectrum = torch.fft.fft2(slopes, dim=(1, 2))
    squared = x**2 + y**2
    squared[0, 0] = 1.0
    surface = -1j * (x * spectrum[..., 0] + y * spectrum[..., 1]) / squared
    surface[:, 0, 0] = 0
    return torch.fft.ifft2(surface).real


def dct_poisson(targets: Edges) -> Float[Tensor, "b h w"]:
    """The least-squares surface of a whole rectangle in which all edges count the same, mean 0.

    The cosine transform is a Fourier transform of the picture mirrored at its lower and right border.
    Source: Simchony, Chellappa and Shao 1990, cited by bouafif2020 section 2.
    """
    divergence = into_pixels(targets)
    height_px, width_px = divergence.shape[1:]
    mirrored = torch.cat([divergence, divergence.flip(2)], dim=2)
    mirrored = torch.cat([mirrored, mirrored.flip(1)], dim=1)
    like = {"dtype": divergence.dtype, "device": divergence.device}
    x = 2 - 2 * torch.cos(torch.pi * torch.arange(width_px + 1, **like) / width_px)
    y = 2 - 2 * torch.cos(2 * torch.pi * torch.fft.fftfreq(2 * height_px, **like))[:, None]
    eigenvalues = x + y
    eigenvalues[0, 0] = 1.0
    spectrum = torch.fft.rfft2(mirrored) / eigenvalues
    spectrum[:, 0, 0] = 0
    return torch.fft.irfft2(spectrum, s=mirrored.shape[1:])[:, :height_px, :width_px]
