"""bouafif2020 against the paper, and one of its trainings from pictures to scores and files."""

import json
import shutil
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch
from ball_dataset import write_ball_dataset
from PIL import Image

from train.adversary import adversary_of
from train.catalogue import find_experiment
from train.checkpoint import load_trained
from train.data.pack import open_pack, pack_dataset
from train.errors import InputError
from train.evaluate import evaluate
from train.fit import fit
from train.fit_adversarial import fit_adversarial
from train.inference import predict_normals
from train.normals_spec import AdversarySpec, NormalsExperiment
from train.papers import bouafif2020
from train.photo import fit_photo
from train.predict import predict_photo
from train.reading_notes import reading_notes
from train.spec import setting_values, with_settings

# Typed from the paper a second time, apart from train/papers/bouafif2020.py.
TABLE_1 = "precision 93.72 recall 98.40 mean 10.01 std 12.45 <10 67.50 <20 92.65 <30 97.13"
TABLE_2_OURS = "3.04 1.78 2.62 5.48 0.10 2.18"


@pytest.fixture(scope="module")
def training(ball_pack_folder: Path, tiny_normals: NormalsExperiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training whose last bias was raised, so that it sees a surface that faces the camera everywhere."""
    folder = tmp_path_factory.mktemp("trained") / "tiny"
    fit_adversarial(tiny_normals, ball_pack_folder, folder, device="cpu")
    state = torch.load(folder / "weights.pt", weights_only=True)
    state["last.bias"] = torch.tensor([0.1, -0.2, -1.5, -0.5])
    torch.save(state, folder / "weights.pt")
    return folder


@pytest.fixture(scope="module")
def evaluation(training: Path, ball_pack_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its evaluation on the test split."""
    out = tmp_path_factory.mktemp("evaluations") / "tiny-test"
    evaluate(training, ball_pack_folder, "test", out, device="cpu")
    return out


def test_the_first_experiment_is_what_the_paper_prints():
    """1700 epochs of batches of 64, RMSprop 1e-4, weight 500, tables 1 and 2. Source: bouafif2020, section 4.1."""
    experiment = find_experiment("bouafif2020_wgan_l2")
    assert isinstance(experiment, NormalsExperiment)
    assert (experiment.schedule.epochs, experiment.schedule.global_batch) == (1700, 64)
    assert (experiment.optimiser.kind, experiment.optimiser.learning_rate) == ("rmsprop", 1e-4)
    assert (experiment.loss.pixel, experiment.loss.pixel_weight) == ("l2", 500)
    assert experiment.layer == "head"
    assert experiment.augmentation.blur > 0 and experiment.augmentation.noise > 0
    printed = [float(word) for word in TABLE_1.split()[1::2]]
    shares = [printed[0], printed[1], *printed[4:]]
    reported = experiment.reported["head"]
    assert [reported["mean_angle_deg"], reported["std_angle_deg"]] == printed[2:4]
    names = ("mask_precision", "mask_recall", "below_10_deg", "below_20_deg", "below_30_deg")
    assert [reported[name] * 100 for name in names] == pytest.approx(shares)
    assert list(experiment.reported["bu3dfe_neutral"].values()) == [float(word) for word in TABLE_2_OURS.split()]


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("wgan_l1", {"loss.pixel": "l1"}),
        ("l2", {"adversary.kind": "none"}),
        ("l1", {"adversary.kind": "none", "loss.pixel": "l1"}),
    ],
)
def test_the_others_change_what_their_names_say_and_claim_no_number(key: str, changed: dict):
    """The pixel loss, the critic, or both."""
    whole = setting_values(find_experiment("bouafif2020_wgan_l2"))
    experiment = find_experiment(f"bouafif2020_{key}")
    values = setting_values(experiment)
    assert {name: value for name, value in values.items() if value != whole[name]} == changed
    assert experiment.reported == {} and experiment.assumed
    assert (adversary_of(experiment) is None) == ("adversary.kind" in changed)
    assert reading_notes(experiment) == ()


