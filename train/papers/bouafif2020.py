"""bouafif2020: Bouafif et al., 3D heads by prediction and integration of normals; the trainings of its network."""

import dataclasses

from train.network_spec import StridedUNetSpec
from train.normals_spec import AdversarySpec, NormalsEncoding, NormalsExperiment, NormalsLossSpec
from train.training_spec import AugmentationSpec, OptimiserSpec, Schedule

PAPER = "bouafif2020"
# Table 1 as printed: 93.72 %, 98.40 %, 10.01 and 12.45 degrees, 67.50 %, 92.65 %, 97.13 %.
TABLE_1 = {
    "mask_precision": 0.9372,
    "mask_recall": 0.9840,
    "mean_angle_deg": 10.01,
    "std_angle_deg": 12.45,
    "below_10_deg": 0.6750,
    "below_20_deg": 0.9265,
    "below_30_deg": 0.9713,
}
# Table 2, row "Ours", as printed, without a unit: neutral faces of BU-3DFE after rigid registration.
TABLE_2 = {"mean": 3.04, "std": 1.78, "median": 2.62, "largest_90": 5.48, "signed_mean": 0.10, "signed_sigma": 2.18}

_ASSUMED = (
    "Network: 'the encoder-decoder is composed of 16 layers'. We halve seven times and double seven times: 128 x 128 "
    "is then one pixel, and an eighth level would have nothing to halve. Kernels of 5 x 5, 64-128-256-512 maps and "
    "then 512, LeakyReLU 0.2 and dropout on the first three levels up are those of the code of Su et al., on whose "
    "work the architecture 'is based'. At the innermost level there is no batch norm.",
    "Pictures are scaled to -1 .. 1. Weights start as PyTorch draws them. Dropout is off when predicting.",
    "Targets: normals in camera axes as they are, (0, 0, 0) on the background; the gradient magnitude W as "
    "2 min(W, 64) / 64 - 1, 0 on the background, because tanh needs -1 .. 1 and the paper does not say how W gets "
    "there. W is decoded before use.",
    "Mask: where the predicted normal is longer than one half.",
    "Pixel loss: mean over pixels and maps of the squared (L2) or absolute (L1) difference; all maps count alike.",
    "Augmentation: half of the pictures are blurred, with a sigma of up to 1.5 pixels, and half get noise of up to "
    "0.02; 'random blur effect and gaussian noise' is all that is said.",
    "RMSprop with PyTorch's smoothing of 0.99 and a constant rate; weights of the last epoch; split by person.",
    "Table 1 counts pixels of all test pictures together, and angles where both masks are.",
)
_ASSUMED_OF_CRITIC = (
    "Critic: four layers as in figure 3, with 64-128-256-512 maps, the last without stride, LeakyReLU in place of the "
    "printed ReLU, and a linear layer: as in the code of Su et al.",
    "Weights of the critic are cut to -0.01 .. 0.01 after each of its steps, and the generator learns from every fifth "
    "batch: as in the code of Su et al.; the paper mentions neither.",
)

WGAN_L2 = NormalsExperiment(
    key=f"{PAPER}_wgan_l2",
    paper=PAPER,
    title="Normals and gradient magnitude, WGAN + L2 loss",
    where="Table 1; section 3.2, equation 3",
    network=StridedUNetSpec(width=64, levels=7),
    loss=NormalsLossSpec(pixel="l2", pixel_weight=500.0),
    adversary=AdversarySpec(kind="wgan", critic_width=64, critic_steps=5, clip=0.01),
    encoding=NormalsEncoding(largest_gradient=64.0),
    # Section 4.1: "about 1700 epochs with a learning rate of 1e-4, 64 as a batch size, 500 for λ1, and using RMSprop".
    optimiser=OptimiserSpec(kind="rmsprop", learning_rate=1e-4),
    schedule=Schedule(epochs=1700, global_batch=64),
    augmentation=AugmentationSpec(blur=0.5, blur_px=1.5, noise=0.5, noise_strength=0.02),
    layer="head",
    reported={"head": TABLE_1, "bu3dfe_neutral": TABLE_2},
    assumed=(*_ASSUMED, *_ASSUMED_OF_CRITIC),
)

WGAN_L1 = dataclasses.replace(
    WGAN_L2,
    key=f"{PAPER}_wgan_l1",
    title="Normals and gradient magnitude, WGAN + L1 loss",
    where="section 5: L1 was tried, L2 'shows a better performance in fine detail'; no number is printed",
    loss=dataclasses.replace(WGAN_L2.loss, pixel="l1"),
    reported={},
)


def _without_critic(experiment: NormalsExperiment, loss: str) -> NormalsExperiment:
    return dataclasses.replace(
        experiment,
        key=f"{PAPER}_{experiment.loss.pixel}",
        title=f"Ablation: normals and gradient magnitude, {loss} loss alone, no critic",
        where="not in the paper; an ablation of Table 1",
        adversary=AdversarySpec(kind="none"),
        reported={},
        assumed=_ASSUMED,
    )


L2 = _without_critic(WGAN_L2, "L2")
L1 = _without_critic(WGAN_L1, "L1")
EXPERIMENTS = (WGAN_L2, WGAN_L1, L2, L1)
