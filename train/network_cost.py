"""What a network costs: the numbers it learns, and the multiply-adds of one picture."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from train.catalogue import build_network
from train.network_spec import NetworkSpec


@dataclass(frozen=True)
class NetworkCost:
    """Learnt numbers of both halves of a network, and multiply-adds of one picture of one size."""

    encoder_parameters: int
    decoder_parameters: int
    multiply_adds: int

    @property
    def parameters(self) -> int:
        """All numbers that the network learns."""
        return self.encoder_parameters + self.decoder_parameters


def network_cost(spec: NetworkSpec, *, height_px: int, width_px: int) -> NetworkCost:
    """The cost of predicting one picture of that size; nothing is computed, and no weights are loaded.

    Multiply-adds are half of what torch.utils.flop_counter counts: convolutions and matrix products, and not
    normalisation, activations or interpolation. Raises: InputError when the network takes no picture that small.
    """
    network = _without_numbers(spec).eval()
    encoder = sum(parameter.numel() for parameter in network.encoder_parameters())
    everything = sum(parameter.numel() for parameter in network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, height_px, width_px, device="meta"))
    return NetworkCost(
        encoder_parameters=encoder,
        decoder_parameters=everything - encoder,
        multiply_adds=counter.get_total_flops() // 2,
    )


def _without_numbers(spec: NetworkSpec):
    """The network (nn.Module) on torch's meta device: shapes alone, as drawing its numbers would take seconds."""
    try:
        with torch.device("meta"):
            return build_network(spec, for_stored_weights=True)
    except RuntimeError:
        # Transformers ask for the value of a tensor while they are built.
        return build_network(spec, for_stored_weights=True).to("meta")
