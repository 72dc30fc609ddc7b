"""The loop of every training: epochs, steps, validation, checkpoints, logs; what a step does is given to it."""

import functools
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from train.checkpoint import (
    CHECKPOINT_FILE,
    DONE_FILE,
    TENSORBOARD_FOLDER,
    WEIGHTS_FILE,
    Checkpoint,
    Position,
    on_cpu,
    parameter_count,
    read_checkpoint,
    write_checkpoint,
    write_whole,
)
from train.data.batches import WaitingTime, epoch_batches, portions, read_ahead, read_rows
from train.data.pack import Pack, open_pack
from train.data.split_rows import split_rows
from train.device import choose_device, describe_device
from train.early_stop import best_epoch, needs_validation, patience_is_over
from train.errors import InputError
from train.folder_lock import only_process_in
from train.interruption import StopRequestedError, stop_requests
from train.loss_log import LossLog
from train.machine import Amp, Machine, batch_norm_images, check_amp, with_machine
from train.micro_batch import automatic_micro_batch
from train.optimiser import build_optimiser, learning_rate_at
from train.processes import joined, launched_processes, share_statistics, smallest, spread, wait_for_all
from train.progress import Progress
from train.quantities.table import quantity_of
from train.spec import Experiment
from train.step import Critic, Learner, seed_step
from train.training_folder import open_folder, rows_to_learn, training_record
from train.validation import validate


@dataclass(frozen=True)
class Networks:
    """What learns: the network that predicts, and in an adversarial training its critic."""

    predicting: nn.Module
    critic: nn.Module | None = None


@dataclass(frozen=True)
class Method:
    """What one way of training has of its own.

    `build(pack, for_stored_weights)` makes the networks, whose weights a checkpoint will replace or not. `take_step`
    changes them once, by one global batch, and returns this process's part in each loss, as train/step.py does it.
    """

    build: Callable[[Pack, bool], Networks]
    take_step: Callable[..., dict[str, Tensor]]


def run_training(
    method: Method,
    experiment: Experiment,
    pack_folder: Path,
    out: Path,
    *,
    device: str,
    seed: int,
    amp: Amp,
    micro_batch: int | None,
    channels_last: bool,
    compiled: bool,
) -> None:
    """Train as `fit` says, by the networks and steps of a method. Raises: as `fit`."""
    processes = launched_processes()
    where = choose_device(device, gpu_number=processes.local_rank)
    check_amp(amp, where)
    pack = open_pack(pack_folder)
    check_pack(pack, experiment)
    torch.manual_seed(seed)
    networks = method.build(pack, (out / CHECKPOINT_FILE).exists())
    global_batch = experiment.schedule.global_batch

    with joined(processes, where), only_process_in(out) if processes.first else nullcontext():
        wait_for_all(processes)
        if micro_batch is None:
            micro_batch = automatic_micro_batch(
                networks.predicting, networks.critic, experiment, pack, out, amp=amp, processes=processes, device=where
            )
        machine = Machine(
            device=where,
            processes=processes,
            amp=amp,
            micro_batch=smallest(micro_batch, processes, where),
            channels_last=channels_last,
            compiled=compiled,
        )
        together = batch_norm_images(networks.predicting, global_batch=global_batch, machine=machine)
        if processes.first:
            open_folder(out, training_record(experiment, pack, seed=seed, amp=amp, batch_norm_images=together))
        wait_for_all(processes)
        if not (out / DONE_FILE).exists():
            if not (out / CHECKPOINT_FILE).exists():
                rows = rows_to_learn(experiment, pack)
                quantity_of(experiment).start(networks.predicting, experiment, pack, rows)
            _train(method, networks, experiment, pack, out, machine=machine, seed=seed)


