"""DenseDepth: an image classifier as encoder, and a decoder of bilinear up-sampling, skips and convolutions."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from train.networks.any_size import crop_padding, pad_to_multiple
from train.networks.encoders import ImageNetNormalisation, build_encoder
from train.networks.positive_output import positive, start_at_mean

# Five halvings.
SIZE_MULTIPLE = 32
NEGATIVE_SLOPE = 0.2
# What a DenseNet hands to the decoder, from 1/2 to 1/16 of the picture: before a dense block, not after it.
DENSENET_SKIPS = ("relu0", "pool0", "transition1", "transition2")


class DenseDepth(nn.Module):
    """The network of DenseDepth over any encoder; 42 657 689 parameters over DenseNet-169 at decoder width 1.

    A 1 x 1 convolution keeps the maps of the encoder's last level, times decoder_width; then four levels halve them:
    bilinear up-sampling by 2, the encoder's map of that size beside it, 3 x 3 convolution, (LeakyReLU 0.2,) 3 x 3
    convolution, LeakyReLU 0.2; then 3 x 3 to one map. There is no batch norm in the decoder.

    That map has half the picture's resolution. It is brought to the picture's size here (bilinear,
    align_corners=False, so that pixel centres stay at +0.5), before the loss. DenseDepth instead halves the truth and
    compares there; but then the loss terms, which count in pixels (SSIM's window, Sobel slopes), would mean another
    thing for this network than for the U-Net beside it, and truth averaged over an edge is a depth that nothing has.
    So there is one resolution for losses, metrics and predictions, and no setting for another.

    Any picture of 32 x 32 pixels or more is taken, padded and cropped as UNetSimple does it. The output is positive,
    where DenseDepth ends without an activation.

    Source: khan2021, table 1 and section IV.D, which name DenseDepth and the encoders; the decoder from the paper that
    they cite (Alhashim and Wonka 2018) and its public code.
    """

    def __init__(self, *, encoder: str, imagenet: bool, decoder_width: float, activation_between: bool) -> None:
        super().__init__()
        self.normalise = ImageNetNormalisation()
        self.encoder = build_encoder(encoder, imagenet=imagenet)
        *skip_maps, last_maps = _maps_of_levels(self.encoder)
        width = int(last_maps * decoder_width)
        maps = [width, width // 2, width // 4, width // 8, width // 16]
        if maps[-1] < 1:
            raise ValueError(f"a decoder needs 16 maps or more at its start, but decoder_width gives {width}")
        self.bottom = nn.Conv2d(last_maps, width, kernel_size=1)
        self.up = nn.ModuleList(
            _level(below + skip, out, activation_between=activation_between)
            for (below, out), skip in zip(pairwise(maps), reversed(skip_maps), strict=True)
        )
        self.head = nn.Conv2d(maps[-1], 1, kernel_size=3, padding=1)

    def start_at(self, mean: float) -> None:
        """Let the untrained decoder predict this positive number on average."""
        start_at_mean(self.head, mean)

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """What is learnt in the encoder."""
        return self.encoder.parameters()

    def forward(self, rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Predict the encoded depth (train/encoding.py) of pictures with values 0..1."""
        padded = pad_to_multiple(rgb, SIZE_MULTIPLE)
        *skips, below = encoder_maps(self.encoder, self.normalise(padded))
        below = self.bottom(below)
        for level in self.up:
            above = functional.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)
            below = level(torch.cat([above, skips.pop()], dim=1))
        full = functional.interpolate(self.head(below), scale_factor=2, mode="bilinear", align_corners=False)
        return crop_padding(positive(full), height=rgb.shape[-2], width=rgb.shape[-1])


def encoder_maps(encoder: nn.Module, normalised: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
    """Five maps of 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture.

    A DenseNet gives those that DenseDepth takes (DENSENET_SKIPS, and the last one after norm and ReLU); smp would give
    the wide outputs of its dense blocks. Every other encoder gives the last map of each size.
    """
    layers = getattr(encoder, "features", None)
    if layers is None:
        return list(encoder(normalised)[1:])
    maps, latest = [], normalised
    for name, layer in layers.named_children():
        latest = layer(latest)
        if name in DENSENET_SKIPS:
            maps.append(latest)
    return [*maps, functional.relu(latest)]


def _maps_of_levels(encoder: nn.Module) -> list[int]:
    """How many maps `encoder_maps` gives at each of the five sizes, asked of the encoder with a small picture."""
    was_training = encoder.training
    encoder.eval()  # one picture has no spread over which batch norm could learn, and nothing may be learnt here
    with torch.inference_mode():
        counts = [one.shape[1] for one in encoder_maps(encoder, torch.zeros(1, 3, SIZE_MULTIPLE, SIZE_MULTIPLE))]
    encoder.train(was_training)
    return counts


def _level(in_maps: int, out_maps: int, *, activation_between: bool) -> nn.Sequential:
    first = nn.Conv2d(in_maps, out_maps, kernel_size=3, padding=1)
    second = nn.Conv2d(out_maps, out_maps, kernel_size=3, padding=1)
    between = [nn.LeakyReLU(NEGATIVE_SLOPE)] if activation_between else []
    return nn.Sequential(first, *between, second, nn.LeakyReLU(NEGATIVE_SLOPE))
