"""fit: train one experiment on one pack, from the first step or from wherever an earlier run stopped."""

import functools
import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Int
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from train.catalogue import build_network
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
from train.data.batches import WaitingTime, epoch_batches, load_batch, portions, read_ahead, read_rows
from train.data.pack import Pack, open_pack
from train.data.split_rows import split_rows
from train.device import choose_device, describe_device
from train.early_stop import best_epoch, needs_validation, patience_is_over
from train.encoding import check_cameras, focal_lengths_in_widths, target_of
from train.errors import InputError
from train.folder_lock import only_process_in
from train.interruption import StopRequestedError, stop_requests
from train.loss_log import LossLog
from train.machine import Amp, Machine, batch_norm_images, check_amp, with_machine
from train.micro_batch import automatic_micro_batch
from train.optimiser import build_optimiser, learning_rate_at
from train.processes import joined, launched_processes, share_statistics, smallest, spread, wait_for_all
from train.progress import Progress
from train.spec import Encoding, Experiment
from train.step import Learner, seed_step, take_step
from train.training_folder import open_folder, rows_to_learn, training_record
from train.validation import validate

MEAN_TARGET_IMAGES = 256
# Scores shown after every epoch: one relative, one in metres, one share.
WATCHED_SCORES = ("abs_rel", "rmse_m", "delta_1")


def fit(
    experiment: Experiment,
    pack_folder: Path,
    out: Path,
    *,
    device: str = "auto",
    seed: int = 0,
    amp: Amp = "off",
    micro_batch: int | None = None,
    channels_last: bool = True,
    compiled: bool = False,
) -> None:
    """Train, and leave weights.pt, experiment.json, history.jsonl, tensorboard/ and at last done.json in `out`.

    A training that stopped (killed, SIGTERM, power) continues from its checkpoint, written after every epoch and on
    SIGTERM; on a CPU it ends with the same bits as one that never stopped. A finished one is left alone. Started by
    `torchrun`, each process takes its share of every global batch, and the first one writes the files.

    The rest is of the machine (train/machine.py). `amp` computes the network in bfloat16 or, on a GPU, float16; loss,
    weights and validation stay in float32. `micro_batch` is the most images at once in one process: by default what an
    earlier run took, else as many as fit. `channels_last` and `compiled` make the same computation faster.

    Raises: InputError on a missing GPU, a pack that does not suit the experiment, or a folder that holds another
    training; StopRequestedError after SIGTERM or SIGINT, once the state is saved.
    """
    processes = launched_processes()
    where = choose_device(device, gpu_number=processes.local_rank)
    check_amp(amp, where)
    pack = open_pack(pack_folder)
    check_pack(pack, experiment)
    torch.manual_seed(seed)
    network = build_network(experiment.network, for_stored_weights=(out / CHECKPOINT_FILE).exists())
    global_batch = experiment.schedule.global_batch

    with joined(processes, where), only_process_in(out) if processes.first else nullcontext():
        wait_for_all(processes)
        if micro_batch is None:
            micro_batch = automatic_micro_batch(
                network, experiment, pack, out, amp=amp, processes=processes, device=where
            )
        machine = Machine(
            device=where,
            processes=processes,
            amp=amp,
            micro_batch=smallest(micro_batch, processes, where),
            channels_last=channels_last,
            compiled=compiled,
        )
        together = batch_norm_images(network, global_batch=global_batch, machine=machine)
        if processes.first:
            open_folder(out, training_record(experiment, pack, seed=seed, amp=amp, batch_norm_images=together))
        wait_for_all(processes)
        if not (out / DONE_FILE).exists():
            if not (out / CHECKPOINT_FILE).exists():
                network.start_at(mean_target(experiment, pack, rows_to_learn(experiment, pack)))
            _train(network, experiment, pack, out, machine=machine, seed=seed)


