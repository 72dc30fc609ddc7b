"""Connected components: what a normal field cannot tell is one number for each of them, which is fixed here."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import label
from torch import Tensor


def connected_components(mask: Bool[Tensor, "b h w"]) -> Int[Tensor, "b h w"]:
    """Numbers 1, 2, … of the components of all pictures (neighbours share an edge), 0 outside the mask."""
    numbers, count = np.zeros(mask.shape, dtype=np.int64), 0
    for picture, inside in zip(numbers, mask.cpu().numpy(), strict=True):
        label(inside, output=picture)
        picture[inside] += count
        count = max(count, int(picture.max(initial=0)))
    return torch.from_numpy(numbers).to(mask.device)


def centred(t: Float[Tensor, "b h w"], mask: Bool[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """t less its mean over each component; 0 outside the mask."""
    numbers = connected_components(mask)
    flat = numbers.flatten()
    pixels = torch.bincount(flat).to(t.dtype)
    means = torch.zeros_like(pixels).index_add_(0, flat, t.flatten()) / pixels
    return torch.where(mask, t - means[numbers], 0.0)
