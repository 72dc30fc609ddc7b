"""Every depth network of the catalogue: any size, gradients everywhere, repeatable, stored and read back; its parts."""

import dataclasses
import io

import pytest
import torch
from torch import nn

from train.catalogue import build_network, experiments
from train.depth_spec import DepthExperiment
from train.errors import InputError
from train.network_spec import DenseDepthSpec, DepthNetworkSpec, NetworkSpec, SegformerSpec, UNetSimpleSpec
from train.networks.dense_depth import DenseDepth, encoder_maps
from train.networks.encoders import IMAGENET_MEAN, IMAGENET_STD, build_encoder

# Neither is a multiple of 32, nor is one the other turned.
HEIGHT_PX, WIDTH_PX = 33, 50


def narrow(spec: DepthNetworkSpec) -> DepthNetworkSpec:
    """The same network with random weights and as few maps as its kind can have; an encoder keeps its own."""
    if isinstance(spec, UNetSimpleSpec):
        return dataclasses.replace(spec, width=4)
    return dataclasses.replace(spec, weights="random", decoder_width=0.05)


NETWORKS = {
    f"{spec.kind} {getattr(spec, 'encoder', '')}".strip(): spec
    for spec in (narrow(one.network) for one in experiments().values() if isinstance(one, DepthExperiment))
}


@pytest.fixture(autouse=True)
def one_thread():
    """Pictures this small are slowed down by threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _seeded(spec: NetworkSpec, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(spec)


def _equal(first: nn.Module, second: nn.Module) -> bool:
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_catalogue_holds_every_kind_of_network_and_every_encoder_of_the_paper():
    """The tests below go over eleven networks: the U-Net, eight encoders of DenseDepth, and SegFormer."""
    assert set(NETWORKS) == {
        "unet_simple",
        *(f"dense_depth densenet{depth}" for depth in (121, 161, 169, 201)),
        *(f"dense_depth resnet{depth}" for depth in (50, 101)),
        *(f"dense_depth efficientnet-{size}" for size in ("b0", "b7")),
        "segformer mit_b2",
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_catalogue_is_whole(name: str):
    """Positive depths of the picture's size; a gradient for every parameter; halves that make the whole; the seed
    decides the weights; what was stored predicts the same.

    One network serves all of it, because building the large ones takes longest.
    """
    network = _seeded(NETWORKS[name], seed=5)
    network.start_at(2.5)

    # Six pictures: EfficientNet and SegFormer leave out residual branches at random, one picture at a time, and a
    # branch that is left out of all of them would have no gradient.
    predicted = network(torch.rand(6, 3, HEIGHT_PX, WIDTH_PX))
    assert predicted.shape == (6, 1, HEIGHT_PX, WIDTH_PX)
    assert (predicted > 0).all()
    (predicted * torch.rand_like(predicted)).sum().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name

    encoder = {id(parameter) for parameter in network.encoder_parameters()}
    everything = {id(parameter) for parameter in network.parameters()}
    assert encoder and encoder < everything

    again = _seeded(NETWORKS[name], seed=5)
    again.start_at(2.5)
    parameters, others = dict(network.named_parameters()), dict(again.named_parameters())
    assert parameters.keys() == others.keys()
    assert all(torch.equal(parameters[key], others[key]) for key in parameters)

    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    again.load_state_dict(torch.load(file, weights_only=True))
    picture = torch.rand(1, 3, HEIGHT_PX, WIDTH_PX)
    with torch.inference_mode():
        assert torch.equal(network.eval()(picture), again.eval()(picture))


@pytest.mark.parametrize(
    "spec",
    [
        UNetSimpleSpec(width=2),
        DenseDepthSpec(encoder="efficientnet-b0", weights="random", decoder_width=0.05),
        SegformerSpec(encoder="mit_b0", weights="random", decoder_width=0.05),
    ],
)
def test_another_seed_gives_other_weights(spec: NetworkSpec):
    """Random weights come from torch's generator and from nowhere else."""
    first, second, other = (_seeded(spec, seed) for seed in (1, 1, 2))
    assert _equal(first, second)
    assert not _equal(first, other)


@pytest.mark.parametrize(
    "spec",
    [
        UNetSimpleSpec(width=6),
        DenseDepthSpec(encoder="efficientnet-b0", weights="random", decoder_width=0.2),
        SegformerSpec(encoder="mit_b0", weights="random", decoder_width=0.1),
    ],
)
def test_two_pictures_can_be_learnt_by_heart(spec: NetworkSpec):
    """After forty steps on two pictures, the mean error is below a quarter of what their mean would have."""
    network = _seeded(spec, seed=4).train()
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 32), torch.linspace(0, 1, 64), indexing="ij")
    first = 1 + 3 * torch.exp(-((rows - 0.4) ** 2 + (columns - 0.3) ** 2) / 0.1)
    second = 1 + 2 * torch.sigmoid(10 * (columns - 0.6)) + rows
    target = torch.stack([first, second])[:, None]
    pictures = torch.cat([target / 4, rows.expand(2, 1, -1, -1), columns.expand(2, 1, -1, -1)], dim=1)
    network.start_at(target.mean().item())
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        error = (network(pictures) - target).abs().mean()
        error.backward()
        optimiser.step()
    of_the_mean = (target - target.mean()).abs().mean()
    assert error < 0.25 * of_the_mean


