"""fit: train one experiment on one pack, from the first step or from wherever an earlier run stopped."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from train.catalogue import build_network
from train.checkpoint import (
    CHECKPOINT_FILE,
    DONE_FILE,
    EXPERIMENT_FILE,
    TENSORBOARD_FOLDER,
    WEIGHTS_FILE,
    Checkpoint,
    Position,
    TrainingRecord,
    capture_random_states,
    parameter_count,
    read_checkpoint,
    read_training_record,
    restore_random_states,
    write_checkpoint,
    write_whole,
)
from train.data.batches import batches_in_order, epoch_batches, load_batch
from train.data.pack import Pack, open_pack
from train.data.split_rows import split_rows
from train.device import choose_device, describe_device
from train.encoding import check_cameras, encode_depth, focal_lengths_in_widths, target_range
from train.errors import InputError
from train.folder_lock import only_process_in
from train.inference import predict_depth_m
from train.interruption import StopRequestedError, stop_requests
from train.losses.depth import depth_loss
from train.metrics.depth import dataset_scores, image_sums
from train.progress import Progress
from train.spec import Encoding, Experiment, OptimiserSpec, experiment_as_json, settings_tree

MEAN_TARGET_IMAGES = 256
# Scores shown after every epoch: one relative, one in metres, one share.
WATCHED_SCORES = ("abs_rel", "rmse_m", "delta_1")


def fit(
    experiment: Experiment, pack_folder: Path, out: Path, *, device: str = "auto", seed: int = 0, amp: bool = False
) -> None:
    """Train, and leave weights.pt, experiment.json, history.jsonl, tensorboard/ and at last done.json in `out`.

    A training that stopped (killed, SIGTERM, power) continues from its checkpoint, written after every epoch and on
    SIGTERM; on a CPU it ends with the same bits as one that never stopped. A finished one is left alone.
    `amp` computes the network in bfloat16, on a GPU only. Loss and metrics stay in float32.

    Raises: InputError on a missing GPU, a pack that does not suit the experiment, or a folder that holds another
    training; StopRequestedError after SIGTERM or SIGINT, once the state is saved.
    """
    where = choose_device(device)
    if amp and where.type != "cuda":
        raise InputError(f"amp needs a GPU, but the device is {where.type}; leave amp out")
    pack = open_pack(pack_folder)
    check_pack(pack, experiment)
    with only_process_in(out):
        if not _open_folder(out, _training_record(experiment, pack, seed=seed, amp=amp)):
            _train(experiment, pack, out, where=where, seed=seed, amp=amp)


def _train(experiment: Experiment, pack: Pack, out: Path, *, where: torch.device, seed: int, amp: bool) -> None:
    train_rows, validation_rows = (
        split_rows(pack, split, split_by=experiment.split_by) for split in ("train", "validation")
    )
    focal_widths = focal_lengths_in_widths(pack.intrinsics_px, width_px=pack.info.width_px)

    torch.manual_seed(seed)
    network = build_network(experiment.network).to(where)
    optimiser = build_optimiser(network, experiment.optimiser)
    data_range = target_range(experiment.encoding)
    at = Position(epoch=0, batch=0, step=0)
    loss_sums: dict[str, float] = {}
    images_seen, seconds_before, history = 0, 0.0, []
    saved = read_checkpoint(out)
    if saved is None:
        network.start_at(mean_target(experiment, pack, train_rows))
    else:
        network.load_state_dict(saved.network)
        optimiser.load_state_dict(saved.optimiser)
        restore_random_states(saved.random_states)
        at, loss_sums, images_seen = saved.position, dict(saved.loss_sums), saved.images_seen
        history, seconds_before = list(saved.history), saved.seconds
    started_s = time.monotonic()

    def save() -> None:
        write_checkpoint(
            out,
            Checkpoint(
                position=at,
                network=network.state_dict(),
                optimiser=optimiser.state_dict(),
                random_states=capture_random_states(),
                loss_sums=loss_sums,
                images_seen=images_seen,
                history=history,
                seconds=seconds_before + time.monotonic() - started_s,
            ),
        )

    epochs = experiment.schedule.epochs
    bar = Progress(
        total=epochs * len(train_rows),
        label=f"training {experiment.key}",
        unit="images",
        already_done=at.epoch * len(train_rows) + images_seen,
    )
    with stop_requests() as stop_asked, bar, SummaryWriter(out / TENSORBOARD_FOLDER, purge_step=at.step) as board:
        network.train()
        while at.epoch < epochs:
            batches = epoch_batches(train_rows, seed=seed, epoch=at.epoch, batch_size=experiment.schedule.global_batch)
            for number, rows in enumerate(batches[at.batch :], start=at.batch + 1):
                rgb, depth_m = load_batch(pack, rows, layer=experiment.layer, device=where)
                with torch.autocast(where.type, dtype=torch.bfloat16, enabled=amp):
                    predicted = network(rgb)
                target = encode_depth(depth_m, experiment.encoding, focal_widths=focal_widths[rows])
                loss, terms = depth_loss(predicted.float(), target, spec=experiment.loss, data_range=data_range)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()

                # One transfer for all terms: each would make the GPU wait.
                values = torch.stack([loss.detach(), *terms.values()]).tolist()
                losses = dict(zip(("total", *terms), values, strict=True))
                _check_finite(losses, at)
                for name, value in losses.items():
                    board.add_scalar(f"train/{name}", value, at.step)
                    loss_sums[name] = loss_sums.get(name, 0.0) + value * len(rows)
                images_seen += len(rows)
                at = Position(epoch=at.epoch, batch=number, step=at.step + 1)
                bar.advance(len(rows), note=f"loss {losses['total']:.4f}")
                if stop_asked():
                    save()
                    raise StopRequestedError(f"stopped at step {at.step} and saved; run the same command to go on")

            validation = validate(network, experiment, pack, validation_rows)
            for mask, values in validation.items():
                for name in WATCHED_SCORES:
                    board.add_scalar(f"validation_{mask}/{name}", values[name], at.step)
            at = Position(epoch=at.epoch + 1, batch=0, step=at.step)
            history.append(
                {
                    "epoch": at.epoch,
                    "step": at.step,
                    "losses": {name: total / images_seen for name, total in loss_sums.items()},
                    "validation": validation,
                    "learning_rate": optimiser.param_groups[0]["lr"],
                    "seconds": seconds_before + time.monotonic() - started_s,
                }
            )
            loss_sums, images_seen = {}, 0
            save()

    write_whole(out / WEIGHTS_FILE, lambda file: torch.save(_on_cpu(network.state_dict()), file))
    done = {
        "epochs": at.epoch,
        "steps": at.step,
        "train_frames": len(train_rows),
        "parameters": parameter_count(network),
        "seconds": seconds_before + time.monotonic() - started_s,
        "device": describe_device(where),
        "torch": torch.__version__,
    }
    write_whole(out / DONE_FILE, lambda file: file.write(json.dumps(done, indent=1).encode()))
    # Its optimiser state is twice the size of the weights, and nothing reads it any more.
    (out / CHECKPOINT_FILE).unlink(missing_ok=True)


def build_optimiser(network: nn.Module, spec: OptimiserSpec) -> torch.optim.Optimizer:
    """The optimiser of a specification, over all parameters. Raises: InputError on a kind that is not known."""
    optimisers = {
        "adam": lambda: torch.optim.Adam(network.parameters(), lr=spec.learning_rate, betas=(spec.beta_1, spec.beta_2)),
    }
    if spec.kind not in optimisers:
        raise InputError(f"no optimiser of kind {spec.kind!r}. Known: {', '.join(optimisers)}")
    return optimisers[spec.kind]()


def validate(network: nn.Module, experiment: Experiment, pack: Pack, rows: np.ndarray) -> dict[str, dict[str, float]]:
    """Pooled scores by mask over some rows of the experiment's layer; empty when there are no rows."""
    layer = pack.layers[experiment.layer]
    sums = []
    for batch in batches_in_order(rows, batch_size=experiment.schedule.global_batch):
        predicted_m = predict_depth_m(network, experiment, pack.rgb[batch], intrinsics_px=pack.intrinsics_px[batch])
        sums += [
            image_sums(
                one_m,
                np.asarray(layer.depth_m[row]),
                np.asarray(layer.head_mask[row]),
                background_depth_m=experiment.encoding.background_depth_m,
            )
            for one_m, row in zip(predicted_m, batch, strict=True)
        ]
    return {mask: both["pooled"] for mask, both in dataset_scores(sums).items()}


