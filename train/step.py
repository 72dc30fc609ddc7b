"""Step: the weights change once, by the gradient of the mean loss over a global batch, however it is cut up."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from train.data.augmentation import augment, draw_change
from train.data.batches import Portion, batch_on
from train.encoding import target_of, target_range
from train.losses.depth import depth_loss
from train.machine import AMP_TYPES, Machine
from train.spec import Experiment


@dataclass(frozen=True)
class Learner:
    """What a step works on: the network as it is called (compiled, spread over processes), and what changes it."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    machine: Machine


def take_step(
    learner: Learner,
    experiment: Experiment,
    portions: Sequence[Portion],
    arrays: Iterator[dict[str, Tensor]],
    *,
    seed: int,
    epoch: int,
) -> dict[str, Float[Tensor, ""]]:
    """Change the weights once; `arrays` yields what `read_rows` gave for each portion of the global batch.

    Returns the part of this process in the loss (`total`) and in each of its terms: over all processes they add up to
    the means over the global batch.
    """
    machine, sums = learner.machine, {}
    shared = learner.network if isinstance(learner.network, DistributedDataParallel) else None
    learner.optimiser.zero_grad(set_to_none=True)
    for number, portion in enumerate(portions, start=1):
        batch = batch_on(machine.device, next(arrays))
        changes = [draw_change(experiment.augmentation, seed=seed, epoch=epoch, row=int(row)) for row in portion.rows]
        batch = augment(batch, changes)
        with shared.no_sync() if shared is not None and number < len(portions) else nullcontext():
            with torch.autocast(machine.device.type, dtype=AMP_TYPES.get(machine.amp), enabled=machine.amp != "off"):
                predicted = learner.network(batch.rgb.contiguous(memory_format=machine.memory_format))
            loss, terms = depth_loss(
                predicted.float(),
                target_of(batch, experiment.encoding),
                spec=experiment.loss,
                data_range=target_range(experiment.encoding),
            )
            # Processes exchange the mean of their gradients, but the weights of portions are made for the sum.
            learner.scaler.scale(loss * (portion.weight * machine.processes.world_size)).backward()
        for name, value in {"total": loss.detach(), **terms}.items():
            sums[name] = sums.get(name, 0.0) + value * portion.weight
    learner.scaler.step(learner.optimiser)
    learner.scaler.update()
    return sums


def seed_step(seed: int, *, step: int, rank: int) -> None:
    """Seed torch for one step of one process (dropout and the like), so that it needs no memory of earlier steps."""
    digest = hashlib.sha256(f"headroom/step/{seed}/{step}/{rank}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8], "little", signed=True))
