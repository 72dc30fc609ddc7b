"""Encoders from segmentation-models-pytorch, by name, with ImageNet weights or random ones, as asked and no other."""

import segmentation_models_pytorch as smp
import torch
from jaxtyping import Float
from torch import Tensor, nn

from train.errors import InputError

# Of the pictures that ImageNet weights were trained on, values 0..1 (sRGB); smp's files are checked against them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# Layers of a classifier that come after the last map; kept, they would be parameters without a gradient.
_BEHIND_THE_LAST_MAP = ("_conv_head", "_bn1", "_avg_pooling", "_dropout")


def build_encoder(name: str, *, imagenet: bool) -> nn.Module:
    """An encoder whose call gives the picture and five maps of 1/2 to 1/32 of its size, and `out_channels`.

    `imagenet` loads the weights that smp publishes (from its cache, else from the network), else torch's generator
    decides. Raises: InputError when they cannot be loaded.
    """
    encoder = _with_imagenet_weights(name) if imagenet else smp.encoders.get_encoder(name, weights=None)
    for unused in _BEHIND_THE_LAST_MAP:
        if hasattr(encoder, unused):
            setattr(encoder, unused, nn.Identity())
    return encoder


class ImageNetNormalisation(nn.Module):
    """Pictures with values 0..1, shifted and scaled to what an encoder of ImageNet knows.

    It goes with the encoder whatever its weights are, so that the weights alone differ between the two. It is a module
    because its numbers must follow the network to its device; they are constants and stand in no checkpoint.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).reshape(3, 1, 1), persistent=False)

    def forward(self, rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """(rgb - mean) / std by colour."""
        return (rgb - self.mean) / self.std


def _with_imagenet_weights(name: str) -> nn.Module:
    try:
        encoder = smp.encoders.get_encoder(name, weights="imagenet")
        expected = smp.encoders.get_preprocessing_params(name, pretrained="imagenet")
    except Exception as error:  # no network, no cache, a broken file: many kinds, all meaning the same here
        raise InputError(
            f"the ImageNet weights of encoder {name!r} cannot be loaded ({type(error).__name__}: {error}). Load them "
            "once with a network (they are then cached), or choose network.weights=random: another experiment, and "
            "its results say so"
        ) from error
    told = (expected["input_space"], tuple(expected["input_range"]), tuple(expected["mean"]), tuple(expected["std"]))
    if told != ("RGB", (0, 1), IMAGENET_MEAN, IMAGENET_STD):
        raise InputError(
            f"the ImageNet weights of encoder {name!r} want pictures as {told} (space, range, mean, deviation), but "
            f"networks here give RGB in 0..1 with {IMAGENET_MEAN} and {IMAGENET_STD}; use another version of smp"
        )
    return encoder
