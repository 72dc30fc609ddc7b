"""khan2021: Khan et al., accurate 2D facial depth models from a 3D synthetic dataset; the rows of its Table 1."""

import dataclasses

from train.data.backdrops import Backdrops
from train.depth_spec import DepthExperiment, Encoding, LossSpec
from train.network_spec import DenseDepthEncoder, DenseDepthSpec, DepthNetworkSpec, SegformerSpec, UNetSimpleSpec
from train.training_spec import OptimiserSpec, Schedule

PAPER = "khan2021"
METRICS = ("abs_rel", "sq_rel", "rmse_m", "mean_abs_log10", "delta_1", "delta_2", "delta_3")
# Table 1 as printed: the row's name, and its numbers in the order of METRICS. FC rows count the face only.
TABLE_1 = {
    1: ("DenseDepth-161", (0.0312, 0.0121, 0.0610, 0.0169, 0.9854, 0.9876, 0.9902)),
    2: ("DenseDepth-121", (0.0320, 0.0132, 0.0712, 0.0180, 0.9732, 0.9803, 0.9880)),
    3: ("DenseDepth-169", (0.0296, 0.0096, 0.0373, 0.0129, 0.9890, 0.9920, 0.9981)),
    4: ("DenseDepth-201", (0.0375, 0.0097, 0.0304, 0.0101, 0.9920, 0.9956, 0.9969)),
    5: ("ResNet-101", (0.0123, 0.0210, 0.0306, 0.0089, 0.9938, 0.9965, 0.9980)),
    6: ("ResNet-50", (0.0232, 0.0219, 0.0445, 0.0186, 0.9919, 0.9974, 0.9984)),
    7: ("EfficientNet-B0", (0.0145, 0.0280, 0.0360, 0.0154, 0.9912, 0.9934, 0.9978)),
    8: ("EfficientNet-B7", (0.0132, 0.0234, 0.0353, 0.0144, 0.9880, 0.9909, 0.9965)),
    9: ("UNet-simple", (0.0103, 0.0207, 0.0281, 0.0089, 0.9960, 0.9976, 0.9987)),
    10: ("UNet-simple (FC)", (0.0098, 0.0096, 0.0143, 0.0043, 0.9982, 0.9992, 0.9996)),
    11: ("DenseDepth (FC)-169", (0.0110, 0.0074, 0.0161, 0.0034, 0.9981, 0.9990, 0.9992)),
    12: ("ResNet (FC)-101", (0.0132, 0.0077, 0.0170, 0.0035, 0.9980, 0.9990, 0.9992)),
    13: ("EfficientNet (FC)-B7", (0.0112, 0.0076, 0.0166, 0.0032, 0.9887, 0.9945, 0.9989)),
}

_ASSUMED_OF_ALL = (
    "Start: the last bias is set so that the mean prediction is the mean target; a softplus at the end makes depths "
    "positive.",
    "Input: sRGB values divided by 255, no augmentation.",
    "Target: y = m / depth with m = 5 m, the far clip of the paper's camera; pixels without a surface lie at 5 m.",
    "Loss: four weight symbols and three values are printed. We read 0.1 SSIM + 0.1 gradient + 1 normal.",
    "SSIM: Gaussian window 11, sigma 1.5, dynamic range 9 (targets of 0.5 m to 5 m), divided by Max Depth = 5.",
    "Sobel filter: integer taps (1, 2, 1) x (-1, 0, 1), border pixels repeated.",
    "Split by person, 20 epochs, weights of the last epoch, Adam with its usual betas, constant learning rate.",
    "Column 'RMSElog' is defined in the text as the mean of |log10 p - log10 g|; it is compared with mean_abs_log10.",
    "'FC' rows are the same training, scored on the face: the printed mask (50 cm from the camera) is empty at 0.7 to "
    "1 m. We use the mask of the head, and report beside it the nearest depth + 0.5 m.",
)
_ASSUMED_OF_UNET = (
    "Network: the text gives blocks, bilinear up-sampling and about 17 million parameters. We take 64-128-256-512-512 "
    "maps with halved middle widths on the way up (17 262 977 parameters), convolutions without bias before batch "
    "norm, and pixel centres kept by the up-sampling.",
    "Weights: random, as the paper says.",
    *_ASSUMED_OF_ALL,
)
_ASSUMED_OF_L1 = (
    "The fourth weight: an L1 term of 0.1 on the target, as in DenseDepth. Without it a constant error costs almost "
    "nothing, so the absolute distance is hardly learnt."
)
_ASSUMED_OF_DENSE_DEPTH = (
    "Network: the decoder of DenseDepth at its own width for every encoder ('the decoder settings are unchanged'), so "
    "its maps follow the encoder's last level. With DenseNet-169 that makes 42.7 million parameters, of which the "
    "U-Net's 17.3 are 40 %: the paper's 'less than half'.",
    "Skips: for DenseNets those of DenseDepth (first activation, first pooling, first two transitions); for the other "
    "encoders, of which nothing is said, the last map of each resolution.",
    "No activation between the two convolutions of a level: the paper trained in PyTorch, and DenseDepth's PyTorch "
    "port has none (its Keras code has one: network.activation_between=true).",
    "Output: DenseDepth predicts half the resolution. It is interpolated to the picture's size inside the network, and "
    "loss and scores see the full size, as for the U-Net.",
    "Weights: the paper calls DenseNet-169 pre-trained and says nothing of the others; we start every encoder from "
    "ImageNet, and the decoder from random numbers. network.weights=random is another experiment, and its results "
    "say so.",
    *_ASSUMED_OF_ALL,
)


