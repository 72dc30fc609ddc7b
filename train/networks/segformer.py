"""SegformerDepth: a hierarchical transformer with a decoder of linear layers, our modern row beside khan2021."""

from collections.abc import Iterator
from typing import cast

from jaxtyping import Float
from segmentation_models_pytorch.decoders.segformer.decoder import SegformerDecoder
from torch import Tensor, nn
from torch.nn import functional

from train.networks.any_size import crop_padding, pad_to_multiple
from train.networks.encoders import ImageNetNormalisation, build_encoder
from train.networks.positive_output import positive, start_at_mean

SIZE_MULTIPLE = 32
DECODER_MAPS = 256
# The decoder works at a quarter of the picture.
OUTPUT_STRIDE = 4


class SegformerDepth(nn.Module):
    """Mix transformer and SegFormer decoder from segmentation-models-pytorch, with one positive output.

    Chosen over DPT: its encoder has four levels and no positions tied to a picture size, so any size and shape runs as
    it is; B0 has 3.7 million parameters, B2 about as many as the other rows, while smp's DPT stands on a vision
    transformer of 86 million and more at one size.

    The map of a quarter of the resolution is brought to the picture's size with align_corners=False: smp's own head
    aligns corners, which moves pixel centres. Pictures are padded and cropped as in UNetSimple.

    Source: ours; the parts are from segmentation-models-pytorch (Xie et al. 2021).
    """

    def __init__(self, *, encoder: str, imagenet: bool, decoder_width: float) -> None:
        super().__init__()
        self.normalise = ImageNetNormalisation()
        self.encoder = build_encoder(encoder, imagenet=imagenet)
        maps = int(DECODER_MAPS * decoder_width)
        self.decoder = SegformerDecoder(cast(list[int], self.encoder.out_channels), segmentation_channels=maps)
        self.head = nn.Conv2d(maps, 1, kernel_size=1)

    def start_at(self, mean: float) -> None:
        """Let the untrained decoder predict this positive number on average."""
        start_at_mean(self.head, mean)

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """What is learnt in the encoder."""
        return self.encoder.parameters()

    def forward(self, rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Predict the encoded depth (train/encoding.py) of pictures with values 0..1."""
        padded = pad_to_multiple(rgb, SIZE_MULTIPLE)
        quarter = self.head(self.decoder(self.encoder(self.normalise(padded))))
        full = functional.interpolate(quarter, scale_factor=OUTPUT_STRIDE, mode="bilinear", align_corners=False)
        return crop_padding(positive(full), height=rgb.shape[-2], width=rgb.shape[-1])
