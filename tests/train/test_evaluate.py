"""Evaluation: scores that can be recomputed from the predictions beside them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from ball_dataset import write_ball_dataset

from train.catalogue import find_experiment
from train.data.pack import open_pack, pack_dataset
from train.errors import InputError
from train.evaluate import evaluate
from train.fit import fit
from train.reading_notes import reading_notes
from train.spec import Experiment, with_settings

PROMISED = {
    "experiment", "title", "where", "dataset_id", "dataset_name", "split", "frames", "identities", "width_px",
    "height_px", "parameters", "network", "device", "seconds_per_frame", "metrics", "reported", "assumed",
    "notes", "frames_table",
}  # fmt: skip


@pytest.fixture(scope="module")
def training(tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of two epochs."""
    out = tmp_path_factory.mktemp("trainings") / "tiny"
    fit(tiny_experiment, ball_pack_folder, out, device="cpu", seed=1)
    return out


@pytest.fixture(scope="module")
def evaluation(training: Path, ball_pack_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its evaluation on the test split."""
    out = tmp_path_factory.mktemp("evaluations") / "tiny-test"
    evaluate(training, ball_pack_folder, "test", out, device="cpu")
    return out


def test_an_evaluation_says_all_that_is_promised(evaluation: Path, tiny_experiment: Experiment, ball_pack_folder: Path):
    """Every field is there, names what was scored, and stands beside what the paper reports."""
    found = json.loads((evaluation / "evaluation.json").read_text())
    assert set(found) >= PROMISED
    info = open_pack(ball_pack_folder).info
    assert (found["frames"], found["identities"], found["split"]) == (3, 2, "test")
    assert (found["width_px"], found["height_px"]) == (32, 20)
    assert (found["dataset_id"], found["dataset_name"]) == (info.dataset_id, "balls")
    assert found["network"] == {"kind": "unet_simple", "width": 2, "weights": "random"}
    assert found["reported"] == tiny_experiment.reported
    assert found["assumed"] == list(tiny_experiment.assumed)
    assert found["seconds_per_frame"] > 0
    assert set(found["metrics"]) == {"full", "head_mask", "head_inside", "nearest_plus_half_metre"}
    for mask in found["metrics"].values():
        assert set(mask) == {"pooled", "mean_over_images"}
        assert set(mask["pooled"]) == set(mask["mean_over_images"])
        assert {"abs_rel", "rmse_m", "delta_3", "abs_rel_scale_aligned", "images", "pixels"} <= set(mask["pooled"])


def test_scores_follow_from_the_predictions_beside_them(evaluation: Path, ball_pack_folder: Path):
    """abs_rel and rmse_m, written out anew from depth_pred_m.npy and the pack, over image, head and range."""
    found = json.loads((evaluation / "evaluation.json").read_text())
    predicted_m = np.load(evaluation / "depth_pred_m.npy")
    assert predicted_m.dtype == np.float32
    layer = open_pack(ball_pack_folder).layers["visible"]
    depth_m, head = np.array(layer.depth_m[8:11]), np.array(layer.head_mask[8:11])
    true_m = np.where(depth_m > 0, depth_m, 5.0)
    nearest_m = np.where(depth_m > 0, depth_m, np.inf).min(axis=(1, 2), keepdims=True)
    masks = {
        "full": np.ones_like(head),
        "head_mask": head,
        "nearest_plus_half_metre": (depth_m > 0) & (depth_m <= nearest_m + 0.5),
    }
    for name, mask in masks.items():
        error_m = (predicted_m - true_m)[mask].astype(np.float64)
        scored = found["metrics"][name]
        assert scored["pooled"]["rmse_m"] == pytest.approx(np.sqrt((error_m**2).mean()), rel=1e-5)
        assert scored["pooled"]["abs_rel"] == pytest.approx((np.abs(error_m) / true_m[mask]).mean(), rel=1e-5)
        each = [np.sqrt(((predicted_m[i] - true_m[i])[mask[i]] ** 2).mean()) for i in range(3)]
        assert scored["mean_over_images"]["rmse_m"] == pytest.approx(np.mean(each), rel=1e-5)
        assert scored["pooled"]["pixels"] == mask.sum()


def test_the_table_of_frames_names_each_frame(evaluation: Path, ball_pack_folder: Path):
    """Its rows count within the split, as the predictions do, and carry keys, persons and scores of each frame."""
    table = json.loads((evaluation / "evaluation.json").read_text())["frames_table"]
    pack = open_pack(ball_pack_folder)
    assert [(row["row"], row["key"], row["identity_id"]) for row in table] == [
        (number, frame.gt_key, frame.identity_id) for number, frame in enumerate(pack.rows[8:11])
    ]
    predicted_m = np.load(evaluation / "depth_pred_m.npy")[1]
    depth_m = pack.layers["visible"].depth_m[9]
    true_m = np.where(depth_m > 0, depth_m, 5.0)
    assert table[1]["abs_rel"] == pytest.approx((np.abs(predicted_m - true_m) / true_m).mean(), rel=1e-5)
    assert 0 < table[1]["head_mask"]["rmse_m"] < 5


def test_an_equal_evaluation_is_kept_and_another_refused(training: Path, ball_pack_folder: Path, evaluation: Path):
    """The same call again changes nothing; another split is not written over it."""
    before = (evaluation / "evaluation.json").stat().st_mtime_ns
    evaluate(training, ball_pack_folder, "test", evaluation, device="cpu")
    assert (evaluation / "evaluation.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="differs in split"):
        evaluate(training, ball_pack_folder, "train", evaluation, device="cpu")
    assert not list(evaluation.parent.glob(".tmp-*"))


def test_words_are_those_of_the_catalogue_and_notes_follow_from_the_settings(
    training: Path, ball_pack_folder: Path, tmp_path: Path
):
    """A training made before a sentence was corrected is reported with the corrected one; a changed experiment says
    what was changed, and one without an L1 term that its scale is free."""
    shutil.copytree(training, tmp_path / "training")
    path = tmp_path / "training" / "experiment.json"
    record = json.loads(path.read_text())
    record["experiment"] |= {"title": "an older title", "assumed": ["an older sentence"]}
    path.write_text(json.dumps(record))
    evaluate(tmp_path / "training", ball_pack_folder, "test", tmp_path / "out", device="cpu")
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    listed = find_experiment("khan2021_unet_simple_l1")
    assert (found["title"], found["assumed"]) == (listed.title, list(listed.assumed))
    (note,) = found["notes"]
    assert "network.width = 2 (there 64)" in note and "schedule.epochs = 2 (there 20)" in note
    assert reading_notes(listed) == ()
    (free,) = reading_notes(find_experiment("khan2021_unet_simple"))
    assert "no L1 term" in free and "0.1 / 5" in free
    assert "no L1 term" in reading_notes(with_settings(listed, {"loss.l1": "0"}))[1]


def test_a_pack_of_another_size_is_refused(training: Path, ball_dataset_folder: Path, tmp_path: Path):
    """A network is scored at the size it was trained at."""
    pack_dataset(ball_dataset_folder, tmp_path / "pack", width_px=48, height_px=30)
    with pytest.raises(InputError, match=r"saw 32 x 20 pixels, but .* has 48 x 30"):
        evaluate(training, tmp_path / "pack", "test", tmp_path / "out", device="cpu")


def test_an_empty_split_is_refused(training: Path, tmp_path: Path):
    """The message shows what the pack does hold."""
    dataset = write_ball_dataset(tmp_path / "store", frames={"train": 1}, width_px=32, height_px=20)
    pack_dataset(dataset, tmp_path / "pack", width_px=32, height_px=20)
    with pytest.raises(InputError, match="no frame of split 'test'"):
        evaluate(training, tmp_path / "pack", "test", tmp_path / "out", device="cpu")


def test_a_missing_gpu_is_an_error(
    training: Path, ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Asked for and missing, a GPU is not replaced by the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="sees no GPU"):
        evaluate(training, ball_pack_folder, "test", tmp_path / "out", device="cuda")
    assert not (tmp_path / "out").exists()
