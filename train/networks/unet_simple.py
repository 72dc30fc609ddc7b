"""UNetSimple: the shallow U-Net of khan2021, four levels down by max-pooling and up by bilinear interpolation."""

from collections.abc import Iterator
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from train.networks.any_size import crop_padding, pad_to_multiple
from train.networks.positive_output import positive, start_at_mean

IN_CHANNELS = 3
OUT_CHANNELS = 1
# Four halvings.
SIZE_MULTIPLE = 16


class UNetSimple(nn.Module):
    """U-Net with width, 2, 4, 8 and again 8 times width maps; 17 262 977 parameters at width 64.

    The last level is not doubled and the way up halves its middle widths, because bilinear up-sampling does not
    change the number of maps. Any image of 16 x 16 pixels or more is taken: it is padded by repeating its border to
    the next multiple of 16, and the prediction is cropped back. The output is positive.

    Source: khan2021, section IV.A and Fig. 13; the widths are ours, found from the number of parameters.
    """

    def __init__(self, *, width: int) -> None:
        super().__init__()
        maps = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        self.first = double_convolution(IN_CHANNELS, maps[0], maps[0])
        self.down = nn.ModuleList(double_convolution(maps[i], maps[i + 1], maps[i + 1]) for i in range(4))
        self.up = nn.ModuleList()
        below = maps[4]
        for level in (3, 2, 1, 0):
            joined = below + maps[level]
            out = maps[level] // 2 if level > 0 else maps[0]
            self.up.append(double_convolution(joined, joined // 2, out))
            below = out
        self.head = nn.Conv2d(maps[0], OUT_CHANNELS, kernel_size=1)

    def start_at(self, mean: float) -> None:
        """Let the untrained network predict this positive number on average."""
        start_at_mean(self.head, mean)

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """What is learnt on the way down."""
        return chain(self.first.parameters(), self.down.parameters())

    def forward(self, rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Predict the encoded depth (train/encoding.py) of pictures with values 0..1."""
        below = pad_to_multiple(rgb, SIZE_MULTIPLE)
        skips = [self.first(below)]
        for block in self.down:
            skips.append(block(functional.max_pool2d(skips[-1], 2)))
        below = skips.pop()
        for block in self.up:
            # align_corners=False keeps pixel centres at +0.5, the convention of the data.
            above = functional.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)
            below = block(torch.cat([skips.pop(), above], dim=1))
        return crop_padding(positive(self.head(below)), height=rgb.shape[-2], width=rgb.shape[-1])


def double_convolution(in_maps: int, middle_maps: int, out_maps: int) -> nn.Sequential:
    """Twice 3 x 3 convolution, batch norm and ReLU; batch norm brings the bias, so the convolutions have none."""
    return nn.Sequential(
        nn.Conv2d(in_maps, middle_maps, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(middle_maps),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle_maps, out_maps, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_maps),
        nn.ReLU(inplace=True),
    )
