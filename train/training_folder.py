"""Training folder: claimed by the first run, and by later ones only for the same training."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from train.checkpoint import DONE_FILE, EXPERIMENT_FILE, TrainingRecord, read_training_record, write_whole
from train.data.pack import Pack
from train.data.split_rows import training_rows
from train.errors import InputError
from train.machine import Amp
from train.spec import Experiment, experiment_as_json, settings_tree


def training_record(
    experiment: Experiment, pack: Pack, *, seed: int, amp: Amp, batch_norm_images: int | None
) -> TrainingRecord:
    """What a training is made from."""
    return TrainingRecord(
        experiment=experiment_as_json(experiment),
        seed=seed,
        amp=amp,
        batch_norm_images=batch_norm_images,
        dataset_id=pack.info.dataset_id,
        dataset_name=pack.info.dataset_name,
        index_sha256=pack.info.index_sha256,
        width_px=pack.info.width_px,
        height_px=pack.info.height_px,
        mean_focal_length_px=float(pack.intrinsics_px[rows_to_learn(experiment, pack), 0, 0].mean()),
    )


def rows_to_learn(experiment: Experiment, pack: Pack) -> Int[np.ndarray, " n"]:
    """Rows of the pack that this experiment learns from."""
    return training_rows(
        pack,
        split_by=experiment.split_by,
        people_share=experiment.train_people_share,
        backdrops=experiment.train_backdrops,
    )


def open_folder(out: Path, record: TrainingRecord) -> bool:
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