@pytest.mark.parametrize(
    ("spec", "stride"),
    [
        (DenseDepthSpec(encoder="efficientnet-b0", weights="random", decoder_width=0.05), 2),
        (SegformerSpec(encoder="mit_b0", weights="random", decoder_width=0.05), 4),
    ],
)
def test_the_small_map_becomes_a_picture_without_moving_pixel_centres(spec: NetworkSpec, stride: int):
    """A map that holds, at each of its pixels, the place of that pixel's centre in the padded picture, becomes a
    picture that holds the place of each of its own centres. 33 x 50 is padded to 64 x 64: 15 rows above and 7 columns
    to the left.
    """
    network = build_network(spec).eval()
    centres = (torch.arange(64 // stride) + 0.5) * stride
    # Softplus leaves numbers as large as these alone.
    places = 1000 * centres[:, None] + centres[None, :] + 100.0
    network.head.register_forward_hook(lambda *_: places[None, None])
    with torch.inference_mode():
        picture = network(torch.rand(1, 3, HEIGHT_PX, WIDTH_PX))[0, 0]
    rows, columns = torch.arange(HEIGHT_PX) + 15.5, torch.arange(WIDTH_PX) + 7.5
    torch.testing.assert_close(picture, 1000 * rows[:, None] + columns[None, :] + 100.0)


@pytest.mark.parametrize(
    "spec",
    [
        UNetSimpleSpec(width=2),
        DenseDepthSpec(encoder="efficientnet-b0", weights="random", decoder_width=0.05),
        SegformerSpec(encoder="mit_b0", weights="random", decoder_width=0.05),
    ],
)
def test_an_untrained_network_predicts_near_the_mean_it_starts_at(spec: NetworkSpec):
    """`start_at` sets the level, far from the 0.7 of a bias of 0."""
    network = _seeded(spec, seed=1).train()
    network.start_at(6.0)
    with torch.no_grad():
        assert network(torch.rand(2, 3, 32, 64)).mean().item() == pytest.approx(6.0, rel=0.25)


def test_dense_depth_over_densenet_169_has_the_parameters_of_dense_depth():
    """12.48 million in the encoder and 30.17 in the decoder at width 1. The numbers are from SPEC A1."""
    with torch.device("meta"):
        network = build_network(DenseDepthSpec(encoder="densenet169", weights="random"))
    encoder = sum(parameter.numel() for parameter in network.encoder_parameters())
    everything = sum(parameter.numel() for parameter in network.parameters())
    assert encoder / 1e6 == pytest.approx(12.48, abs=0.005)
    assert (everything - encoder) / 1e6 == pytest.approx(30.17, abs=0.005)
    assert everything == 42_657_689


def test_dense_depth_takes_the_narrow_maps_of_a_densenet():
    """From 1/2 to 1/32: 64, 64, 128 and 256 maps before a dense block, and 1664 without negative numbers."""
    encoder = build_encoder("densenet169", imagenet=False).eval()
    with torch.inference_mode():
        maps = encoder_maps(encoder, torch.rand(1, 3, 64, 96))
    shapes = [tuple(one.shape[1:]) for one in maps]
    assert shapes == [(64, 32, 48), (64, 16, 24), (128, 8, 12), (256, 4, 6), (1664, 2, 3)]
    assert maps[-1].min() >= 0


def test_the_activation_between_is_one_layer_a_level():
    """With it, each of the four levels has two LeakyReLU of slope 0.2, without it one, and both have equal weights."""
    counts = {}
    for between in (False, True):
        spec = DenseDepthSpec(
            encoder="efficientnet-b0", weights="random", decoder_width=0.05, activation_between=between
        )
        network = _seeded(spec, seed=3)
        layers = [layer for layer in network.modules() if isinstance(layer, nn.LeakyReLU)]
        assert all(layer.negative_slope == 0.2 for layer in layers)
        counts[between] = (len(layers), sum(parameter.numel() for parameter in network.parameters()))
    assert counts[True] == (8, counts[False][1])
    assert counts[False][0] == 4


@pytest.mark.parametrize("encoder", ["densenet121", "efficientnet-b0"])
def test_decoder_width_scales_the_decoder_alone(encoder: str):
    """Half the width gives half the maps at each level; the encoder stays as it is."""
    full, half = (
        DenseDepth(encoder=encoder, imagenet=False, decoder_width=width, activation_between=False)
        for width in (1.0, 0.5)
    )
    assert half.head.in_channels * 2 == full.head.in_channels
    assert half.bottom.out_channels * 2 == full.bottom.out_channels == full.bottom.in_channels
    assert [p.shape for p in half.encoder_parameters()] == [p.shape for p in full.encoder_parameters()]


def test_the_encoder_sees_pictures_normalised_as_imagenet_was():
    """A picture of the mean colour reaches the encoder as 0, one a deviation above it as 1."""
    network = build_network(DenseDepthSpec(encoder="efficientnet-b0", weights="random", decoder_width=0.05)).eval()
    seen = []
    network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    mean, deviation = (torch.tensor(numbers).reshape(1, 3, 1, 1) for numbers in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.inference_mode():
        for picture in (mean, mean + deviation):
            network(picture.expand(1, 3, 32, 64))
    torch.testing.assert_close(seen[0], torch.zeros(1, 3, 32, 64))
    torch.testing.assert_close(seen[1], torch.ones(1, 3, 32, 64))
    assert not any("normalise" in name for name in network.state_dict())


def test_a_picture_below_one_multiple_is_refused():
    """Five halvings need 32 pixels; the message says so."""
    network = build_network(DenseDepthSpec(encoder="efficientnet-b0", weights="random", decoder_width=0.05))
    with pytest.raises(InputError, match="32 pixels"):
        network(torch.rand(1, 3, 31, 64))
