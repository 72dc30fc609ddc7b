"""PictureCritic: one number for a picture together with maps of it, as high as they look true."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

# Source: the public code of Su et al. 2018, on which bouafif2020 builds.
KERNEL_PX = 5
NEGATIVE_SLOPE = 0.2
WIDTH_FACTORS = (1, 2, 4, 8)
STRIDES = (2, 2, 2, 1)
PICTURE_MAPS = 3


class PictureCritic(nn.Module):
    """Four 5 x 5 convolutions of width, 2, 4 and 8 times width maps, and a linear layer over all that is left.

    Three of them halve the picture, the last does not. Each is followed by batch norm, but the first, and LeakyReLU
    0.2. There is no sigmoid: what a Wasserstein critic says has no bounds. The linear layer ties it to one size of
    picture. Source: bouafif2020, section 3.2 and figure 3; kernels, widths and strides from the code of Su et al. 2018.
    """

    def __init__(self, *, width: int, maps: int, height_px: int, width_px: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = PICTURE_MAPS + maps
        for factor, stride in zip(WIDTH_FACTORS, STRIDES, strict=True):
            first, after = not layers, factor * width
            layers.append(nn.Conv2d(before, after, KERNEL_PX, stride=stride, padding=KERNEL_PX // 2, bias=first))
            layers += [nn.Identity() if first else nn.BatchNorm2d(after), nn.LeakyReLU(NEGATIVE_SLOPE)]
            height_px, width_px = -(-height_px // stride), -(-width_px // stride)
            before = after
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(before * height_px * width_px, 1)

    def forward(self, rgb: Float[Tensor, "b 3 h w"], maps: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """One number a picture, whose values are 0..1, for maps of -1 to 1."""
        seen = self.layers(torch.cat([rgb * 2 - 1, maps], dim=1))
        return self.last(seen.flatten(start_dim=1))[:, 0]