def _train(network: nn.Module, experiment: Experiment, pack: Pack, out: Path, *, machine: Machine, seed: int) -> None:
    processes, schedule = machine.processes, experiment.schedule
    train_rows = rows_to_learn(experiment, pack)
    validation_rows = split_rows(pack, "validation", split_by=experiment.split_by)
    network = share_statistics(network, processes, machine.device)
    network = network.to(machine.device).to(memory_format=machine.memory_format)
    optimiser = build_optimiser(network, experiment.optimiser)
    scaler = torch.amp.GradScaler(machine.device.type, enabled=machine.amp == "fp16")
    at = Position(epoch=0, batch=0, step=0)
    loss_sums, images_seen, seconds_before = {}, 0, 0.0
    history, best_network, machines = [], None, []
    saved = read_checkpoint(out)
    if saved is not None:
        network.load_state_dict(saved.network)
        optimiser.load_state_dict(saved.optimiser)
        scaler.load_state_dict(saved.scaler)
        at, loss_sums, images_seen, seconds_before = saved.position, saved.loss_sums, saved.images_seen, saved.seconds
        history, best_network, machines = list(saved.history), saved.best_network, list(saved.machines)
    machines = with_machine(machines, machine, from_step=at.step)
    called = cast(nn.Module, torch.compile(network)) if machine.compiled else network
    learner = Learner(spread(called, processes, machine.device), optimiser, scaler, machine)
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
                    read_rows, pack, portion.rows, layer=experiment.layer, pinned=machine.device.type == "cuda"
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
                for group in optimiser.param_groups:
                    group["lr"] = rate
                losses = take_step(learner, experiment, plans[number], arrays, seed=seed, epoch=at.epoch)
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
                for mask, values in validation.items():
                    for name in WATCHED_SCORES:
                        board.add_scalar(f"validation_{mask}/{name}", values[name], at.step)
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


def check_pack(pack: Pack, experiment: Experiment) -> None:
    """Raises: InputError when the pack lacks frames of a split, or its depths or cameras do not suit the encoding."""
    if pack.info.frames.get("train", 0) == 0:
        raise InputError(f"{pack.folder} holds no frame of split 'train' (frames: {pack.info.frames})")
    if needs_validation(experiment.schedule) and pack.info.frames.get("validation", 0) == 0:
        raise InputError(
            f"{pack.folder} holds no validation frame (frames: {pack.info.frames}), but schedule.patience_epochs or "
            "schedule.keep_weights needs scores of such; set these to 0 and last, or pack frames of split 'validation'"
        )
    check_depth_limits(pack, experiment.encoding, layer=experiment.layer)
    focal_widths = focal_lengths_in_widths(pack.intrinsics_px, width_px=pack.info.width_px)
    check_cameras(focal_widths, experiment.encoding, where=str(pack.folder))
    augmentation = experiment.augmentation
    if augmentation.crop > 0:
        longest = focal_widths[rows_to_learn(experiment, pack)] / augmentation.crop_smallest
        cropped = f"{pack.folder}, cropped to augmentation.crop_smallest = {augmentation.crop_smallest:g} of its width,"
        check_cameras(longest, experiment.encoding, where=cropped)


def check_depth_limits(pack: Pack, encoding: Encoding, *, layer: str) -> None:
    """Raises: InputError when depths of the pack lie outside the limits of the encoding, saying what to set."""
    nearest_m, farthest_m = pack.info.nearest_depth_m[layer], pack.info.farthest_depth_m[layer]
    if nearest_m is None or farthest_m is None:
        raise InputError(f"{pack.folder}: layer {layer!r} has no valid depth in any frame; nothing to learn")
    if nearest_m < encoding.nearest_depth_m:
        raise InputError(
            f"{pack.folder} holds depths of {nearest_m:.3f} m, in front of encoding.nearest_depth_m = "
            f"{encoding.nearest_depth_m} m. Try --set encoding.nearest_depth_m={nearest_m * 0.9:.2g}"
        )
    if farthest_m > encoding.background_depth_m:
        raise InputError(
            f"{pack.folder} holds depths of {farthest_m:.3f} m, behind encoding.background_depth_m = "
            f"{encoding.background_depth_m} m. Try --set encoding.background_depth_m={farthest_m * 1.1:.2g}"
        )


def mean_target(experiment: Experiment, pack: Pack, rows: Int[np.ndarray, " n"]) -> float:
    """Mean of the encoded target over at most MEAN_TARGET_IMAGES pictures, spread evenly over the rows."""
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MEAN_TARGET_IMAGES)).astype(int))]
    cpu = torch.device("cpu")
    batches = (load_batch(pack, chosen[i : i + 1], layer=experiment.layer, device=cpu) for i in range(len(chosen)))
    return float(np.mean([target_of(batch, experiment.encoding).mean().item() for batch in batches]))
