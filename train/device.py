"""Device: where torch computes; a device that was asked for and is missing is an error."""

import os

import torch

from train.errors import InputError

DEVICES = ("auto", "cpu", "cuda")


def choose_device(requested: str, *, gpu_number: int = 0) -> torch.device:
    """The device of that name, of several GPUs the one of that number; `auto` takes a GPU when torch sees one.

    Raises: InputError when a GPU is asked for and torch sees none or too few, or the name is unknown.
    """
    if requested not in DEVICES:
        raise InputError(f"no device {requested!r}; expected one of {', '.join(DEVICES)}")
    if requested == "cuda" and not torch.cuda.is_available():
        raise InputError(
            f"device 'cuda' was asked for, but torch {torch.__version__} sees no GPU. Check the driver with nvidia-smi "
            "and CUDA_VISIBLE_DEVICES, or ask for device cpu"
        )
    if requested == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    if gpu_number >= torch.cuda.device_count():
        raise InputError(
            f"process {gpu_number} of this machine has no GPU of its own: torch sees {torch.cuda.device_count()}. "
            "Start no more processes than GPUs (torchrun --nproc-per-node)"
        )
    return torch.device("cuda", gpu_number)


def describe_device(device: torch.device) -> str:
    """The device in words, for records: its kind, and the name of the GPU or the number of threads."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)"


def use_allowed_cores() -> None:
    """Let torch use as many threads as this process may use cores (its affinity, not the machine's size)."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
