"""khan2021: Khan et al., accurate 2D facial depth models from a 3D synthetic dataset; rows of its Table 1."""

import dataclasses

from train.spec import Encoding, Experiment, LossSpec, NetworkSpec, OptimiserSpec, Schedule

PAPER = "khan2021"

_ASSUMED = (
    "Network: the text gives blocks, bilinear up-sampling and about 17 million parameters. We take 64-128-256-512-512 "
    "maps with halved middle widths on the way up (17 262 977 parameters), convolutions without bias before batch "
    "norm, pixel centres kept by the up-sampling, and a softplus at the end so that depths are positive.",
    "Start: random weights, as the paper says; the last bias is set so that the mean prediction is the mean target.",
    "Input: sRGB values divided by 255, no augmentation.",
    "Target: y = m / depth with m = 5 m, the far clip of the paper's camera; pixels without a surface lie at 5 m.",
    "Loss: four weight symbols and three values are printed. We read 0.1 SSIM + 0.1 gradient + 1 normal.",
    "SSIM: Gaussian window 11, sigma 1.5, dynamic range 9 (targets of 0.5 m to 5 m), divided by Max Depth = 5.",
    "Sobel filter: integer taps (1, 2, 1) x (-1, 0, 1), border pixels repeated.",
    "Split by person, 20 epochs, weights of the last epoch, Adam with its usual betas, constant learning rate.",
    "Column 'RMSElog' is defined in the text as the mean of |log10 p - log10 g|; it is compared with mean_abs_log10.",
    "'FC' rows: the printed mask (50 cm from the camera) is empty at 0.7 to 1 m. We use the mask of the head, and "
    "report beside it the nearest depth + 0.5 m.",
)

UNET_SIMPLE = Experiment(
    key="khan2021_unet_simple",
    paper=PAPER,
    title="Simple U-Net, SSIM + gradient + normal loss",
    where="Table 1, row 9 (full image) and row 10 (face only)",
    network=NetworkSpec(kind="unet_simple", width=64),
    loss=LossSpec(ssim=0.1, gradient=0.1, normal=1.0, l1=0.0, ssim_divisor=5.0),
    encoding=Encoding(kind="reciprocal", background_depth_m=5.0, nearest_depth_m=0.5),
    optimiser=OptimiserSpec(kind="adam", learning_rate=1e-3),
    schedule=Schedule(epochs=20, global_batch=6),
    layer="visible",
    reported={
        "full": {
            "abs_rel": 0.0103,
            "sq_rel": 0.0207,
            "rmse_m": 0.0281,
            "mean_abs_log10": 0.0089,
            "delta_1": 0.9960,
            "delta_2": 0.9976,
            "delta_3": 0.9987,
        },
        "head_mask": {
            "abs_rel": 0.0098,
            "sq_rel": 0.0096,
            "rmse_m": 0.0143,
            "mean_abs_log10": 0.0043,
            "delta_1": 0.9982,
            "delta_2": 0.9992,
            "delta_3": 0.9996,
        },
    },
    assumed=_ASSUMED,
)

UNET_SIMPLE_L1 = dataclasses.replace(
    UNET_SIMPLE,
    key="khan2021_unet_simple_l1",
    title="Simple U-Net, SSIM + gradient + normal + L1 loss",
    loss=dataclasses.replace(UNET_SIMPLE.loss, l1=0.1),
    assumed=(
        *_ASSUMED,
        "The fourth weight: an L1 term of 0.1 on the target, as in DenseDepth. Without it a constant error costs "
        "almost nothing, so the absolute distance is hardly learnt.",
    ),
)

# Rows of our own (docs/depth_numbers.md). They start from the variant with the L1 term: a loss that hardly sees the
# distance cannot show what knowing the camera does for it. The paper reports nothing for them.
_OURS = dataclasses.replace(UNET_SIMPLE_L1, where="none: ours, after Table 1, row 9", reported={})

UNET_SIMPLE_CANONICAL = dataclasses.replace(
    _OURS,
    key="khan2021_unet_simple_canonical",
    title="Simple U-Net with L1, depth of a canonical camera",
    encoding=dataclasses.replace(_OURS.encoding, camera="canonical"),
    assumed=(
        *UNET_SIMPLE_L1.assumed,
        "Ours: depth is learnt as a camera of 1.4 picture widths focal length would have it, and turned back by the "
        "intrinsics of each frame.",
    ),
)

UNET_SIMPLE_FIXED_SENSOR = dataclasses.replace(
    _OURS,
    key="khan2021_unet_simple_fixed_sensor",
    title="Simple U-Net with L1, one sensor for all frames",
    encoding=dataclasses.replace(_OURS.encoding, camera="fixed"),
    assumed=(
        *UNET_SIMPLE_L1.assumed,
        "Ours: every frame has one focal length, as recipe khan2021_fixed_sensor renders them; others are refused.",
    ),
)

UNET_SIMPLE_BY_FRAME = dataclasses.replace(
    _OURS,
    key="khan2021_unet_simple_l1_split_by_frame",
    title="Simple U-Net with L1, SPLIT BY FRAME: test people were trained on",
    split_by="frame",
    assumed=(
        *(sentence for sentence in UNET_SIMPLE_L1.assumed if not sentence.startswith("Split by person")),
        "20 epochs, weights of the last epoch, Adam with its usual betas, constant learning rate.",
        "Ours, to show what a split by frame claims: frames of all people are dealt out to training and test.",
    ),
)

EXPERIMENTS = (
    UNET_SIMPLE,
    UNET_SIMPLE_L1,
    UNET_SIMPLE_CANONICAL,
    UNET_SIMPLE_FIXED_SENSOR,
    UNET_SIMPLE_BY_FRAME,
)