def _reported(row: int) -> dict[str, float]:
    return dict(zip(METRICS, TABLE_1[row][1], strict=True))


def _table_row(
    key: str, network: DepthNetworkSpec, assumed: tuple[str, ...], *, full: int, face: int | None
) -> DepthExperiment:
    """A training of Table 1: its row over the full image and, where the table has one, its row over the face."""
    where = f"Table 1, row {full} (full image)"
    reported = {"full": _reported(full)}
    if face is not None:
        where += f" and row {face} (face only)"
        reported["head_mask"] = _reported(face)
    return DepthExperiment(
        key=f"{PAPER}_{key}",
        paper=PAPER,
        title=f"{TABLE_1[full][0]}, SSIM + gradient + normal loss",
        where=where,
        network=network,
        loss=LossSpec(ssim=0.1, gradient=0.1, normal=1.0, l1=0.0, ssim_divisor=5.0),
        encoding=Encoding(kind="reciprocal", background_depth_m=5.0, nearest_depth_m=0.5),
        optimiser=OptimiserSpec(kind="adam", learning_rate=1e-3),
        schedule=Schedule(epochs=20, global_batch=6),
        layer="visible",
        reported=reported,
        assumed=assumed,
    )


def _dense_depth(key: str, encoder: DenseDepthEncoder, *, full: int, face: int | None = None) -> DepthExperiment:
    network = DenseDepthSpec(encoder=encoder, weights="imagenet", decoder_width=1.0, activation_between=False)
    return _table_row(key, network, _ASSUMED_OF_DENSE_DEPTH, full=full, face=face)


UNET_SIMPLE = _table_row("unet_simple", UNetSimpleSpec(width=64), _ASSUMED_OF_UNET, full=9, face=10)
TABLE_1_EXPERIMENTS = (
    _dense_depth("densenet161", "densenet161", full=1),
    _dense_depth("densenet121", "densenet121", full=2),
    _dense_depth("densenet169", "densenet169", full=3, face=11),
    _dense_depth("densenet201", "densenet201", full=4),
    _dense_depth("resnet101", "resnet101", full=5, face=12),
    _dense_depth("resnet50", "resnet50", full=6),
    _dense_depth("efficientnet_b0", "efficientnet-b0", full=7),
    _dense_depth("efficientnet_b7", "efficientnet-b7", full=8, face=13),
    UNET_SIMPLE,
)

UNET_SIMPLE_L1 = dataclasses.replace(
    UNET_SIMPLE,
    key="khan2021_unet_simple_l1",
    title="UNet-simple, SSIM + gradient + normal + L1 loss",
    loss=dataclasses.replace(UNET_SIMPLE.loss, l1=0.1),
    assumed=(*_ASSUMED_OF_UNET, _ASSUMED_OF_L1),
)


def _ablation(
    name: str,
    title: str,
    *,
    loss: LossSpec = UNET_SIMPLE_L1.loss,
    encoding: Encoding = UNET_SIMPLE_L1.encoding,
    train_people_share: float = UNET_SIMPLE_L1.train_people_share,
    train_backdrops: Backdrops = UNET_SIMPLE_L1.train_backdrops,
) -> DepthExperiment:
    """The U-Net of four terms with one thing changed.

    All four terms are the start, so that the absolute distance stays in the loss whichever other term goes; without
    the L1 term it is row 9 itself.
    """
    return dataclasses.replace(
        UNET_SIMPLE_L1,
        key=f"{UNET_SIMPLE_L1.key}_{name}",
        title=f"Ablation: UNet-simple, {title}",
        where="not in the paper; an ablation of Table 1, rows 9 and 10",
        loss=loss,
        encoding=encoding,
        train_people_share=train_people_share,
        train_backdrops=train_backdrops,
        reported={},
    )


