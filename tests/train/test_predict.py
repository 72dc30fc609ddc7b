"""Rules of train.predict: what a trained network says about any photograph, and what is written of it."""

import json
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch
from PIL import Image

from train.catalogue import build_network
from train.checkpoint import load_trained
from train.errors import InputError
from train.fit import fit
from train.geometry import normals_from_depth
from train.inference import predict_depth_m
from train.photo import fit_photo
from train.predict import predict_photo
from train.spec import Experiment

FILES = {"depth.exr", "depth.png", "normals.exr", "normals.png", "picture.png", "mesh.ply", "prediction.json"}


@pytest.fixture(scope="module")
def training(ball_pack_folder: Path, tiny_experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training at 32 x 20 whose last bias was raised, so that it sees surfaces at about 0.8 m."""
    folder = tmp_path_factory.mktemp("trained") / "tiny"
    fit(tiny_experiment, ball_pack_folder, folder, device="cpu")
    network = build_network(tiny_experiment.network)
    state = torch.load(folder / "weights.pt", weights_only=True)
    last_bias = [name for name, value in state.items() if name.endswith("bias") and value.shape == (1,)][-1]
    state[last_bias] = torch.tensor([6.0])
    network.load_state_dict(state)
    torch.save(network.state_dict(), folder / "weights.pt")
    return folder


def photo(folder: Path, *, width_px: int = 90, height_px: int = 120) -> Path:
    """A photograph in portrait format, with some structure."""
    y, x = np.mgrid[0:height_px, 0:width_px]
    rgb = np.stack([x * 2, y * 2, (x * y) % 200], axis=-1).astype(np.uint8)
    path = folder / "someone.png"
    Image.fromarray(rgb).save(path)
    return path


def channels(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Pixels and header of an EXR file."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}, dict(file.header())


def test_all_results_are_written_and_agree_with_the_network(training: Path, tmp_path: Path):
    """Depth is the network's, cut to the photograph; normals, intrinsics and mesh follow from it."""
    path = photo(tmp_path)
    predict_photo(training, path, tmp_path / "out", device="cpu", focal_length_px=110.0)
    out = tmp_path / "out"
    assert {file.name for file in out.iterdir()} == FILES
    facts = json.loads((out / "prediction.json").read_text())
    # 90 x 120 into 32 x 20 is a scale of 1/6: 15 x 20 pixels, 8 of the 17 others to the left.
    assert (facts["width_px"], facts["height_px"]) == (15, 20)
    assert facts["result_pixels_per_photo_pixel"] == pytest.approx(1 / 6)
    assert facts["focal_length_px"] == pytest.approx(110 / 6)
    assert any("110 photograph pixels was given" in sentence for sentence in facts["assumed"])
    experiment, network = load_trained(training)
    fitted = fit_photo(np.asarray(Image.open(path)), width_px=32, height_px=20)
    camera = np.diag([110 / 6, 110 / 6, 1.0])[None]
    expected_m = predict_depth_m(network, experiment, fitted.rgb_srgb[None], intrinsics_px=camera)[0, :, 8:23]
    depth, header = channels(out / "depth.exr")
    assert depth["Z"].dtype == np.float32
    surface = expected_m < 2.5
    assert surface.any()
    np.testing.assert_allclose(depth["Z"], np.where(surface, expected_m, 0), rtol=1e-5)
    intrinsics_px = np.array(facts["intrinsics_px"])
    np.testing.assert_allclose(intrinsics_px, [[110 / 6, 0, 7.5], [0, 110 / 6, 10], [0, 0, 1]])
    np.testing.assert_allclose(header["intrinsicsPx"], intrinsics_px, rtol=1e-6)
    normals, _ = channels(out / "normals.exr")
    written = np.stack([normals[f"normal.{axis}"] for axis in "XYZ"], axis=-1)
    np.testing.assert_allclose(written, normals_from_depth(depth["Z"], intrinsics_px), atol=1e-6)
    assert Image.open(out / "normals.png").size == Image.open(out / "picture.png").size == (15, 20)
    assert Image.open(out / "depth.png").size == (240, 82)


@pytest.mark.parametrize("size", [(1, 1), (700, 9), (5, 400), (32, 20)])
def test_any_size_is_predicted(size: tuple[int, int], training: Path, tmp_path: Path):
    """Tiny, very wide, very tall and exactly fitting photographs all give finite results."""
    path = photo(tmp_path, width_px=size[0], height_px=size[1])
    predict_photo(training, path, tmp_path / "out", device="cpu", focal_length_px=500.0)
    depth, _ = channels(tmp_path / "out" / "depth.exr")
    assert np.isfinite(depth["Z"]).all()
    assert (tmp_path / "out" / "mesh.ply").read_bytes().startswith(b"ply\n")


def test_without_a_focal_length_the_mean_of_the_training_is_assumed_and_said(training: Path, tmp_path: Path):
    """The balls are seen with a focal length of 1.1 times the width of the picture, 32 pixels."""
    predict_photo(training, photo(tmp_path), tmp_path / "out", device="cpu")
    facts = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert facts["focal_length_px"] == pytest.approx(1.1 * 32)
    assert any("mean of the training frames, 35.2 pixels" in sentence for sentence in facts["assumed"])


def test_an_existing_folder_is_never_overwritten(training: Path, tmp_path: Path):
    """The message says so, and what was there stays."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep me")
    with pytest.raises(InputError, match="exists already and is not overwritten"):
        predict_photo(training, photo(tmp_path), tmp_path / "out", device="cpu", focal_length_px=90.0)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_bad_input_leaves_nothing_behind(training: Path, tmp_path: Path):
    """An unreadable photograph and an impossible focal length: a clear error, and no folder."""
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(InputError, match=r"broken\.jpg cannot be read as a picture"):
        predict_photo(training, tmp_path / "broken.jpg", tmp_path / "out", device="cpu", focal_length_px=90.0)
    for focal_length_px in (0.0, -5.0, float("nan")):
        with pytest.raises(InputError, match="must be above 0"):
            predict_photo(training, photo(tmp_path), tmp_path / "out", device="cpu", focal_length_px=focal_length_px)
    with pytest.raises(InputError, match="is no training"):
        predict_photo(tmp_path, photo(tmp_path), tmp_path / "out", device="cpu", focal_length_px=90.0)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
