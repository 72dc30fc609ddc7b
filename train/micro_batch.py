"""Micro-batch: how many images go through a network at once, where nobody said so."""

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from train.checkpoint import EXPERIMENT_FILE, read_training_record
from train.data.pack import Pack
from train.errors import InputError
from train.machine import AMP_TYPES, Amp
from train.optimiser import build_optimiser
from train.processes import Processes
from train.quantities.table import quantity_of
from train.spec import Experiment


def automatic_micro_batch(
    network: nn.Module,
    critic: nn.Module | None,
    experiment: Experiment,
    pack: Pack,
    out: Path,
    *,
    amp: Amp,
    processes: Processes,
    device: torch.device,
) -> int:
    """What batch norm took together in an earlier run in this folder; else as much of a process's share as fits.

    On a GPU that is tried with copies of the network and of its critic, if it has one; a CPU is believed to have memory
    enough.
    Raises: InputError when not even one image fits.
    """
    share = -(-experiment.schedule.global_batch // processes.world_size)
    if (out / EXPERIMENT_FILE).exists():
        images = read_training_record(out).batch_norm_images
        if images is not None:
            return max(1, min(share, images // (processes.world_size if device.type == "cuda" else 1)))
    if device.type == "cpu":
        return share

    def try_step(images: int) -> None:
        trials = nn.ModuleList(copy.deepcopy(one) for one in (network, critic) if one is not None).to(device).train()
        optimiser = build_optimiser(trials, experiment.optimiser)
        rgb = torch.rand(images, 3, pack.info.height_px, pack.info.width_px, device=device)
        with torch.autocast(device.type, dtype=AMP_TYPES.get(amp), enabled=amp != "off"):
            predicted = trials[0](rgb)
            judged = trials[1](rgb, predicted).float().mean() if critic is not None else 0.0
        loss, _ = quantity_of(experiment).loss(predicted.float(), torch.ones_like(predicted).float(), experiment)
        (loss + judged).backward()
        optimiser.step()
        torch.cuda.synchronize(device)

    found = largest_that_fits(share, try_step)
    torch.cuda.empty_cache()
    return found


def largest_that_fits(most: int, attempt: Callable[[int], None]) -> int:
    """The first of most, its half, its quarter … with which the attempt does not run out of memory.

    Raises: InputError when even 1 is too many.
    """
    count = most
    while True:
        try:
            attempt(count)
            return count
        except torch.OutOfMemoryError as error:
            if count == 1:
                raise InputError(
                    "not even one image fits into the memory of the GPU. Try --amp bf16, a smaller network.width, or "
                    "a pack of fewer pixels"
                ) from error
        torch.cuda.empty_cache()
        count = -(-count // 2)
