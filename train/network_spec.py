"""NetworkSpec: which network, one frozen record a kind, so that a setting which a kind does not use does not exist."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

_STRICT_KEYS = ConfigDict(extra="forbid")
Weights = Literal["imagenet", "random"]
# With 0.05 the last level of the decoder over the narrowest encoder, EfficientNet-B0, keeps one map.
DecoderWidth = Annotated[float, Field(ge=0.05, le=4)]
DenseDepthEncoder = Literal[
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "resnet50",
    "resnet101",
    "efficientnet-b0",
    "efficientnet-b7",
]
SegformerEncoder = Literal["mit_b0", "mit_b2"]


@dataclass(frozen=True)
class UNetSimpleSpec:
    """The shallow U-Net (train/networks/unet_simple.py). `width`: feature maps of its first level."""

    __pydantic_config__ = _STRICT_KEYS
    kind: Literal["unet_simple"] = "unet_simple"
    width: Annotated[int, Field(ge=1, le=1024)] = 64
    weights: Literal["random"] = "random"
    """Nobody has trained this network on ImageNet; the field says so, and can be set to random with all others."""


@dataclass(frozen=True, kw_only=True)
class DenseDepthSpec:
    """The decoder of DenseDepth over an encoder (train/networks/dense_depth.py).

    `weights` has no default: an encoder from ImageNet and one from random numbers are two experiments. `decoder_width`
    multiplies the maps of the decoder. `activation_between`: a LeakyReLU also after the first of the two convolutions
    of a level; DenseDepth's Keras code has it, its PyTorch port does not.
    """

    __pydantic_config__ = _STRICT_KEYS
    kind: Literal["dense_depth"] = "dense_depth"
    encoder: DenseDepthEncoder
    weights: Weights
    decoder_width: DecoderWidth = 1.0
    activation_between: bool = False


@dataclass(frozen=True, kw_only=True)
class SegformerSpec:
    """SegFormer with one output (train/networks/segformer.py); `decoder_width` multiplies the decoder's 256 maps."""

    __pydantic_config__ = _STRICT_KEYS
    kind: Literal["segformer"] = "segformer"
    encoder: SegformerEncoder
    weights: Weights
    decoder_width: DecoderWidth = 1.0


@dataclass(frozen=True)
class StridedUNetSpec:
    """The U-Net of strided convolutions (train/networks/strided_unet.py).

    `width`: feature maps of its first level; `levels`: how often it halves the picture, and doubles it again.
    """

    __pydantic_config__ = _STRICT_KEYS
    kind: Literal["strided_unet"] = "strided_unet"
    width: Annotated[int, Field(ge=1, le=1024)] = 64
    levels: Annotated[int, Field(ge=2, le=8)] = 7
    weights: Literal["random"] = "random"


DepthNetworkSpec = Annotated[UNetSimpleSpec | DenseDepthSpec | SegformerSpec, Field(discriminator="kind")]
NetworkSpec = UNetSimpleSpec | DenseDepthSpec | SegformerSpec | StridedUNetSpec
