"""Generator and critic of bouafif2020: any size, gradients everywhere, repeatable, stored and read back."""

import io

import pytest
import torch
from torch import nn

from train.catalogue import build_network, experiments
from train.errors import InputError
from train.network_spec import StridedUNetSpec
from train.networks.picture_critic import PictureCritic
from train.networks.strided_unet import StridedUNet
from train.normals_spec import NormalsExperiment

# Odd, not square, and not one the other turned: levels of 17 x 25, 9 x 13, 5 x 7, 3 x 4, 2 x 2 and 1 x 1 follow.
HEIGHT_PX, WIDTH_PX = 33, 50


def _seeded(spec: StridedUNetSpec, seed: int) -> StridedUNet:
    torch.manual_seed(seed)
    return build_network(spec)


def _equal(first: nn.Module, second: nn.Module) -> bool:
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(("height", "width"), [(HEIGHT_PX, WIDTH_PX), (65, 20), (20, 67), (64, 128)])
def test_any_size_comes_back_as_it_was(height: int, width: int):
    """Four maps of the picture's size, between -1 and 1; a single picture can be learnt from."""
    network = _seeded(StridedUNetSpec(width=2, levels=6), seed=1).train()
    said = network(torch.rand(1, 3, height, width))
    assert said.shape == (1, 4, height, width)
    assert said.abs().max() < 1


def test_the_generator_is_whole():
    """A gradient for every parameter; halves that make the whole; the seed decides; what was stored says the same."""
    spec = StridedUNetSpec(width=3, levels=6)
    network = _seeded(spec, seed=5)
    said = network(torch.rand(2, 3, HEIGHT_PX, WIDTH_PX))
    (said * torch.rand_like(said)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
    encoder = {id(parameter) for parameter in network.encoder_parameters()}
    assert encoder and encoder < {id(parameter) for parameter in network.parameters()}
    again, other = _seeded(spec, seed=5), _seeded(spec, seed=6)
    parameters, others = dict(network.named_parameters()), dict(again.named_parameters())
    assert all(torch.equal(parameters[name], others[name]) for name in parameters)
    assert not _equal(again, other)
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    again.load_state_dict(torch.load(file, weights_only=True))
    picture = torch.rand(1, 3, HEIGHT_PX, WIDTH_PX)
    with torch.inference_mode():
        assert torch.equal(network.eval()(picture), again.eval()(picture))


def test_the_generator_has_the_size_of_the_papers():
    """65.4 million parameters at width 64 with seven levels, and a sixteenth at a quarter of it. Source: SPEC A4, D."""
    sizes = {}
    for width in (64, 16):
        with torch.device("meta"):
            network = build_network(StridedUNetSpec(width=width, levels=7))
        sizes[width] = sum(parameter.numel() for parameter in network.parameters())
    assert sizes[64] == 65_357_188
    assert sizes[16] / 1e6 == pytest.approx(4.1, abs=0.05)
    assert {one.network for one in experiments().values() if isinstance(one, NormalsExperiment)} == {StridedUNetSpec()}


def test_levels_are_halvings():
    """Seven levels bring 128 x 96 to one pixel, and each level up has the size of the level down beside it."""
    network = _seeded(StridedUNetSpec(width=2, levels=7), seed=1)
    down, up = [], []
    for level in network.down:
        level.register_forward_hook(lambda _, __, out: down.append(tuple(out.shape[-2:])))
    for level in network.up:
        level.register_forward_hook(lambda _, __, out: up.append(tuple(out.shape[-2:])))
    network(torch.rand(1, 3, 96, 128))
    assert down == [(48, 64), (24, 32), (12, 16), (6, 8), (3, 4), (2, 2), (1, 1)]
    assert up == down[-2::-1]
    dropouts = [level.dropout.p for level in network.up]
    assert dropouts == [0.5, 0.5, 0.5, 0.0, 0.0, 0.0]


def test_a_picture_with_nothing_left_to_halve_is_refused():
    """The message names the levels that the picture allows, and with these it is taken."""
    picture = torch.rand(1, 3, 20, 32)
    with pytest.raises(InputError, match=r"32 x 20 .* more than 32 pixels .* network\.levels=5"):
        _seeded(StridedUNetSpec(width=2, levels=6), seed=1)(picture)
    assert _seeded(StridedUNetSpec(width=2, levels=5), seed=1)(picture).shape == (1, 4, 20, 32)


def test_the_generator_can_learn_two_pictures_by_heart():
    """After sixty steps on two pictures, the mean error is below a third of what their mean would have."""
    network = _seeded(StridedUNetSpec(width=6, levels=4), seed=4).train()
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 24), torch.linspace(0, 1, 32), indexing="ij")
    pictures = torch.stack([torch.stack([rows, columns, rows * columns]), torch.stack([columns, rows**2, 1 - rows])])
    first = torch.stack([(6 * rows).sin(), (5 * columns).cos(), rows - columns, 2 * rows * columns - 1])
    target = 0.8 * torch.stack([first, first.flip(-1)])
    optimiser = torch.optim.RMSprop(network.parameters(), lr=2e-3)
    for _ in range(60):
        optimiser.zero_grad()
        error = (network(pictures) - target).abs().mean()
        error.backward()
        optimiser.step()
    assert error < (target - target.mean(dim=(0, 2, 3), keepdim=True)).abs().mean() / 3


def test_the_critic_says_one_number_a_picture_and_learns_everywhere():
    """Non-square and odd; every parameter has a gradient; what lies outside 0..1 is said, too: there is no sigmoid."""
    torch.manual_seed(2)
    critic = PictureCritic(width=3, maps=4, height_px=HEIGHT_PX, width_px=WIDTH_PX)
    said = critic(torch.rand(2, 3, HEIGHT_PX, WIDTH_PX), torch.rand(2, 4, HEIGHT_PX, WIDTH_PX) * 2 - 1)
    assert said.shape == (2,)
    (said * torch.tensor([1.0, -0.3])).sum().backward()
    for name, parameter in critic.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
    with torch.no_grad():
        critic.last.bias.fill_(-40.0)
    assert (critic(torch.rand(2, 3, HEIGHT_PX, WIDTH_PX), torch.zeros(2, 4, HEIGHT_PX, WIDTH_PX)) < -1).all()


def test_the_critic_has_the_layers_of_the_ancestor():
    """64, 128, 256 and 512 maps from 7, halved thrice, then a number from what is left of 128 x 96. Source: SPEC A4."""
    with torch.device("meta"):
        critic = PictureCritic(width=64, maps=4, height_px=96, width_px=128)
    convolutions = [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]
    assert [(one.in_channels, one.out_channels, one.stride) for one in convolutions] == [
        (7, 64, (2, 2)),
        (64, 128, (2, 2)),
        (128, 256, (2, 2)),
        (256, 512, (1, 1)),
    ]
    assert critic.last.in_features == 512 * 12 * 16
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in critic.modules()) == 3