def check_pack(pack: Pack, experiment: Experiment) -> None:
    """Raises: InputError when the pack has no training frames, or depths or cameras that do not suit the encoding."""
    if pack.info.frames.get("train", 0) == 0:
        raise InputError(f"{pack.folder} holds no frame of split 'train' (frames: {pack.info.frames})")
    check_depth_limits(pack, experiment.encoding, layer=experiment.layer)
    focal_widths = focal_lengths_in_widths(pack.intrinsics_px, width_px=pack.info.width_px)
    check_cameras(focal_widths, experiment.encoding, where=str(pack.folder))


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
    focal_widths = focal_lengths_in_widths(pack.intrinsics_px[chosen], width_px=pack.info.width_px)
    means = [
        encode_depth(
            load_batch(pack, chosen[i : i + 1], layer=experiment.layer, device=torch.device("cpu"))[1],
            experiment.encoding,
            focal_widths=focal_widths[i : i + 1],
        )
        .mean()
        .item()
        for i in range(len(chosen))
    ]
    return float(np.mean(means))


def _training_record(experiment: Experiment, pack: Pack, *, seed: int, amp: bool) -> TrainingRecord:
    return TrainingRecord(
        experiment=experiment_as_json(experiment),
        seed=seed,
        amp=amp,
        dataset_id=pack.info.dataset_id,
        dataset_name=pack.info.dataset_name,
        index_sha256=pack.info.index_sha256,
        width_px=pack.info.width_px,
        height_px=pack.info.height_px,
        mean_focal_length_px=float(
            pack.intrinsics_px[split_rows(pack, "train", split_by=experiment.split_by), 0, 0].mean()
        ),
    )


