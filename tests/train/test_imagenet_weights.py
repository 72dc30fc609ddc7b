"""ImageNet weights: loaded when asked for, refused in words when they cannot be, and never taken for random ones."""

import json
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file

from train.__main__ import main
from train.catalogue import build_network, find_experiment
from train.checkpoint import load_trained, read_training_record
from train.errors import InputError
from train.fit import fit
from train.network_spec import DenseDepthSpec
from train.networks.encoders import IMAGENET_MEAN, IMAGENET_STD
from train.reading_notes import reading_notes
from train.spec import with_settings

SPEC = DenseDepthSpec(encoder="efficientnet-b0", weights="imagenet", decoder_width=0.05)
CONFIG = {"input_space": "RGB", "input_range": [0, 1], "mean": list(IMAGENET_MEAN), "std": list(IMAGENET_STD)}


def _no_network(*_: object, **__: object) -> str:
    raise OSError("nobody answers")


@pytest.fixture
def published_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Weights in the place of those that smp publishes, so that no test needs a network."""
    torch.manual_seed(77)
    weights = smp.encoders.get_encoder(SPEC.encoder, weights=None).state_dict()
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    monkeypatch.setattr(smp.encoders, "hf_hub_download", lambda _, *, filename, **__: str(tmp_path / filename))
    return weights


def test_imagenet_weights_are_in_the_encoder_that_asked_for_them(published_weights: dict[str, torch.Tensor]):
    """Every weight of the encoder is the published one, in the decoder the seed decides; with random none is."""
    torch.manual_seed(1)
    network = build_network(SPEC)
    torch.manual_seed(1)
    random = build_network(DenseDepthSpec(encoder=SPEC.encoder, weights="random", decoder_width=0.05))
    for name, parameter in network.encoder.named_parameters():
        assert torch.equal(parameter, published_weights[name]), name
    assert torch.equal(network.bottom.weight, random.bottom.weight)
    assert not torch.equal(network.encoder._conv_stem.weight, random.encoder._conv_stem.weight)


def test_weights_that_cannot_be_loaded_are_an_error_that_says_what_to_choose(monkeypatch: pytest.MonkeyPatch):
    """Without a network there is no training from ImageNet, and none from random numbers in its place."""
    monkeypatch.setattr(smp.encoders, "hf_hub_download", _no_network)
    with pytest.raises(InputError, match=r"nobody answers.*network\.weights=random"):
        build_network(SPEC)


def test_a_broken_file_of_weights_is_refused_too(published_weights: dict, tmp_path: Path):
    """A file that is no set of weights ends in the same words."""
    assert published_weights
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"cannot be loaded.*network\.weights=random"):
        build_network(SPEC)


def test_weights_that_want_other_pictures_are_refused(published_weights: dict, tmp_path: Path):
    """Mean and deviation are checked against the published ones, not trusted."""
    assert published_weights
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "mean": [0.5, 0.5, 0.5]}))
    with pytest.raises(InputError, match=r"0\.5, 0\.5, 0\.5"):
        build_network(SPEC)


def test_a_training_from_imagenet_is_read_back_without_a_network(
    published_weights: dict, ball_dataset_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its record and its notes name the weights that it started from; loading it asks nobody for them again."""
    assert published_weights
    pack = tmp_path / "pack"
    sizes = ["--width-px", "64", "--height-px", "40"]
    assert main(["pack", "--dataset", str(ball_dataset_folder), "--out", str(pack), *sizes]) == 0
    experiment = with_settings(
        find_experiment("khan2021_efficientnet_b0"), {"network.decoder_width": "0.05", "schedule.epochs": "1"}
    )
    fit(experiment, pack, tmp_path / "training", device="cpu", seed=2)
    monkeypatch.setattr(smp.encoders, "hf_hub_download", _no_network)
    loaded, network = load_trained(tmp_path / "training")
    assert loaded == experiment
    assert (network.state_dict()["bottom.weight"] != 0).any()
    assert read_training_record(tmp_path / "training").experiment["network"]["weights"] == "imagenet"
    assert any("started from ImageNet weights" in note for note in reading_notes(loaded))
    stranger = tmp_path / "stranger"
    arguments = ["fit", "--experiment", experiment.key, "--pack", str(pack), "--out", str(stranger)]
    assert main([*arguments, "--device", "cpu"]) == 2


def test_random_weights_are_told_beside_the_scores():
    """The note of random weights follows from the setting, and the U-Net, which has no others, needs none."""
    random = with_settings(find_experiment("khan2021_resnet50"), {"network.weights": "random"})
    assert any("started from random numbers" in note for note in reading_notes(random))
    assert not any("started from" in note for note in reading_notes(find_experiment("khan2021_unet_simple")))