ABLATIONS = (
    _ablation("without_ssim", "gradient + normal + L1 loss", loss=dataclasses.replace(UNET_SIMPLE_L1.loss, ssim=0.0)),
    _ablation(
        "without_gradient", "SSIM + normal + L1 loss", loss=dataclasses.replace(UNET_SIMPLE_L1.loss, gradient=0.0)
    ),
    _ablation("without_normal", "SSIM + gradient + L1 loss", loss=dataclasses.replace(UNET_SIMPLE_L1.loss, normal=0.0)),
    _ablation(
        "metric_target",
        "all four terms on metres in place of reciprocal depth",
        encoding=dataclasses.replace(UNET_SIMPLE_L1.encoding, kind="metric"),
    ),
    _ablation("half_of_people", "all four terms, half of the people to learn from", train_people_share=0.5),
    _ablation("quarter_of_people", "all four terms, a quarter of the people to learn from", train_people_share=0.25),
    _ablation("simple_backdrops", "all four terms, learnt before simple backdrops alone", train_backdrops="simple"),
    _ablation("complex_backdrops", "all four terms, learnt before complex backdrops alone", train_backdrops="complex"),
)

SEGFORMER_B2 = dataclasses.replace(
    UNET_SIMPLE_L1,
    key="khan2021_segformer_b2",
    title="A modern row of ours: SegFormer-B2, SSIM + gradient + normal + L1 loss",
    where="not in the paper; beside Table 1",
    network=SegformerSpec(encoder="mit_b2", weights="imagenet", decoder_width=1.0),
    # Adam at 1e-3 is ten times what transformers are trained with.
    optimiser=dataclasses.replace(UNET_SIMPLE_L1.optimiser, learning_rate=1e-4),
    reported={},
    assumed=(
        "Network: SegFormer with a mix transformer B2 started from ImageNet and a decoder of 256 maps.",
        "Learning rate 1e-4, a tenth of the table's; everything else is as in khan2021_unet_simple_l1.",
        *_ASSUMED_OF_ALL,
        _ASSUMED_OF_L1,
    ),
)

# Rows of our own (docs/depth_numbers.md). They start from the variant with the L1 term: a loss that hardly sees the
# distance cannot show what knowing the camera does for it. The paper reports nothing for them.
_OURS = dataclasses.replace(UNET_SIMPLE_L1, where="none: ours, after Table 1, row 9", reported={})

UNET_SIMPLE_CANONICAL = dataclasses.replace(
    _OURS,
    key="khan2021_unet_simple_canonical",
    title="UNet-simple with L1, depth of a canonical camera",
    encoding=dataclasses.replace(_OURS.encoding, camera="canonical"),
    assumed=(
        *UNET_SIMPLE_L1.assumed,
        "Ours: depth is learnt as a camera of 1.4 picture widths focal length would have it, and turned back by the "
        "intrinsics of each frame. That widens the targets, so SSIM's dynamic range is 12.2 in place of 9.",
    ),
)

UNET_SIMPLE_FIXED_SENSOR = dataclasses.replace(
    _OURS,
    key="khan2021_unet_simple_fixed_sensor",
    title="UNet-simple with L1, one sensor for all frames",
    encoding=dataclasses.replace(_OURS.encoding, camera="fixed"),
    assumed=(
        *UNET_SIMPLE_L1.assumed,
        "Ours: every frame has one focal length, as recipe khan2021_fixed_sensor renders them; others are refused.",
    ),
)

UNET_SIMPLE_BY_FRAME = dataclasses.replace(
    _OURS,
    key="khan2021_unet_simple_l1_split_by_frame",
    title="UNet-simple with L1, SPLIT BY FRAME: test people were trained on",
    split_by="frame",
    assumed=(
        *(sentence for sentence in UNET_SIMPLE_L1.assumed if not sentence.startswith("Split by person")),
        "20 epochs, weights of the last epoch, Adam with its usual betas, constant learning rate.",
        "Ours, to show what a split by frame claims: frames of all people are dealt out to training and test.",
    ),
)

EXPERIMENTS = (
    *TABLE_1_EXPERIMENTS,
    UNET_SIMPLE_L1,
    *ABLATIONS,
    SEGFORMER_B2,
    UNET_SIMPLE_CANONICAL,
    UNET_SIMPLE_FIXED_SENSOR,
    UNET_SIMPLE_BY_FRAME,
)
