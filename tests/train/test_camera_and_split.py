"""Cameras and splits end to end: canonical depth, one sensor for all, and a split by frame that says what it is."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import OpenEXR
import pyarrow
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from train.catalogue import build_network, find_experiment
from train.checkpoint import Position
from train.data.augmentation import augment, draw_change
from train.data.batches import Portion, batch_on, read_rows
from train.data.pack import PACK_ROWS, open_pack, rows_of_split
from train.data.split_rows import identities_in_training, split_rows, training_rows
from train.errors import InputError
from train.evaluate import evaluate
from train.fit import fit
from train.losses.depth import depth_loss
from train.machine import Machine
from train.predict import predict_photo
from train.processes import Processes
from train.quantities.depth import mean_target
from train.reading_notes import reading_notes
from train.spec import Experiment, with_settings
from train.step import Learner, take_step

ONE_CPU = Machine(
    device=torch.device("cpu"), processes=Processes(), amp="off", micro_batch=4, channels_last=True, compiled=False
)


@pytest.fixture(scope="module")
def canonical(tiny_experiment: Experiment) -> Experiment:
    """The experiment of the catalogue with a canonical camera, as small as a test needs. Its background is far, so that
    what a hardly trained network says is not cut there."""
    found = dataclasses.replace(
        find_experiment("khan2021_unet_simple_canonical"),
        network=tiny_experiment.network,
        schedule=tiny_experiment.schedule,
    )
    return with_settings(found, {"encoding.background_depth_m": "50", "encoding.nearest_depth_m": "0.1"})


@pytest.fixture(scope="module")
def canonical_training(canonical: Experiment, ball_pack_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of it."""
    out = tmp_path_factory.mktemp("canonical") / "training"
    fit(canonical, ball_pack_folder, out, device="cpu", seed=1)
    return out


def with_focal_lengths(pack: Path, folder: Path, factors: list[float]) -> Path:
    """A copy of a pack whose first frames' focal lengths are multiplied; the pictures stay as they are."""
    shutil.copytree(pack, folder)
    intrinsics_px = np.load(folder / "intrinsics_px.npy")
    intrinsics_px[: len(factors), [0, 1], [0, 1]] *= np.array(factors, dtype=np.float32)[:, None]
    np.save(folder / "intrinsics_px.npy", intrinsics_px)
    return folder


def test_the_same_picture_with_a_longer_lens_is_farther(
    canonical_training: Path, ball_pack_folder: Path, tmp_path: Path
):
    """Scored as if taken with 1.5 times the focal length, every frame is predicted 1.5 times as far."""
    longer = with_focal_lengths(ball_pack_folder, tmp_path / "pack", [1.5] * 11)
    evaluate(canonical_training, ball_pack_folder, "test", tmp_path / "as_it_is", device="cpu")
    evaluate(canonical_training, longer, "test", tmp_path / "longer", device="cpu")
    before_m, after_m = (np.load(tmp_path / name / "depth_pred_m.npy") for name in ("as_it_is", "longer"))
    assert before_m.max() < 50 / 1.5
    np.testing.assert_allclose(after_m, 1.5 * before_m, rtol=1e-5)


