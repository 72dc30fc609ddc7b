"""StridedUNet: a U-Net that halves pictures by strided convolutions and doubles them by transposed ones."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from train.errors import InputError

IN_MAPS = 3
# Source: the public code of Su et al. 2018, on which bouafif2020 builds.
KERNEL_PX = 5
NEGATIVE_SLOPE = 0.2
DROPOUT = 0.5
LEVELS_WITH_DROPOUT = 3
LARGEST_FACTOR = 8


class StridedUNet(nn.Module):
    """Width, 2, 4, 8, 8 … times width maps on the way down; 65 357 188 parameters at width 64 and 7 levels.

    Down: LeakyReLU 0.2, 5 x 5 convolution of stride 2, batch norm. The first level has neither activation nor batch
    norm before and after it, and the innermost has no batch norm: of a 128 x 128 picture it holds one pixel, and a
    single picture could not be normalised. Up: ReLU, transposed convolution to the size of the level above, batch norm,
    dropout of one half on the first three, and that level's map beside it; at last tanh.

    Any picture is taken that the level before the innermost does not shrink to one pixel: an odd size is halved to the
    larger half, and doubled back to what it was. Source: bouafif2020, section 3.2 and figure 3; kernels, widths and
    dropout from the code of Su et al. 2018, which it names as its origin.
    """

    def __init__(self, *, width: int, levels: int, out_maps: int) -> None:
        super().__init__()
        maps = [width * min(2**level, LARGEST_FACTOR) for level in range(levels)]
        self.down = nn.ModuleList(
            _Down(maps[level - 1] if level else IN_MAPS, maps[level], first=level == 0, innermost=level == levels - 1)
            for level in range(levels)
        )
        self.up = nn.ModuleList(
            _Up(
                maps[level] if level == levels - 1 else 2 * maps[level],
                maps[level - 1],
                dropout=DROPOUT if levels - 1 - level < LEVELS_WITH_DROPOUT else 0.0,
            )
            for level in range(levels - 1, 0, -1)
        )
        self.last = nn.ConvTranspose2d(2 * maps[0], out_maps, KERNEL_PX, stride=2, padding=KERNEL_PX // 2)

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """What is learnt on the way down."""
        return self.down.parameters()

    def forward(self, rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Maps of -1 to 1 for pictures with values 0..1.

        Raises: InputError on a picture too small for the levels.
        """
        height, width = rgb.shape[-2:]
        smallest = 2 ** (len(self.down) - 1)
        if max(height, width) <= smallest:
            raise InputError(
                f"a picture of {width} x {height} is one pixel before the last of {len(self.down)} levels halves it; "
                f"expected more than {smallest} pixels one way. Try --set network.levels={most_levels(rgb)}"
            )
        skips, below = [], rgb * 2 - 1
        for level in self.down:
            below = level(below)
            skips.append(below)
        below = skips.pop()
        for level in self.up:
            skip = skips.pop()
            below = torch.cat([level(below, size=list(skip.shape[-2:])), skip], dim=1)
        return torch.tanh(self.last(functional.relu(below), output_size=[height, width]))


def most_levels(rgb: Float[Tensor, "b 3 h w"]) -> int:
    """The most levels that a picture of this size can be halved through."""
    return (max(rgb.shape[-2:]) - 1).bit_length()


class _Down(nn.Module):
    """Half the size, rounded up."""

    def __init__(self, in_maps: int, out_maps: int, *, first: bool, innermost: bool) -> None:
        super().__init__()
        plain = first or innermost
        self.activation = nn.Identity() if first else nn.LeakyReLU(NEGATIVE_SLOPE)
        self.halve = nn.Conv2d(in_maps, out_maps, KERNEL_PX, stride=2, padding=KERNEL_PX // 2, bias=plain)
        self.normalise = nn.Identity() if plain else nn.BatchNorm2d(out_maps)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        return self.normalise(self.halve(self.activation(maps)))


class _Up(nn.Module):
    """Twice the size, or one pixel less."""

    def __init__(self, in_maps: int, out_maps: int, *, dropout: float) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(in_maps, out_maps, KERNEL_PX, stride=2, padding=KERNEL_PX // 2, bias=False)
        self.normalise = nn.BatchNorm2d(out_maps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, maps: Float[Tensor, "b c h w"], *, size: list[int]) -> Float[Tensor, "b c2 h2 w2"]:
        return self.dropout(self.normalise(self.enlarge(functional.relu(maps), output_size=size)))
