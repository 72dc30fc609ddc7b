"""The cost of a network: parameters of its halves and multiply-adds, against sums made by hand."""

import dataclasses

import pytest
import torch

from train.__main__ import main
from train.catalogue import build_network
from train.network_cost import network_cost
from train.network_spec import DenseDepthEncoder, DenseDepthSpec, SegformerSpec, UNetSimpleSpec


def test_multiply_adds_of_the_u_net_are_those_of_its_convolutions():
    """Each convolution costs taps x inputs x outputs at every pixel of its level; the levels of 48 x 80 hold 3840
    pixels and a quarter fewer below each.

    Down, (in, middle, out) in widths: (3 maps, 1, 1), (1, 2, 2), (2, 4, 4), (4, 8, 8), (8, 8, 8); up: (16, 8, 4),
    (8, 4, 2), (4, 2, 1), (2, 1, 1).
    """
    w = 3
    down = [(3, w, w), (w, 2 * w, 2 * w), (2 * w, 4 * w, 4 * w), (4 * w, 8 * w, 8 * w), (8 * w, 8 * w, 8 * w)]
    up = [(16 * w, 8 * w, 4 * w), (8 * w, 4 * w, 2 * w), (4 * w, 2 * w, w), (2 * w, w, w)]
    pixels = [48 * 80 // 4**level for level in range(5)]
    expected = sum(9 * (a * b + b * c) * pixels[level] for level, (a, b, c) in enumerate(down))
    expected += sum(9 * (a * b + b * c) * pixels[3 - number] for number, (a, b, c) in enumerate(up))
    expected += w * pixels[0]
    cost = network_cost(UNetSimpleSpec(width=w), height_px=48, width_px=80)
    assert cost.multiply_adds == expected
    assert cost.encoder_parameters == sum(9 * (a * b + b * c) + 2 * (b + c) for a, b, c in down)


@pytest.mark.parametrize(
    "spec",
    [
        DenseDepthSpec(encoder="efficientnet-b0", weights="random", decoder_width=0.2),
        SegformerSpec(encoder="mit_b0", weights="random", decoder_width=0.2),
    ],
)
def test_the_cost_follows_network_and_picture(spec: DenseDepthSpec | SegformerSpec):
    """Halves add up to what the network learns; a narrower decoder costs less, a larger picture more; asking for
    ImageNet weights loads none."""
    cost = network_cost(spec, height_px=64, width_px=96)
    assert cost.parameters == sum(parameter.numel() for parameter in build_network(spec).parameters())
    narrower = network_cost(dataclasses.replace(spec, decoder_width=0.1), height_px=64, width_px=96)
    assert narrower.encoder_parameters == cost.encoder_parameters
    assert narrower.decoder_parameters < cost.decoder_parameters
    assert narrower.multiply_adds < cost.multiply_adds
    assert network_cost(spec, height_px=128, width_px=96).multiply_adds > 1.5 * cost.multiply_adds
    assert network_cost(dataclasses.replace(spec, weights="imagenet"), height_px=64, width_px=96) == cost


def test_what_is_counted_is_what_runs():
    """On real numbers the counter says the same as without computing."""
    spec = DenseDepthSpec(encoder="efficientnet-b0", weights="random", decoder_width=0.05)
    network = build_network(spec).eval()
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.rand(1, 3, 40, 70))
    assert network_cost(spec, height_px=40, width_px=70).multiply_adds == counter.get_total_flops() // 2


def test_the_command_shows_the_networks_side_by_side(capsys: pytest.CaptureFixture[str]):
    """One line an experiment, with settings and picture size as asked; a size that no network takes is refused."""
    size = ["--width-px", "64", "--height-px", "32"]
    assert main(["cost", "khan2021_unet_simple", "khan2021_unet_simple_l1", *size, "--set", "network.width=64"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "64 x 32 pixels" in said[0]
    cost = network_cost(UNetSimpleSpec(width=64), height_px=32, width_px=64)
    numbers = ["9.41", "7.86", "17.26", f"{cost.multiply_adds / 1e9:.2f}"]
    assert [line.split("\t") for line in said[2:]] == [
        ["khan2021_unet_simple", *numbers],
        ["khan2021_unet_simple_l1", *numbers],
    ]
    assert main(["cost", "khan2021_unet_simple", "--width-px", "8", "--height-px", "8"]) == 2
    assert "16 pixels" in capsys.readouterr().err


# What torchvision and the EfficientNet paper publish for the whole classifier, and what of it lies behind the last map:
# the classes, and in an EfficientNet the 1 x 1 convolution and batch norm before them.
@pytest.mark.parametrize(
    ("encoder", "classifier", "behind"),
    [
        ("densenet121", 7_978_856, 1_025_000),
        ("densenet161", 28_681_000, 2_209_000),
        ("densenet169", 14_149_480, 1_665_000),
        ("densenet201", 20_013_928, 1_921_000),
        ("resnet50", 25_557_032, 2_049_000),
        ("resnet101", 44_549_160, 2_049_000),
        ("efficientnet-b0", 5_288_548, 1_281_000 + 320 * 1280 + 2 * 1280),
        ("efficientnet-b7", 66_347_960, 2_561_000 + 640 * 2560 + 2 * 2560),
    ],
)
def test_the_encoder_is_the_one_that_was_asked_for(encoder: DenseDepthEncoder, classifier: int, behind: int):
    """Its parameters are those of the published classifier, without what follows the last map."""
    with torch.device("meta"):
        network = build_network(DenseDepthSpec(encoder=encoder, weights="random", decoder_width=0.05))
    assert sum(parameter.numel() for parameter in network.encoder_parameters()) == classifier - behind


def test_the_transformer_is_the_one_that_was_asked_for():
    """3.3 million parameters in B0 and 24.2 in B2. Source: Xie et al. 2021."""
    sizes = {}
    for encoder in ("mit_b0", "mit_b2"):
        network = build_network(SegformerSpec(encoder=encoder, weights="random", decoder_width=0.05))
        sizes[encoder] = round(sum(parameter.numel() for parameter in network.encoder_parameters()) / 1e6, 1)
    assert sizes == {"mit_b0": 3.3, "mit_b2": 24.2}
