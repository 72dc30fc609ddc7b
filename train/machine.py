"""Machine: how a training is computed, of which its specification knows nothing, and what of that decides its result.

Number type and the images that batch norm takes together change what is learnt: they stand in the training's record,
and a training goes on only with the same. Device, number of processes, memory format, compilation and, without batch
norm, the micro-batch change the rounding alone: they may differ from run to run, and `done.json` lists them.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from train.device import describe_device
from train.errors import InputError
from train.processes import Processes

Amp = Literal["off", "bf16", "fp16"]
AMP_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Machine:
    """Where and how the steps of a training are computed. `micro_batch` is the most images at once in one process."""

    device: torch.device
    processes: Processes
    amp: Amp
    micro_batch: int
    channels_last: bool
    compiled: bool

    @property
    def memory_format(self) -> torch.memory_format:
        """How pictures and filters lie in memory."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def described(self, *, from_step: int) -> dict[str, Any]:
        """This machine as plain data, for the list of those that a training ran on."""
        return {
            "from_step": from_step,
            "device": describe_device(self.device),
            "processes": self.processes.world_size,
            "micro_batch": self.micro_batch,
            "amp": self.amp,
            "channels_last": self.channels_last,
            "compiled": self.compiled,
            # A plain str: weights_only loading of a checkpoint refuses the class that torch has for it.
            "torch": str(torch.__version__),
        }


def with_machine(machines: list[dict[str, Any]], machine: Machine, *, from_step: int) -> list[dict[str, Any]]:
    """The machines that a training ran on, and this one, unless it is the last of them."""
    now = machine.described(from_step=from_step)
    if machines and {**machines[-1], "from_step": from_step} == now:
        return machines
    return [*machines, now]


def check_amp(amp: str, device: torch.device) -> None:
    """Raises: InputError on an unknown number type, or one that the device has no use for."""
    if amp not in get_args(Amp):
        raise InputError(f"no amp {amp!r}; expected one of {', '.join(get_args(Amp))}")
    if amp == "fp16" and device.type == "cpu":
        raise InputError("amp fp16 needs a GPU, but the device is cpu; take amp bf16 or off")


def has_batch_norm(network: nn.Module) -> bool:
    """Whether what a picture gives depends on the other pictures beside it while training."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())


def batch_norm_images(network: nn.Module, *, global_batch: int, machine: Machine) -> int | None:
    """How many images of a full batch are normalised by common statistics; None for a network without batch norm.

    They are those that one process computes at once; GPUs share their statistics, CPUs do not.
    """
    if not has_batch_norm(network):
        return None
    share = -(-global_batch // machine.processes.world_size)
    at_once = -(-share // -(-share // machine.micro_batch))
    return at_once * (machine.processes.world_size if machine.device.type == "cuda" else 1)
