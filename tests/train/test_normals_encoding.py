"""Normals and gradient magnitude to the maps of a tanh and exactly back, and the pixel loss between such maps."""

import pytest
import torch

from train.losses.normals import pixel_loss
from train.normals_encoding import decode_normals, encode_normals
from train.normals_spec import NormalsEncoding, NormalsLossSpec


def _surface(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two pictures of unit normals and slopes up to 60, with some pixels without a surface."""
    random = torch.Generator().manual_seed(seed)
    normals_cam = torch.nn.functional.normalize(torch.randn(2, 3, 5, 7, generator=random), dim=1)
    slope = torch.rand(2, 1, 5, 7, generator=random) * 60
    missing = torch.rand(2, 1, 5, 7, generator=random) < 0.3
    return normals_cam * ~missing, slope * ~missing


def test_decoding_inverts_encoding():
    """Normals come back to float32 rounding, slopes to that of a number near 1 times half of 64; the mask is where
    there were normals, and outside both are 0."""
    normals_cam, slope = _surface(1)
    maps = encode_normals(normals_cam, slope, NormalsEncoding())
    assert maps.shape == (2, 4, 5, 7) and maps.abs().max() <= 1
    found = decode_normals(maps, NormalsEncoding())
    torch.testing.assert_close(found.normals_cam, normals_cam, atol=2e-7, rtol=0)
    torch.testing.assert_close(found.gradient_magnitude, slope, atol=32 * 1.2e-7, rtol=0)
    assert torch.equal(found.mask, (normals_cam != 0).any(dim=1, keepdim=True))
    assert 0 < found.mask.sum() < found.mask.numel()


def test_slopes_run_from_minus_one_to_one_and_stop_at_the_largest():
    """0, a quarter, all and twice of the largest slope. Source: SPEC A4, 2 min(W, W_max) / W_max - 1."""
    encoding = NormalsEncoding(largest_gradient=8.0)
    normals_cam = torch.tensor([0.0, 0.6, -0.8])[None, :, None, None].expand(1, 3, 1, 4)
    slope = torch.tensor([0.0, 2.0, 8.0, 16.0]).reshape(1, 1, 1, 4)
    maps = encode_normals(normals_cam, slope, encoding)
    assert maps[0, 3, 0].tolist() == [-1.0, -0.5, 1.0, 1.0]
    assert decode_normals(maps, encoding).gradient_magnitude[0, 0, 0].tolist() == [0.0, 2.0, 8.0, 8.0]


def test_a_prediction_becomes_unit_normals_where_it_is_longer_than_one_half():
    """0.4 long is background, with a slope of 0 whatever was predicted; 0.8 long is a direction."""
    maps = torch.tensor([[0.24, 0.0, -0.32, 0.5], [0.48, 0.0, -0.64, 0.5]]).T.reshape(1, 4, 1, 2)
    found = decode_normals(maps, NormalsEncoding())
    assert found.mask.flatten().tolist() == [False, True]
    torch.testing.assert_close(found.normals_cam[0, :, 0].T, torch.tensor([[0.0, 0.0, 0.0], [0.6, 0.0, -0.8]]))
    assert found.gradient_magnitude.flatten().tolist() == [0.0, 48.0]


@pytest.mark.parametrize(("pixel", "expected"), [("l1", 3.0 / 4), ("l2", 4.5 / 4)])
def test_the_pixel_loss_is_a_mean_over_pixels_and_maps(pixel: str, expected: float):
    """Differences of 0, 0.5, -0.5 and 2 over two pictures of two maps: sums of 3 and, squared, 4.5; weighted."""
    target = torch.zeros(2, 2, 1, 1)
    predicted = torch.tensor([0.0, 0.5, -0.5, 2.0]).reshape(2, 2, 1, 1)
    total, terms = pixel_loss(predicted, target, spec=NormalsLossSpec(pixel=pixel, pixel_weight=10.0))
    assert total.item() == pytest.approx(10 * expected)
    assert terms["pixel"].item() == pytest.approx(expected)