def _open_folder(out: Path, record: TrainingRecord) -> bool:
    """Claim an empty folder or check that it holds this same training; True when that training is finished."""
    if not (out / EXPERIMENT_FILE).exists():
        if any(path.suffix != ".partial" for path in out.iterdir()):
            raise InputError(f"{out} is not empty and holds no training; choose another folder")
        write_whole(out / EXPERIMENT_FILE, lambda file: file.write(record.model_dump_json(indent=1).encode()))
        return False
    there, asked = _what_counts(read_training_record(out)), _what_counts(record)
    different = [name for name in asked if there[name] != asked[name]]
    if different:
        changes = "; ".join(f"{name}: {there[name]} there, {asked[name]} asked" for name in different)
        raise InputError(f"{out} holds another training ({changes}). Choose another folder or delete it")
    return (out / DONE_FILE).exists()


def _what_counts(record: TrainingRecord) -> dict[str, Any]:
    """All of a record but the words about its experiment: correcting those must not end a half-done training."""
    return {**record.model_dump(), "experiment": settings_tree(record.experiment)}


def _check_finite(losses: dict[str, float], at: Position) -> None:
    if not np.isfinite(losses["total"]):
        raise InputError(
            f"the loss became {losses['total']} at step {at.step} (epoch {at.epoch}; terms {losses}). "
            "Try a smaller optimiser.learning_rate"
        )


def _on_cpu(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value.cpu() for name, value in state.items()}
