"""Positive depths: softplus at a network's end, and a last bias that lets it start at the mean of its targets."""

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def positive(output: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """softplus: smooth, and with a gradient everywhere, where a clamp would leave pixels dead."""
    return functional.softplus(output)


def start_at_mean(last_layer: nn.Conv2d, mean: float) -> None:
    """Let an untrained network that ends with `positive(last_layer(...))` predict this positive number on average.

    From a bias of 0 a narrow network spends most of a short training on climbing to the mean of its targets.
    """
    if last_layer.bias is None:
        raise ValueError("the last layer of a network that starts at a mean needs a bias")
    nn.init.constant_(last_layer.bias, mean + math.log(-math.expm1(-mean)))  # the inverse of softplus
