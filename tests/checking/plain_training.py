"""Trainings whose networks have no batch norm, as a program: started alone, or as one of several processes.

Without batch norm the weights must not depend on how a global batch is cut up, but for the rounding.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import train.fit
import train.fit_adversarial
from train.catalogue import find_experiment
from train.interruption import EXIT_INTERRUPTED, StopRequestedError
from train.network_spec import NetworkSpec
from train.normals_spec import NormalsExperiment
from train.papers import bouafif2020
from train.spec import Experiment
from train.training_spec import AugmentationSpec, OptimiserSpec, Schedule


class PlainNetwork(nn.Module):
    """Two convolutions and a positive output; what a picture gives depends on nothing beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 1, 3, padding=1)

    def start_at(self, mean: float) -> None:
        """The bias alone decides the first prediction, nearly."""
        nn.init.constant_(self.last.bias, mean)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Positive maps of the same size."""
        return functional.softplus(self.last(torch.tanh(self.first(rgb))))


def plain_network(spec: NetworkSpec, *, for_stored_weights: bool = False) -> nn.Module:  # noqa: ARG001
    """In the place of `build_network`."""
    return PlainNetwork()


def plain_experiment(*, epochs: int) -> Experiment:
    """Batches of 4 and 2 from the six training frames, with plain descent, so that a wrong scale of gradients shows."""
    experiment = find_experiment("khan2021_unet_simple_l1")
    return dataclasses.replace(
        experiment,
        schedule=Schedule(epochs=epochs, global_batch=4),
        optimiser=dataclasses.replace(experiment.optimiser, kind="nesterov", learning_rate=0.02),
        augmentation=dataclasses.replace(experiment.augmentation, flip=0.5, crop=0.5, noise=0.5),
    )


class PlainGenerator(nn.Module):
    """Two convolutions and a tanh: four maps, of normals and slope."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Maps of the same size, -1 to 1."""
        return torch.tanh(self.last(torch.relu(self.first(rgb))))


class PlainCritic(nn.Module):
    """A convolution and a mean over what it leaves; takes what PictureCritic takes."""

    def __init__(self, *, width: int, maps: int, height_px: int, width_px: int) -> None:  # noqa: ARG002
        super().__init__()
        self.first, self.last = nn.Conv2d(3 + maps, width, 5, stride=2), nn.Linear(width, 1)

    def forward(self, rgb: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        """A number a picture."""
        seen = torch.tanh(self.first(torch.cat([rgb, maps], dim=1)))
        return self.last(seen.mean(dim=(2, 3)))[:, 0]


def plain_generator(spec: NetworkSpec, *, for_stored_weights: bool = False) -> nn.Module:  # noqa: ARG001
    """In the place of `build_network`, where normals are learnt."""
    return PlainGenerator()


def plain_adversarial_experiment(*, epochs: int) -> NormalsExperiment:
    """As `plain_experiment`, with a critic that weighs as much as the pixels, and hardly any clipping."""
    experiment = bouafif2020.WGAN_L2
    return dataclasses.replace(
        experiment,
        schedule=Schedule(epochs=epochs, global_batch=4),
        loss=dataclasses.replace(experiment.loss, pixel_weight=1.0),
        adversary=dataclasses.replace(experiment.adversary, critic_width=3, critic_steps=2, clip=10.0),
        optimiser=OptimiserSpec(kind="nesterov", learning_rate=0.05),
        augmentation=AugmentationSpec(flip=0.5, crop=0.5, noise=0.5),
    )


def main() -> int:
    """Train; 75 when it was stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--adversarial", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train.fit.build_network = plain_network
    train.fit_adversarial.build_network, train.fit_adversarial.PictureCritic = plain_generator, PlainCritic
    try:
        if options.adversarial:
            experiment = plain_adversarial_experiment(epochs=options.epochs)
            train.fit_adversarial.fit_adversarial(experiment, options.pack, options.out, device="cpu", seed=7)
        else:
            train.fit.fit(plain_experiment(epochs=options.epochs), options.pack, options.out, device="cpu", seed=7)
    except StopRequestedError as reason:
        print(reason, file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
