"""Processes: how the processes that `torchrun` starts train one network together; one process is the plain case.

Each computes its share of every global batch. Everything here is also right, and costs nothing, when there is one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from train.errors import InputError

# The first process opens the folder, and may wait there for another training to end, while the others wait for it.
LONGEST_WAIT = timedelta(hours=6)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is, over all machines and on this one."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and shows progress."""
        return self.rank == 0


def launched_processes() -> Processes:
    """What `torchrun` says in the environment of a process it started; one process without it.

    Raises: InputError when only a part of it is there.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    found = {name: os.environ[name] for name in names if name in os.environ}
    if "WORLD_SIZE" not in found:
        return Processes()
    try:
        rank, world_size, local_rank = (int(found[name]) for name in names)
    except (KeyError, ValueError) as error:
        raise InputError(
            f"WORLD_SIZE is set, so {', '.join(names)} must all be whole numbers, but {found} came. "
            "Start with torchrun, or unset WORLD_SIZE"
        ) from error
    return Processes(rank=rank, world_size=world_size, local_rank=local_rank)


@contextmanager
def joined(processes: Processes, device: torch.device) -> Iterator[None]:
    """Within the block the processes can exchange tensors: by NCCL between GPUs, by gloo between CPUs."""
    if processes.world_size == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=LONGEST_WAIT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def summed(values: Tensor, processes: Processes) -> Tensor:
    """The sum of the same tensor over all processes."""
    if processes.world_size > 1:
        distributed.all_reduce(values)
    return values


def smallest(value: int, processes: Processes, device: torch.device) -> int:
    """The smallest of a number that every process has."""
    if processes.world_size == 1:
        return value
    tensor = torch.tensor(value, device=device)
    distributed.all_reduce(tensor, op=distributed.ReduceOp.MIN)
    return int(tensor.item())


def gathered(items: list[Item], processes: Processes) -> list[Item]:
    """The lists of all processes joined, in the order of their ranks; every process gets all."""
    if processes.world_size == 1:
        return items
    lists: list[list[Item]] = [[] for _ in range(processes.world_size)]
    distributed.all_gather_object(lists, items)
    return [item for one in lists for item in one]


def wait_for_all(processes: Processes) -> None:
    """Return when every process has come here."""
    if processes.world_size > 1:
        distributed.barrier()


def share_statistics(network: nn.Module, processes: Processes, device: torch.device) -> nn.Module:
    """The network with batch norm over the images of all GPUs; unchanged on CPUs, where torch has none such."""
    if processes.world_size > 1 and device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    return network


def spread(network: nn.Module, processes: Processes, device: torch.device) -> nn.Module:
    """The network as one that adds its gradients over all processes in every backward pass but those in `no_sync`.

    Weights and running statistics of the first process go to all.
    """
    if processes.world_size == 1:
        return network
    return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)


def copy_statistics(network: nn.Module, processes: Processes) -> None:
    """Give the first process's buffers (running statistics of batch norm) to all, before the network is judged."""
    if processes.world_size > 1:
        for buffer in network.buffers():
            distributed.broadcast(buffer, src=0)