def test_two_images_can_be_learnt_by_heart(tmp_path: Path):
    """Shown two pictures over and over, the network finds their heads and their normals within 10 degrees."""
    dataset = write_ball_dataset(tmp_path / "store", frames={"train": 2}, width_px=48, height_px=32, seed=3)
    pack_dataset(dataset, tmp_path / "pack", width_px=48, height_px=32)
    settings = {"network.width": "8", "network.levels": "4", "schedule.epochs": "150", "schedule.global_batch": "2"}
    settings |= {"optimiser.learning_rate": "0.01", "schedule.decay": "cosine"}
    settings |= {"augmentation.blur": "0.1", "augmentation.noise": "0.1"}
    experiment = with_settings(find_experiment("bouafif2020_l2"), settings)
    fit(experiment, tmp_path / "pack", tmp_path / "training", device="cpu", seed=1)
    evaluate(tmp_path / "training", tmp_path / "pack", "train", tmp_path / "evaluation", device="cpu")
    found = json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())["metrics"]["head"]["pooled"]
    assert found["mask_precision"] > 0.95 and found["mask_recall"] > 0.95
    assert found["mean_angle_deg"] < 10


def test_scores_follow_from_the_predictions_beside_them(evaluation: Path, ball_pack_folder: Path):
    """Written out anew from normals_cam_pred.npy, mask_pred.npy and the head layer, pooled and per image."""
    found = json.loads((evaluation / "evaluation.json").read_text())
    normals, slope, mask = (
        np.load(evaluation / f"{name}.npy") for name in ("normals_cam_pred", "gradient_magnitude_pred", "mask_pred")
    )
    assert (normals.dtype, slope.dtype, mask.dtype) == (np.float16, np.float16, np.bool_)
    assert normals.shape == (3, 20, 32, 3) and slope.shape == mask.shape == (3, 20, 32)
    assert np.array_equal(mask, np.any(normals != 0, axis=-1)) and not slope[~mask].any() and slope[mask].any()
    true = open_pack(ball_pack_folder).layers["head"].normals_cam[8:11].astype(np.float64)
    true_mask, predicted = np.any(true != 0, axis=-1), normals.astype(np.float64)
    both = mask & true_mask
    assert both.any() and (mask & ~true_mask).any()
    cross = np.linalg.norm(np.cross(predicted, true), axis=-1)
    angles = np.degrees(np.arctan2(cross, (predicted * true).sum(axis=-1)))
    pooled, means = (found["metrics"]["head"][how] for how in ("pooled", "mean_over_images"))
    assert pooled["mask_precision"] == pytest.approx(both.sum() / mask.sum())
    assert pooled["mask_recall"] == pytest.approx(both.sum() / true_mask.sum())
    assert pooled["mean_angle_deg"] == pytest.approx(angles[both].mean(), rel=1e-4)
    assert pooled["median_angle_deg"] == pytest.approx(np.median(angles[both]), rel=1e-4)
    each = [angles[i][both[i]].mean() for i in range(3)]
    assert means["mean_angle_deg"] == pytest.approx(np.mean(each), rel=1e-4)
    for number, frame in enumerate(found["frames_table"]):
        assert frame["key"] == open_pack(ball_pack_folder).rows[8 + number].gt_key
        assert frame["head"]["mean_angle_deg"] == pytest.approx(each[number], rel=1e-4)
    assert (found["layer"], found["specification"]["quantity"]) == ("head", "normals")
    assert found["reported"]["head"]["mean_angle_deg"] == 10.01