def _train(
    method: Method, networks: Networks, experiment: Experiment, pack: Pack, out: Path, *, machine: Machine, seed: int
) -> None:
    processes, schedule = machine.processes, experiment.schedule
    train_rows = rows_to_learn(experiment, pack)
    validation_rows = split_rows(pack, "validation", split_by=experiment.split_by)
    quantity, network = quantity_of(experiment), _placed(networks.predicting, machine)
    optimiser = build_optimiser(network, experiment.optimiser)
    optimisers, critic = [optimiser], None
    if networks.critic is not None:
        bare = _placed(networks.critic, machine)
        critic = Critic(_called(bare, machine), bare, build_optimiser(bare, experiment.optimiser))
        optimisers.append(critic.optimiser)
    scaler = torch.amp.GradScaler(machine.device.type, enabled=machine.amp == "fp16")
    at = Position(epoch=0, batch=0, step=0)
    loss_sums, images_seen, seconds_before = {}, 0, 0.0
    history, best_network, machines = [], None, []
    saved = read_checkpoint(out)
    if saved is not None:
        network.load_state_dict(saved.network)
        optimiser.load_state_dict(saved.optimiser)
        scaler.load_state_dict(saved.scaler)
        if critic is not None:
            critic.bare.load_state_dict(saved.critic["network"])
            critic.optimiser.load_state_dict(saved.critic["optimiser"])
        at, loss_sums, images_seen, seconds_before = saved.position, saved.loss_sums, saved.images_seen, saved.seconds
        history, best_network, machines = list(saved.history), saved.best_network, list(saved.machines)
    machines = with_machine(machines, machine, from_step=at.step)
    learner = Learner(_called(network, machine), optimiser, scaler, machine, critic)
    started_s = time.monotonic()

    def seconds() -> float:
        return seconds_before + time.monotonic() - started_s

    def save() -> None:
        if processes.first:
            checkpoint = Checkpoint(
                position=at,
                network=network.state_dict(),
                optimiser=optimiser.state_dict(),
                scaler=scaler.state_dict(),
                loss_sums=log.sums,
                images_seen=log.images,
                history=history,
                best_network=best_network,
                machines=machines,
                seconds=seconds(),
                critic=_state(critic),
            )
            write_checkpoint(out, checkpoint)
        wait_for_all(processes)

    bar = Progress(
        total=schedule.epochs * len(train_rows),
        label=f"training {experiment.key}",
        unit="images",
        already_done=at.epoch * len(train_rows) + images_seen,
    )
    board = SummaryWriter(out / TENSORBOARD_FOLDER, purge_step=at.step) if processes.first else None
    with (
        stop_requests(deaf_to_more=processes.world_size > 1) as stop_asked,
        bar if processes.first else nullcontext(),
        board or nullcontext(),
    ):
        log = LossLog(board, bar if processes.first else None, processes, sums=loss_sums, images=images_seen)
        while at.epoch < schedule.epochs and not patience_is_over(history, schedule):
            network.train()
            batches = epoch_batches(train_rows, seed=seed, epoch=at.epoch, batch_size=schedule.global_batch)
            plans = [
                portions(batch, rank=processes.rank, world_size=processes.world_size, micro_batch=machine.micro_batch)
                for batch in batches
            ]
            jobs = [
                functools.partial(
                    read_rows,
                    pack,
                    portion.rows,
                    layer=experiment.layer,
                    with_normals=quantity.with_normals,
                    pinned=machine.device.type == "cuda",
                )
                for plan in plans[at.batch :]
                for portion in plan
            ]
            waiting, epoch_started_s = WaitingTime(), time.perf_counter()
            arrays = waiting.measured(read_ahead(jobs))
            for number in range(at.batch, len(batches)):
                seed_step(seed, step=at.step, rank=processes.rank)
                epochs_done = at.epoch + (number + 0.5) / len(batches)
                rate = learning_rate_at(epochs_done, first=experiment.optimiser.learning_rate, schedule=schedule)
                for group in (group for one in optimisers for group in one.param_groups):
                    group["lr"] = rate
                losses = method.take_step(learner, experiment, plans[number], arrays, seed=seed, at=at)
                log.add(losses, step=at.step, images=len(batches[number]), stop_asked=stop_asked())
                at = Position(epoch=at.epoch, batch=number + 1, step=at.step + 1)
                if log.stop_asked:
                    log.read_all()
                    save()
                    raise StopRequestedError(f"stopped at step {at.step} and saved; run the same command to go on")

            losses_of_epoch = log.means_of_epoch()
            waiting_share = waiting.seconds / (time.perf_counter() - epoch_started_s)
            validation = validate(network, experiment, pack, validation_rows, processes=processes)
            if board is not None:
                for region, values in validation.items():
                    for name in (name for name in quantity.watched_scores if name in values):
                        board.add_scalar(f"validation_{region}/{name}", values[name], at.step)
            at = Position(epoch=at.epoch + 1, batch=0, step=at.step)
            history.append(
                {
                    "epoch": at.epoch,
                    "step": at.step,
                    "losses": losses_of_epoch,
                    "validation": validation,
                    "learning_rate": optimiser.param_groups[0]["lr"],
                    "seconds": seconds(),
                    "waiting_share": waiting_share,
                }
            )
            if schedule.keep_weights == "best" and best_epoch(history, schedule.watched_score) == at.epoch:
                best_network = on_cpu(network.state_dict())
            save()

    if processes.first:
        kept = network.state_dict() if best_network is None else best_network
        write_whole(out / WEIGHTS_FILE, lambda file: torch.save(on_cpu(kept), file))
        done = {
            "epochs": at.epoch,
            "steps": at.step,
            "weights_of_epoch": best_epoch(history, schedule.watched_score) if best_network else at.epoch,
            "train_frames": len(train_rows),
            "parameters": parameter_count(network),
            "seconds": seconds(),
            "device": describe_device(machine.device),
            "torch": torch.__version__,
            "machines": machines,
        }
        write_whole(out / DONE_FILE, lambda file: file.write(json.dumps(done, indent=1).encode()))
        # Its optimiser state is twice the size of the weights, and nothing reads it any more.
        (out / CHECKPOINT_FILE).unlink(missing_ok=True)
    wait_for_all(processes)


def _placed(network: nn.Module, machine: Machine) -> nn.Module:
    """The network on the machine's device."""
    network = share_statistics(network, machine.processes, machine.device)
    return network.to(machine.device).to(memory_format=machine.memory_format)


def _called(network: nn.Module, machine: Machine) -> nn.Module:
    """The network as steps call it."""
    called = cast(nn.Module, torch.compile(network)) if machine.compiled else network
    return spread(called, machine.processes, machine.device)


def _state(critic: Critic | None) -> dict[str, Any]:
    """What a checkpoint keeps of a critic; nothing where there is none."""
    if critic is None:
        return {}
    return {"network": critic.bare.state_dict(), "optimiser": critic.optimiser.state_dict()}


def check_pack(pack: Pack, experiment: Experiment) -> None:
    """Raises: InputError when the pack lacks frames of a split, or does not suit what is to be learnt from it."""
    if pack.info.frames.get("train", 0) == 0:
        raise InputError(f"{pack.folder} holds no frame of split 'train' (frames: {pack.info.frames})")
    if needs_validation(experiment.schedule) and pack.info.frames.get("validation", 0) == 0:
        raise InputError(
            f"{pack.folder} holds no validation frame (frames: {pack.info.frames}), but schedule.patience_epochs or "
            "schedule.keep_weights needs scores of such; set these to 0 and last, or pack frames of split 'validation'"
        )
    quantity_of(experiment).check_pack(pack, experiment)
