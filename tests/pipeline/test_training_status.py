"""What `status` says of trainings is what `fit` wrote."""

import os
from pathlib import Path

from ball_dataset import write_ball_dataset

from pipeline.status_page import status_page
from pipeline.status_text import status_text
from pipeline.store_status import read_status
from pipeline.training_status import read_trainings
from train.catalogue import find_experiment
from train.data.pack import pack_dataset
from train.fit import fit
from train.spec import with_settings

NOW_S = 2_000_000_000.0


def test_a_training_under_way_is_told_by_epochs(tmp_path: Path):
    """A real training of three epochs; with two of them on record a third of it is left; before the first, no guess."""
    dataset = write_ball_dataset(tmp_path / "balls", frames={"train": 2}, width_px=32, height_px=20)
    pack_dataset(dataset, tmp_path / "pack", width_px=32, height_px=20)
    settings = {"network.width": "2", "schedule.epochs": "3"}
    store = tmp_path / "store"
    work = store / "trainings" / ".work-12ab"
    fit(with_settings(find_experiment("khan2021_unet_simple"), settings), tmp_path / "pack", work, device="cpu")
    history = work / "history.jsonl"
    lines = history.read_text().splitlines(keepends=True)
    history.write_text("".join(lines[:2]))
    for path in (history, work / "experiment.json"):
        os.utime(path, (NOW_S - 7, NOW_S - 7))
    (training,) = read_trainings(store, now_s=NOW_S)
    assert (training.experiment, training.epoch, training.epochs) == ("khan2021_unet_simple", 2, 3)
    assert training.left_s == training.seconds / 2 > 0
    status = read_status(store, now_s=NOW_S)
    told = status_text(status)
    assert "training    khan2021_unet_simple: 2 of 3 epochs, loss " in told and "last written 7.0 s ago" in told
    assert "khan2021_unet_simple: 2 of 3 epochs" in status_page(status, refresh_s=None)
    history.unlink()
    (begun,) = read_trainings(store, now_s=NOW_S)
    assert (begun.epoch, begun.loss, begun.left_s) == (0, None, None)
    (work / "experiment.json").write_text("{")
    assert read_trainings(store, now_s=NOW_S) == []