def test_a_photograph_is_as_far_as_its_focal_length_says(canonical_training: Path, tmp_path: Path):
    """Depth doubles with the focal length that is given, and prediction.json says that it does."""
    pixels = np.random.default_rng(0).integers(0, 255, (20, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    depths_m = []
    for focal_px in (35.0, 70.0):
        out = tmp_path / f"{focal_px:g}"
        predict_photo(canonical_training, tmp_path / "photo.png", out, device="cpu", focal_length_px=focal_px)
        with OpenEXR.File(str(out / "depth.exr"), separate_channels=True) as file:
            depths_m.append(file.channels()["Z"].pixels.copy())
        assert any(
            "twice the focal length" in line for line in json.loads((out / "prediction.json").read_text())["assumed"]
        )
    both = (depths_m[0] > 0) & (depths_m[1] > 0)
    assert both.any()
    np.testing.assert_allclose(depths_m[1][both], 2 * depths_m[0][both], rtol=1e-5)


def test_training_starts_at_the_mean_of_canonical_targets(
    canonical: Experiment, ball_pack_folder: Path, tmp_path: Path
):
    """The reciprocal target of a head grows with the focal length; the mean over two frames follows from the pack."""
    pack = open_pack(with_focal_lengths(ball_pack_folder, tmp_path / "pack", [1.0, 1.5]))
    depth_m = np.array(pack.layers["visible"].depth_m[:2], dtype=np.float64)
    scale = 1.4 / np.array([1.1, 1.65])[:, None, None]
    learnt_m = np.where(depth_m > 0, depth_m * scale, 50 * 1.3)
    assert mean_target(canonical, pack, np.array([0, 1])) == pytest.approx((50 / learnt_m).mean(), rel=1e-5)


def test_the_target_of_a_crop_follows_its_own_focal_length(
    canonical: Experiment, ball_pack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A window of share s, enlarged, is what a lens longer by 1 / s sees: in a step of training each picture's
    canonical depth is depth * 1.4 * s / f, with its own f and s; background stays where it is."""
    pack = open_pack(with_focal_lengths(ball_pack_folder, tmp_path / "pack", [1.0, 1.2, 1.5]))
    cropping = with_settings(
        canonical, {"augmentation.crop": "1", "augmentation.crop_smallest": "0.5", "encoding.focal_length_spread": "3"}
    )
    rows, focal_widths = np.array([2, 0, 1]), np.array([1.65, 1.1, 1.32])
    targets = []

    def recorded(predicted: torch.Tensor, target: torch.Tensor, **options):
        targets.append(target.clone())
        return depth_loss(predicted, target, **options)

    monkeypatch.setattr("train.quantities.depth.depth_loss", recorded)
    network = build_network(cropping.network)
    learner = Learner(
        network, torch.optim.SGD(network.parameters(), lr=0.0), torch.amp.GradScaler("cpu", enabled=False), ONE_CPU
    )
    arrays = read_rows(pack, rows, layer="visible")
    take_step(learner, cropping, [Portion(rows, 1.0)], iter([arrays]), seed=4, at=Position(epoch=1, batch=0, step=7))

    changes = [draw_change(cropping.augmentation, seed=4, epoch=1, row=int(row)) for row in rows]
    shares = np.array([change.crop_share for change in changes])
    assert len({*shares.tolist()}) == 3 and shares.max() < 0.99
    cropped_m = augment(batch_on(ONE_CPU.device, arrays), changes).depth_m[:, 0].double().numpy()
    assert all((image_m > 0).any() for image_m in cropped_m) and (cropped_m == 0).any()
    canonical_m = np.where(cropped_m > 0, cropped_m * (1.4 * shares / focal_widths)[:, None, None], 50 * 3)
    np.testing.assert_allclose(targets[0][:, 0].numpy(), 50 / canonical_m, rtol=1e-5)


def test_crops_must_stay_within_the_spread_of_focal_lengths(
    canonical: Experiment, ball_pack_folder: Path, tmp_path: Path
):
    """Frames of 1.1 widths reach 2.2 when cropped to half, 1.57 times 1.4. A spread below that is refused."""
    half = with_settings(canonical, {"augmentation.crop": "0.5", "augmentation.crop_smallest": "0.5"})
    with pytest.raises(InputError, match=r"crop_smallest = 0\.5.*2\.2.*Try --set encoding\.focal_length_spread=1\.59"):
        fit(half, ball_pack_folder, tmp_path / "narrow", device="cpu")
    fit(
        with_settings(half, {"encoding.focal_length_spread": "1.59"}), ball_pack_folder, tmp_path / "wide", device="cpu"
    )
    assert (tmp_path / "wide" / "done.json").exists()


def test_one_sensor_means_one_sensor(tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path):
    """The experiment of the catalogue trains on frames of one focal length, and on no others; nor is it scored on
    them."""
    fixed = dataclasses.replace(
        find_experiment("khan2021_unet_simple_fixed_sensor"),
        network=tiny_experiment.network,
        schedule=tiny_experiment.schedule,
    )
    fit(fixed, ball_pack_folder, tmp_path / "training", device="cpu")
    varied = with_focal_lengths(ball_pack_folder, tmp_path / "pack", [1.0] * 9 + [1.2])
    with pytest.raises(InputError, match="camera = fixed needs one"):
        fit(fixed, varied, tmp_path / "other", device="cpu")
    with pytest.raises(InputError, match="camera = fixed needs one"):
        evaluate(tmp_path / "training", varied, "test", tmp_path / "scores", device="cpu")


def test_a_split_by_frame_deals_all_frames_out_once_and_mixes_the_people(ball_pack_folder: Path):
    """As many frames in each split as before, each in one; test people are in training, and by identity nobody is."""
    pack = open_pack(ball_pack_folder)
    dealt = [split_rows(pack, split, split_by="frame") for split in ("train", "validation", "test")]
    assert [len(rows) for rows in dealt] == [6, 2, 3]
    assert sorted(np.concatenate(dealt).tolist()) == list(range(11))
    assert all((np.diff(rows) > 0).all() for rows in dealt)
    assert identities_in_training(pack, dealt[2], split_by="frame", people_share=1.0, backdrops="all") > 0
    own = split_rows(pack, "test", split_by="identity")
    assert own.tolist() == rows_of_split(pack, "test").tolist()
    assert identities_in_training(pack, own, split_by="identity", people_share=1.0, backdrops="all") == 0
    with pytest.raises(ValueError, match="'person' came"):
        split_rows(pack, "test", split_by="person")
    with pytest.raises(InputError, match="no split 'tests'"):
        split_rows(pack, "tests", split_by="frame")


def without_pictures(pack: Path, folder: Path, rows: np.ndarray) -> Path:
    """A copy of a pack in which the pictures of some rows are black."""
    shutil.copytree(pack, folder)
    rgb = np.load(folder / "rgb.npy")
    rgb[rows] = 0
    np.save(folder / "rgb.npy", rgb)
    return folder


def same_weights(one: Path, other: Path) -> bool:
    """Whether two trainings ended with the same bits."""
    first, second = (torch.load(folder / "weights.pt", weights_only=True) for folder in (one, other))
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_share_of_people_is_part_of_every_larger_one(ball_pack_folder: Path):
    """Shares count people, hold all frames of each, and grow; the smallest holds somebody, and nobody of another
    split."""
    pack = open_pack(ball_pack_folder)
    whole = rows_of_split(pack, "train").tolist()
    shares = [
        training_rows(pack, split_by="identity", people_share=share, backdrops="all").tolist()
        for share in (0.01, 0.5, 1.0)
    ]
    people = [{pack.rows[row].identity_id for row in rows} for rows in shares]
    everybody = {pack.rows[row].identity_id for row in whole}
    assert [len(one) for one in people] == [1, round(len(everybody) / 2), len(everybody)]
    assert people[0] <= people[1] <= people[2] == everybody and shares[2] == whole
    for rows, who in zip(shares, people, strict=True):
        assert rows == [row for row in whole if pack.rows[row].identity_id in who]


def test_a_training_of_a_share_of_people_sees_nobody_else(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path
):
    """It counts fewer frames, and ends with the same weights when everybody else's pictures are others."""
    half = dataclasses.replace(tiny_experiment, train_people_share=0.5)
    fit(half, ball_pack_folder, tmp_path / "training", device="cpu")
    pack = open_pack(ball_pack_folder)
    rows = training_rows(pack, split_by="identity", people_share=0.5, backdrops="all")
    assert json.loads((tmp_path / "training" / "done.json").read_text())["train_frames"] == len(rows)
    changed = without_pictures(ball_pack_folder, tmp_path / "pack", np.setdiff1d(rows_of_split(pack, "train"), rows))
    fit(half, changed, tmp_path / "again", device="cpu")
    assert same_weights(tmp_path / "training", tmp_path / "again")


def with_backdrops(pack: Path, folder: Path, kinds: list[str]) -> Path:
    """A copy of a pack with these kinds of backdrops in turn; the pictures stay as they are."""
    shutil.copytree(pack, folder)
    rows = pyarrow.parquet.read_table(folder / PACK_ROWS).to_pylist()
    changed = [row | {"backdrop_kind": kinds[number % len(kinds)]} for number, row in enumerate(rows)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(changed), folder / PACK_ROWS)
    return folder


def test_training_frames_are_chosen_by_their_backdrops(ball_pack_folder: Path, tmp_path: Path):
    """Simple and complex share out the training frames of known kinds; an unknown kind is learnt from with all others
    alone; and a pack without any frame of the kind asked for is refused, with the kinds that it has."""
    kinds = ["plain", "room", "texture", "", "image", "environment", "gradient"]
    pack = open_pack(with_backdrops(ball_pack_folder, tmp_path / "pack", kinds))
    taken = {
        backdrops: training_rows(pack, split_by="identity", people_share=1.0, backdrops=backdrops).tolist()
        for backdrops in ("simple", "complex", "all")
    }
    whole = rows_of_split(pack, "train").tolist()
    assert taken["all"] == whole
    for backdrops, places in (("simple", (0, 2, 6)), ("complex", (1, 4, 5))):
        assert taken[backdrops] == [row for row in whole if row % len(kinds) in places] != []
    rooms = open_pack(with_backdrops(ball_pack_folder, tmp_path / "rooms", ["room"]))
    with pytest.raises(InputError, match=r"no training frame before a simple backdrop .*; there are room"):
        training_rows(rooms, split_by="identity", people_share=1.0, backdrops="simple")


def test_a_training_before_simple_backdrops_sees_no_other(
    tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path
):
    """It counts fewer frames, and ends with the same weights when the pictures before complex ones are others."""
    simple = dataclasses.replace(tiny_experiment, train_backdrops="simple")
    pack = open_pack(with_backdrops(ball_pack_folder, tmp_path / "pack", ["plain", "room"]))
    rows = training_rows(pack, split_by="identity", people_share=1.0, backdrops="simple")
    fit(simple, pack.folder, tmp_path / "training", device="cpu")
    assert json.loads((tmp_path / "training" / "done.json").read_text())["train_frames"] == len(rows)
    changed = without_pictures(pack.folder, tmp_path / "changed", np.setdiff1d(rows_of_split(pack, "train"), rows))
    fit(simple, changed, tmp_path / "again", device="cpu")
    assert same_weights(tmp_path / "training", tmp_path / "again")


def test_scores_of_a_split_by_frame_say_so(tiny_experiment: Experiment, ball_pack_folder: Path, tmp_path: Path):
    """The evaluation names the split and counts who was known; its first note is a warning; its frames are those that
    were dealt out, and a training by identity has none of this."""
    listed = find_experiment("khan2021_unet_simple_l1_split_by_frame")
    small = dataclasses.replace(listed, network=tiny_experiment.network, schedule=tiny_experiment.schedule)
    fit(small, ball_pack_folder, tmp_path / "training", device="cpu")
    evaluate(tmp_path / "training", ball_pack_folder, "test", tmp_path / "scores", device="cpu")
    found = json.loads((tmp_path / "scores" / "evaluation.json").read_text())
    pack = open_pack(ball_pack_folder)
    rows = split_rows(pack, "test", split_by="frame")
    assert (found["split_by"], found["frames"]) == ("frame", 3)
    assert found["identities_in_training"] == identities_in_training(
        pack, rows, split_by="frame", people_share=1.0, backdrops="all"
    )
    assert found["notes"][0].startswith("SPLIT BY FRAME.")
    assert [frame["key"] for frame in found["frames_table"]] == [pack.rows[row].gt_key for row in rows]
    assert "SPLIT BY FRAME" in listed.title and listed.reported == {}
    assert not [note for note in reading_notes(find_experiment("khan2021_unet_simple_l1")) if "SPLIT" in note]
