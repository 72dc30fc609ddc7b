"""evaluate: score a trained network on one split of a pack, and keep its predictions."""

import json
import time
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from torch import nn

from render.dataset_format import publish
from train.catalogue import described_now
from train.checkpoint import load_trained, parameter_count, read_training_record
from train.data.batches import batches_in_order
from train.data.pack import Pack, open_pack
from train.data.split_rows import identities_in_training, split_rows
from train.device import choose_device, describe_device
from train.errors import InputError
from train.progress import Progress
from train.quantities.contract import Quantity
from train.quantities.table import quantity_of
from train.reading_notes import reading_notes
from train.spec import Experiment, experiment_as_json
from train.unpublished import unpublished_folder

EVALUATION_FILE = "evaluation.json"
BATCH_SIZE = 6


def evaluate(training: Path, pack_folder: Path, split: str, out: Path, *, device: str = "auto") -> None:
    """Predict every frame of the split and publish predictions and evaluation.json in the folder `out`.

    Predictions have a file for each array, one item a frame, in pack order. Of depth: depth_pred_m.npy, float32
    (frames, rows, columns) in metres. Of normals: normals_cam_pred.npy and gradient_magnitude_pred.npy in half floats,
    as packs hold them, and mask_pred.npy. An equal evaluation that is already there is kept.

    Raises: InputError when the training is unfinished, the split is empty, the pack has another size than the
    training's, a GPU is missing, or `out` is something else.
    """
    where = choose_device(device)
    trained, network = load_trained(training)
    experiment = described_now(trained)
    record = read_training_record(training)
    pack = open_pack(pack_folder)
    rows = split_rows(pack, split, split_by=experiment.split_by)
    if len(rows) == 0:
        raise InputError(f"{pack_folder} holds no frame of split {split!r} (frames: {pack.info.frames})")
    if (pack.info.width_px, pack.info.height_px) != (record.width_px, record.height_px):
        raise InputError(
            f"the training in {training} saw {record.width_px} x {record.height_px} pixels, but {pack_folder} has "
            f"{pack.info.width_px} x {pack.info.height_px}; pack the dataset at the training's size"
        )
    quantity = quantity_of(experiment)
    quantity.check_frames(pack, rows, experiment, f"split {split!r} of {pack_folder}")
    identity = {
        "experiment": experiment.key,
        "specification": experiment_as_json(experiment),
        "seed": record.seed,
        "trained_on": record.index_sha256,
        "evaluated_on": pack.info.index_sha256,
        "split": split,
        "split_by": experiment.split_by,
    }
    if out.exists():
        _check_equal(out, identity)
        return
    with unpublished_folder(out) as temporary:
        network.to(where)
        predictions, seconds_per_frame = _predict(quantity, network, experiment, pack, rows, temporary)
        images = [
            quantity.image_sums(_of_frame(predictions, number), pack, int(row), experiment)
            for number, row in enumerate(rows)
        ]
        evaluation = {
            **identity,
            "title": experiment.title,
            "where": experiment.where,
            "dataset_id": pack.info.dataset_id,
            "dataset_name": pack.info.dataset_name,
            "frames": len(rows),
            "identities": len({pack.rows[row].identity_id for row in rows}),
            "identities_in_training": identities_in_training(
                pack,
                rows,
                split_by=experiment.split_by,
                people_share=experiment.train_people_share,
                backdrops=experiment.train_backdrops,
            ),
            "width_px": pack.info.width_px,
            "height_px": pack.info.height_px,
            "layer": experiment.layer,
            "parameters": parameter_count(network),
            "network": identity["specification"]["network"],
            "device": describe_device(where),
            "seconds_per_frame": seconds_per_frame,
            "metrics": quantity.dataset_scores(images),
            "reported": experiment.reported,
            "assumed": list(experiment.assumed),
            "notes": list(reading_notes(experiment)),
            "frames_table": [
                {**_frame(number, pack, int(row)), **quantity.frame_scores(images[number])}
                for number, row in enumerate(rows)
            ],
        }
        text = json.dumps(evaluation, indent=1, allow_nan=False)
        (temporary / EVALUATION_FILE).write_text(text, encoding="utf-8")
        if not publish(temporary, out):
            _check_equal(out, identity)


def _predict(
    quantity: Quantity, network: nn.Module, experiment: Experiment, pack: Pack, rows: np.ndarray, folder: Path
) -> tuple[dict[str, np.ndarray], float]:
    """Predictions written to files, by name, and the seconds that a frame took (without the first batch's start-up)."""
    batches = batches_in_order(rows, batch_size=BATCH_SIZE)
    first = quantity.predict(network, experiment, pack.rgb[batches[0]], pack.intrinsics_px[batches[0]])
    predictions = {
        name: open_memmap(folder / f"{name}.npy", mode="w+", dtype=one.dtype, shape=(len(rows), *one.shape[1:]))
        for name, one in first.items()
    }
    started_s, done = time.perf_counter(), 0
    with Progress(total=len(rows), label=f"evaluating {experiment.key}", unit="images") as bar:
        for batch in batches:
            predicted = quantity.predict(network, experiment, pack.rgb[batch], pack.intrinsics_px[batch])
            for name, values in predicted.items():
                predictions[name][done : done + len(batch)] = values
            done += len(batch)
            bar.advance(len(batch))
    seconds = time.perf_counter() - started_s
    for array in predictions.values():
        array.flush()
    return predictions, seconds / len(rows)


def _of_frame(predictions: dict[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    return {name: np.asarray(array[number]) for name, array in predictions.items()}


def _frame(number: int, pack: Pack, row: int) -> dict:
    """Which frame a line of the table of frames is about. `row` counts within the split, as in the predictions; `key`
    is the frame's ground truth."""
    frame = pack.rows[row]
    return {"row": number, "key": frame.gt_key, "rgb_key": frame.rgb_key, "identity_id": frame.identity_id}


def _check_equal(out: Path, identity: dict) -> None:
    try:
        there = json.loads((out / EVALUATION_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{out} exists and is no evaluation ({error}); choose another folder or delete it") from error
    different = [name for name, value in identity.items() if there.get(name) != value]
    if different:
        raise InputError(
            f"{out} is already an evaluation that differs in {', '.join(different)}; choose another folder or delete it"
        )
