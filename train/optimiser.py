"""Optimisers of a specification, and the learning rate of every step as a function of how far the training is."""

import math

import torch
from torch import nn

from train.errors import InputError
from train.training_spec import OptimiserSpec, Schedule


def build_optimiser(network: nn.Module, spec: OptimiserSpec) -> torch.optim.Optimizer:
    """The optimiser of a specification, over all parameters. Raises: InputError on a kind that is not known."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    rate, betas, decay = spec.learning_rate, (spec.beta_1, spec.beta_2), spec.weight_decay
    optimisers = {
        "adam": lambda: torch.optim.Adam(parameters, lr=rate, betas=betas, weight_decay=decay),
        "adamw": lambda: torch.optim.AdamW(parameters, lr=rate, betas=betas, weight_decay=decay),
        "rmsprop": lambda: torch.optim.RMSprop(parameters, lr=rate, alpha=spec.smoothing, weight_decay=decay),
        "sgd": lambda: torch.optim.SGD(parameters, lr=rate, weight_decay=decay),
        "nesterov": lambda: torch.optim.SGD(
            parameters, lr=rate, momentum=spec.momentum, nesterov=True, weight_decay=decay
        ),
    }
    if spec.kind not in optimisers:
        raise InputError(f"no optimiser of kind {spec.kind!r}. Known: {', '.join(optimisers)}")
    return optimisers[spec.kind]()


def learning_rate_at(epochs_done: float, *, first: float, schedule: Schedule) -> float:
    """The learning rate of a step whose middle lies at `epochs_done` epochs (1.5: in the middle of the second).

    It depends on nothing else, so a training that goes on needs no memory of it. Taken at the middle of its step, no
    step of a climb and none of a fall has a rate of 0.
    """
    if epochs_done < schedule.warm_up_epochs:
        return first * epochs_done / schedule.warm_up_epochs
    if schedule.decay == "cosine":
        fallen = (epochs_done - schedule.warm_up_epochs) / (schedule.epochs - schedule.warm_up_epochs)
        return first * 0.5 * (1 + math.cos(math.pi * fallen))
    if schedule.decay == "step":
        return first * schedule.decay_factor ** int((epochs_done - schedule.warm_up_epochs) / schedule.decay_epochs)
    return first
