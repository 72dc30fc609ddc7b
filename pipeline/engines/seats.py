"""Seats: where a worker of this machine sits, so that no two share a core or a GPU while there are enough of them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.devices import nvidia_gpus
from pipeline.engines.work import Resource

# Where a user or a queue says which GPUs are ours; the first that is set counts.
_LISTS_OF_GPUS = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")


@dataclass(frozen=True)
class Seat:
    """The cores of a worker, and the variables of its environment that show it one GPU."""

    cores: tuple[int, ...]
    environment: Mapping[str, str]


def deal_seats(device: Resource, *, workers: int) -> list[Seat]:
    """A seat for each worker; 0 workers means one for each GPU, and one on a CPU, where a renderer takes all cores.

    More workers than GPUs or cores share them. Of GPUs that nothing names (no NVIDIA driver, no variable) each worker
    sees all.
    """
    gpus = visible_gpus(os.environ) if device == "gpu" else []
    count = workers or max(1, len(gpus))
    return [
        Seat(cores=cores, environment=gpus[number % len(gpus)] if gpus else {})
        for number, cores in enumerate(core_shares(count))
    ]


def core_shares(workers: int) -> list[tuple[int, ...]]:
    """The cores that this process may use, dealt out to workers in blocks of neighbours (they share caches and memory);
    more workers than cores share them."""
    cores = sorted(os.sched_getaffinity(0))
    if workers >= len(cores):
        return [(cores[worker % len(cores)],) for worker in range(workers)]
    bounds = [len(cores) * worker // workers for worker in range(workers + 1)]
    return [tuple(cores[bounds[worker] : bounds[worker + 1]]) for worker in range(workers)]


def visible_gpus(environment: Mapping[str, str]) -> list[dict[str, str]]:
    """For each GPU that this process may use: the variables that leave it alone visible."""
    for name in _LISTS_OF_GPUS:
        if name in environment:
            listed = [gpu.strip() for gpu in environment[name].split(",")]
            return [{name: gpu} for gpu in listed if gpu and gpu != "-1"]
    # nvidia-smi counts by PCI bus, CUDA by speed unless told otherwise.
    return [
        {"CUDA_VISIBLE_DEVICES": str(number), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"} for number in range(len(nvidia_gpus()))
    ]
