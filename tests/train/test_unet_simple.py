"""The simple U-Net: its size, the pictures it takes, and that all of it learns."""

import pytest
import torch

from train.catalogue import build_network
from train.network_spec import UNetSimpleSpec
from train.networks.unet_simple import UNetSimple


def test_the_full_network_has_17_262_977_parameters():
    """At width 64, from 3 to 1 channels. The number is from SPEC A1 ("around 17 million" in khan2021)."""
    network = build_network(UNetSimpleSpec(width=64))
    assert sum(parameter.numel() for parameter in network.parameters()) == 17_262_977


def test_width_scales_every_convolution():
    """The parameters are a quadratic in the width w with known coefficients: 4211.5 w^2 + ... counted by hand.

    Convolutions of 9 taps: down 27 w + (9 + 2*9 + 4*9 + 8*9 + 16*9 + 32*9 + 64*9 + 64*9 + 64*9) w^2; up, with inputs
    16, 8, 4 and 2 w, middles 8, 4, 2 and 1 w, outputs 4, 2, 1 and 1 w. Batch norms have 2 numbers a map.
    """
    for width in (2, 6):
        w = width
        down = 27 * w + 9 * w * w * (1 + 2 + 4 + 8 + 16 + 32 + 64 + 64 + 64)
        up = 9 * w * w * (16 * 8 + 8 * 4 + 8 * 4 + 4 * 2 + 4 * 2 + 2 * 1 + 2 * 1 + 1 * 1)
        maps = 2 * w * (1 + 2 + 4 + 8 + 8) + w * ((8 + 4) + (4 + 2) + (2 + 1) + (1 + 1))
        network = UNetSimple(width=width)
        assert sum(parameter.numel() for parameter in network.parameters()) == down + up + 2 * maps + (w + 1)


@pytest.mark.parametrize(("height", "width"), [(32, 48), (33, 50), (16, 79), (47, 31)])
def test_any_size_comes_back_as_it_went_in(height: int, width: int):
    """Sizes that are no multiple of 16 are padded inside and cropped again; depths are positive."""
    network = UNetSimple(width=2).eval()
    with torch.inference_mode():
        predicted = network(torch.rand(3, 3, height, width))
    assert predicted.shape == (3, 1, height, width)
    assert (predicted > 0).all()


def test_padding_is_the_same_as_repeating_the_border_by_hand():
    """A picture of 20 x 35 gives the middle of what the picture with its border repeated to 32 x 48 gives."""
    torch.manual_seed(3)
    network = UNetSimple(width=2).eval()
    picture = torch.rand(1, 3, 20, 35)
    by_hand = torch.nn.functional.pad(picture, (6, 7, 6, 6), mode="replicate")
    with torch.inference_mode():
        torch.testing.assert_close(network(picture), network(by_hand)[:, :, 6:26, 6:41])


def test_a_picture_below_16_pixels_is_refused():
    """Four halvings need 16 pixels; the message says so."""
    with pytest.raises(ValueError, match="16 pixels"):
        UNetSimple(width=2)(torch.rand(1, 3, 15, 40))


def test_every_parameter_gets_a_gradient():
    """No branch is cut off: after one backward pass no parameter is without a gradient, or with a zero one."""
    torch.manual_seed(0)
    network = UNetSimple(width=4)
    predicted = network(torch.rand(2, 3, 32, 48))
    (predicted * torch.rand_like(predicted)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_skips_join_levels_of_the_same_resolution():
    """A change of one input pixel reaches the output pixel at the same place: nothing is flipped or shifted."""
    torch.manual_seed(1)
    network = UNetSimple(width=4).eval()
    picture = torch.rand(1, 3, 48, 64)
    changed = picture.clone()
    changed[:, :, 11, 52] += 5.0
    with torch.inference_mode():
        moved = (network(changed) - network(picture)).abs()[0, 0]
    row, column = divmod(int(moved.argmax()), 64)
    assert abs(row - 11) <= 2
    assert abs(column - 52) <= 2
