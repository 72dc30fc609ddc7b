"""Step: the weights change once, by the gradient of the mean loss over a global batch, however it is cut up."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from train.checkpoint import Position
from train.data.augmentation import augment, draw_change
from train.data.batches import Batch, Portion, batch_on
from train.machine import AMP_TYPES, Machine
from train.quantities.table import quantity_of
from train.spec import Experiment


@dataclass(frozen=True)
class Critic:
    """The other network of an adversarial training: as it is called, as it is, and what changes it."""

    network: nn.Module
    bare: nn.Module
    optimiser: torch.optim.Optimizer


@dataclass(frozen=True)
class Learner:
    """What a step works on: the network as it is called (compiled, spread over processes), and what changes it."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    machine: Machine
    critic: Critic | None = None


def take_step(
    learner: Learner,
    experiment: Experiment,
    portions: Sequence[Portion],
    arrays: Iterator[dict[str, Tensor]],
    *,
    seed: int,
    at: Position,
) -> dict[str, Float[Tensor, ""]]:
    """Change the weights once; `arrays` yields what `read_rows` gave for each portion of the global batch.

    Returns the part of this process in the loss (`total`) and in each of its terms: over all processes they add up to
    the means over the global batch.
    """
    machine, quantity, sums = learner.machine, quantity_of(experiment), {}
    learner.optimiser.zero_grad(set_to_none=True)
    for number, portion in enumerate(portions, start=1):
        batch = augmented(batch_on(machine.device, next(arrays)), experiment, portion, seed=seed, epoch=at.epoch)
        with unshared(learner.network) if number < len(portions) else nullcontext():
            predicted = called(learner.network, batch.rgb, machine=machine)
            loss, terms = quantity.loss(predicted, quantity.encode(batch, experiment), experiment)
            # Processes exchange the mean of their gradients, but the weights of portions are made for the sum.
            learner.scaler.scale(loss * (portion.weight * machine.processes.world_size)).backward()
        add_weighted(sums, {"total": loss.detach(), **terms}, portion.weight)
    learner.scaler.step(learner.optimiser)
    learner.scaler.update()
    return sums


def augmented(batch: Batch, experiment: Experiment, portion: Portion, *, seed: int, epoch: int) -> Batch:
    """The batch of a portion, each image changed as seed, epoch and row say."""
    spec = experiment.augmentation
    return augment(batch, [draw_change(spec, seed=seed, epoch=epoch, row=int(row)) for row in portion.rows])


def called(network: nn.Module, *pictures: Float[Tensor, "b _ h w"], machine: Machine) -> Float[Tensor, "b ..."]:
    """What a network says, computed in the number type and memory format of the machine; float32."""
    with torch.autocast(machine.device.type, dtype=AMP_TYPES.get(machine.amp), enabled=machine.amp != "off"):
        said = network(*(one.contiguous(memory_format=machine.memory_format) for one in pictures))
    return said.float()


def unshared(network: nn.Module) -> AbstractContextManager:
    """Within the block gradients stay with this process, and are added up for the next backward pass outside."""
    return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()


def add_weighted(sums: dict[str, Tensor], values: dict[str, Tensor], weight: float) -> None:
    """Add the values of a portion to those of the others, by name."""
    for name, value in values.items():
        sums[name] = sums.get(name, 0.0) + value * weight


def seed_step(seed: int, *, step: int, rank: int) -> None:
    """Seed torch for one step of one process (dropout and the like), so that it needs no memory of earlier steps."""
    digest = hashlib.sha256(f"headroom/step/{seed}/{step}/{rank}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8], "little", signed=True))
