"""UNetSimple: the shallow U-Net of khan2021, four levels down by max-pooling and up by bilinear interpolation."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

IN_CHANNELS = 3
OUT_CHANNELS = 1
# Four halvings.
SIZE_MULTIPLE = 16


class UNetSimple(nn.Module):
    """U-Net with width, 2, 4, 8 and again 8 times width maps; 17 262 977 parameters at width 64.

    The last level is not doubled and the way up halves its middle widths, because bilinear up-sampling does not
    change the number of maps. Any image of 16 x 16 pixels or more is taken: it is padded by repeating its border to
    the next multiple of 16, and the prediction is cropped back. The output is positive (softplus: smooth, and with a
    gradient everywhere, where a clamp would leave pixels dead).

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
        """Let the untrained network predict this positive number on average, by the bias of its last layer.

        From a bias of 0 a narrow network spends most of a short training on climbing to the mean of its targets.
        """
        nn.init.constant_(_bias_of(self.head), mean + math.log(-math.expm1(-mean)))  # the inverse of softplus

    def forward(self, rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Predict the encoded depth (train/encoding.py) of pictures with values 0..1."""
        height, width = rgb.shape[-2:]
        if min(height, width) < SIZE_MULTIPLE:
            raise ValueError(f"a picture needs {SIZE_MULTIPLE} pixels or more each way, but {width} x {height} came")
        below = _pad_to_multiple(rgb)
        skips = [self.first(below)]
        for block in self.down:
            skips.append(block(functional.max_pool2d(skips[-1], 2)))
        below = skips.pop()
        for block in self.up:
            # align_corners=False keeps pixel centres at +0.5, the convention of the data.
            above = functional.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)
            below = block(torch.cat([skips.pop(), above], dim=1))
        top, left = (-height % SIZE_MULTIPLE) // 2, (-width % SIZE_MULTIPLE) // 2
        return functional.softplus(self.head(below))[:, :, top : top + height, left : left + width]


def _bias_of(layer: nn.Conv2d) -> Tensor:
    if layer.bias is None:
        raise ValueError("the last layer of a network that starts at a mean needs a bias")
    return layer.bias


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


def _pad_to_multiple(rgb: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c hp wp"]:
    missing_rows, missing_columns = -rgb.shape[-2] % SIZE_MULTIPLE, -rgb.shape[-1] % SIZE_MULTIPLE
    if missing_rows == 0 and missing_columns == 0:
        return rgb
    top, left = missing_rows // 2, missing_columns // 2
    return functional.pad(rgb, (left, missing_columns - left, top, missing_rows - top), mode="replicate")
