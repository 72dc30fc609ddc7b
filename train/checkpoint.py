"""Checkpoints: files that are always whole (written aside, flushed, renamed), and trainings read back from them."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import torch
from torch import nn

from render.dataset_format import Record
from train.catalogue import build_network
from train.errors import InputError
from train.spec import Experiment, experiment_from_json

EXPERIMENT_FILE = "experiment.json"
CHECKPOINT_FILE = "checkpoint.pt"
WEIGHTS_FILE = "weights.pt"
HISTORY_FILE = "history.jsonl"
DONE_FILE = "done.json"
TENSORBOARD_FOLDER = "tensorboard"


class TrainingRecord(Record):
    """What a training was made from, its pack's size included; it can be resumed only with the same.

    `amp` is the number type that the network computes in. `batch_norm_images` is how many images are normalised by
    common statistics, None without batch norm. Both are of the machine, but they decide what is learnt.
    """

    experiment: dict
    seed: int
    amp: Literal["off", "bf16", "fp16"]
    batch_norm_images: int | None
    dataset_id: str
    dataset_name: str
    index_sha256: str
    width_px: int
    height_px: int
    mean_focal_length_px: float


@dataclass(frozen=True)
class Position:
    """How far a training came: whole epochs, batches of the epoch after them, and steps in all."""

    epoch: int
    batch: int
    step: int


@dataclass(frozen=True)
class Checkpoint:
    """All state of a training between two steps.

    `scaler` is what float16 needs to scale gradients (empty otherwise). `loss_sums` adds up, over the images of the
    unfinished epoch, each term times its images; `history` holds the finished epochs. `best_network` is the network
    after the best of them, when it is to be kept. `machines` says what the training ran on, from which step on.
    `seconds` is the time spent so far, over all runs. `critic` holds the state of a critic's network and optimiser,
    where there is one; checkpoints of earlier versions have no such entry. Random numbers need no state: each step has
    its own seed.
    """

    position: Position
    network: dict[str, Any]
    optimiser: dict[str, Any]
    scaler: dict[str, Any]
    loss_sums: dict[str, float]
    images_seen: int
    history: list[dict[str, Any]]
    best_network: dict[str, Any] | None
    machines: list[dict[str, Any]]
    seconds: float
    critic: dict[str, Any] = field(default_factory=dict)


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the folder's checkpoint in one step, and its history with it."""
    tree = {
        **{name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__},
        "position": [checkpoint.position.epoch, checkpoint.position.batch, checkpoint.position.step],
    }
    write_whole(folder / CHECKPOINT_FILE, lambda file: torch.save(tree, file))
    lines = "".join(json.dumps(line) + "\n" for line in checkpoint.history)
    write_whole(folder / HISTORY_FILE, lambda file: file.write(lines.encode()))


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The folder's checkpoint, with tensors on the CPU; None when it has none.

    Raises: InputError when the file is not a checkpoint.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        tree = torch.load(path, map_location="cpu", weights_only=True)
        return Checkpoint(**{**tree, "position": Position(*tree["position"])})
    except Exception as error:  # torch.load raises many kinds, all meaning the same here
        raise InputError(f"{path} cannot be read as a checkpoint ({error}); delete it to start again") from error


def read_training_record(folder: Path) -> TrainingRecord:
    """What the training in a folder was made from. Raises: InputError when the folder holds no training."""
    path = folder / EXPERIMENT_FILE
    try:
        return TrainingRecord.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} is no training: {EXPERIMENT_FILE} cannot be read ({error})") from error


def load_trained(folder: Path) -> tuple[Experiment, nn.Module]:
    """The experiment and the trained network (on the CPU, in evaluation mode) of a finished training.

    Raises: InputError when the training is missing, unfinished, or its weights do not fit its network.
    """
    record = read_training_record(folder)
    experiment = experiment_from_json(record.experiment, where=str(folder / EXPERIMENT_FILE))
    path = folder / WEIGHTS_FILE
    if not path.exists():
        raise InputError(f"the training in {folder} is not finished: {WEIGHTS_FILE} is missing; run `fit` again on it")
    network = build_network(experiment.network, for_stored_weights=True)
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise InputError(f"{path} holds no weights of {experiment.network} ({error}); train again") from error
    return experiment, network.eval()


def parameter_count(network: nn.Module) -> int:
    """How many numbers the network learns."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def on_cpu(state: dict[str, Any]) -> dict[str, Any]:
    """A copy of a network's state that stays what it is while the network learns on."""
    return {name: value.detach().cpu().clone() for name, value in state.items()}


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that a reader, or a crash, only ever meets the old one or the new one complete."""
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
