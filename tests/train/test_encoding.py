"""Encoding: depth to target and exactly back."""

import pytest
import torch

from train.encoding import decode_depth, encode_depth, target_limits, target_range, with_background
from train.spec import Encoding

KINDS = ("reciprocal", "metric")


@pytest.mark.parametrize("kind", KINDS)
def test_decoding_inverts_encoding(kind):
    """Every depth between the limits comes back within 2 units in the last place of float32."""
    encoding = Encoding(kind=kind, background_depth_m=4.0, nearest_depth_m=0.3)
    depth_m = torch.rand(2, 7, 5, generator=torch.Generator().manual_seed(0)) * 3.6 + 0.35
    torch.testing.assert_close(decode_depth(encode_depth(depth_m, encoding), encoding), depth_m, rtol=2.4e-7, atol=0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_without_a_surface_become_background(kind):
    """Depth 0 is never divided by: it is encoded and decoded as background_depth_m."""
    encoding = Encoding(kind=kind, background_depth_m=4.0)
    depth_m = torch.tensor([[0.0, 0.8]])
    assert decode_depth(encode_depth(depth_m, encoding), encoding)[0, 0].item() == 4.0
    assert with_background(depth_m, encoding).tolist() == [[4.0, pytest.approx(0.8)]]


def test_the_reciprocal_target_is_maximum_over_depth():
    """y = m / depth with m = 5 m: 5 at 1 m, 1 at the background. Source: khan2021, section IV.B."""
    target = encode_depth(torch.tensor([1.0, 2.5, 5.0, 0.0]), Encoding(kind="reciprocal", background_depth_m=5.0))
    assert target.tolist() == [5.0, 2.0, 1.0, 1.0]


def test_targets_stay_within_their_limits():
    """The nearest and the farthest depth are the ends of the interval whose width SSIM is told."""
    for kind, limits in (("reciprocal", (1.0, 8.0)), ("metric", (0.5, 4.0))):
        encoding = Encoding(kind=kind, background_depth_m=4.0, nearest_depth_m=0.5)
        assert target_limits(encoding) == limits
        assert target_range(encoding) == limits[1] - limits[0]
        ends = encode_depth(torch.tensor([0.5, 4.0]), encoding)
        assert sorted(ends.tolist()) == list(limits)


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_beyond_the_limits_are_moved_onto_them(kind):
    """No prediction is nearer than the nearest depth or farther than the background, whatever the network says."""
    encoding = Encoding(kind=kind, background_depth_m=4.0, nearest_depth_m=0.5)
    depth_m = decode_depth(torch.tensor([0.0, 1e-9, 0.4, 100.0, 1e9]), encoding)
    assert set(depth_m.tolist()) == {0.5, 4.0}