def test_the_head_layer_is_what_is_learnt(tiny_normals: NormalsExperiment, ball_pack_folder: Path, tmp_path: Path):
    """Clothing, which only the visible layer shows, is in no target: the other layer gives other weights."""
    layers = open_pack(ball_pack_folder).layers
    assert (
        layers["visible"].head_mask.sum() <= (layers["head"].depth_m > 0).sum() < (layers["visible"].depth_m > 0).sum()
    )
    weights = []
    for layer in ("head", "visible"):
        fit_adversarial(with_settings(tiny_normals, {"layer": layer}), ball_pack_folder, tmp_path / layer, device="cpu")
        weights.append(torch.load(tmp_path / layer / "weights.pt", weights_only=True)["last.weight"])
    assert not torch.equal(*weights)


def test_a_photograph_becomes_normals_slopes_and_a_mask(training: Path, tmp_path: Path):
    """All files agree with the network, cut to the photograph: 90 x 120 into 32 x 20 leaves 15 x 20, 8 to the left."""
    y, x = np.mgrid[0:120, 0:90]
    rgb = np.stack([x * 2, y * 2, (x * y) % 200], axis=-1).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "someone.png")
    out = tmp_path / "out"
    predict_photo(training, tmp_path / "someone.png", out, device="cpu", focal_length_px=110.0)
    assert {file.name for file in out.iterdir()} == {
        *("normals.exr", "normals.png", "gradient_magnitude.exr", "gradient_magnitude.png", "mask.png"),
        *("picture.png", "prediction.json"),
    }
    experiment, network = load_trained(training)
    assert isinstance(experiment, NormalsExperiment)
    fitted = fit_photo(rgb, width_px=32, height_px=20)
    expected = predict_normals(network, experiment, fitted.rgb_srgb[None])
    mask = expected.mask[0, :, 8:23]
    assert mask.any()
    planes = {}
    for name in ("normals", "gradient_magnitude"):
        with OpenEXR.File(str(out / f"{name}.exr"), separate_channels=True) as file:
            planes |= {channel: one.pixels for channel, one in file.channels().items()}
    normals_cam = np.stack([planes[f"normal.{axis}"] for axis in "XYZ"], axis=-1)
    np.testing.assert_allclose(normals_cam, expected.normals_cam[0, :, 8:23], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(normals_cam, axis=-1), mask, atol=1e-5)
    np.testing.assert_allclose(planes["gradient_magnitude"], expected.gradient_magnitude[0, :, 8:23], rtol=1e-5)
    assert np.array_equal(np.asarray(Image.open(out / "mask.png")), mask * 255)
    facts = json.loads((out / "prediction.json").read_text())
    assert (facts["surface_pixels"], facts["experiment"]) == (int(mask.sum()), experiment.key)
    np.testing.assert_allclose(facts["intrinsics_px"], [[110 / 6, 0, 7.5], [0, 110 / 6, 10], [0, 0, 1]])


def test_a_pack_without_a_surface_is_refused(tiny_normals: NormalsExperiment, ball_pack_folder: Path, tmp_path: Path):
    """The message names the layer and what to try."""
    shutil.copytree(ball_pack_folder, tmp_path / "pack")
    info = json.loads((tmp_path / "pack" / "pack.json").read_text())
    info["nearest_depth_m"]["head"] = None
    (tmp_path / "pack" / "pack.json").write_text(json.dumps(info))
    with pytest.raises(InputError, match="layer 'head' has no surface in any frame"):
        fit_adversarial(tiny_normals, tmp_path / "pack", tmp_path / "training", device="cpu")


def test_a_picture_too_small_for_the_levels_stops_a_training_with_a_remedy(ball_pack_folder: Path, tmp_path: Path):
    """Pictures of 32 x 20 cannot be halved seven times."""
    experiment = with_settings(find_experiment("bouafif2020_l2"), {"network.width": "2"})
    assert experiment.adversary == AdversarySpec(kind="none") and experiment.paper == bouafif2020.PAPER
    with pytest.raises(InputError, match=r"--set network\.levels=5"):
        fit(experiment, ball_pack_folder, tmp_path / "training", device="cpu")
