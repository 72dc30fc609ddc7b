"""Encoding: depth to target and exactly back."""

import numpy as np
import pytest
import torch

from train.depth_spec import Encoding
from train.encoding import (
    check_cameras,
    decode_depth,
    decoded_background_m,
    encode_depth,
    focal_lengths_in_widths,
    target_limits,
    target_range,
    with_background,
)
from train.errors import InputError

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


@pytest.mark.parametrize("kind", KINDS)
def test_the_canonical_camera_comes_back_exactly(kind):
    """Every depth between the limits, and background, of frames from the shortest to the longest focal length."""
    encoding = Encoding(kind=kind, background_depth_m=4.0, nearest_depth_m=0.3, camera="canonical")
    depth_m = torch.rand(3, 1, 7, 5, generator=torch.Generator().manual_seed(0)) * 3.69 + 0.3
    depth_m[:, 0, 0, 0] = 0
    focal_widths = torch.tensor([1.4 / 1.3, 1.5, 1.4 * 1.3])
    target = encode_depth(depth_m, encoding, focal_widths=focal_widths)
    low, high = target_limits(encoding)
    assert low * (1 - 1e-6) <= target.min().item() and target.max().item() <= high * (1 + 1e-6)
    expected = torch.where(depth_m > 0, depth_m, 4.0)
    found = decode_depth(target, encoding, focal_widths=focal_widths)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0.0)


def test_the_canonical_target_falls_as_the_focal_length_grows():
    """The same head at the same distance behind twice the focal length looks as at half the distance: the learnt depth
    halves, and its reciprocal doubles; at the canonical focal length nothing changes."""
    depth_m = torch.full((3, 1, 2, 2), 0.8)
    focal_widths = torch.tensor([1.4, 2.8, 0.7])
    for kind, factors in (("metric", (1, 0.5, 2)), ("reciprocal", (1, 2, 0.5))):
        encoding = Encoding(kind=kind, camera="canonical", focal_length_spread=2)
        plain = encode_depth(depth_m, Encoding(kind=kind))
        target = encode_depth(depth_m, encoding, focal_widths=focal_widths)
        for number, factor in enumerate(factors):
            torch.testing.assert_close(target[number], plain[number] * factor)


def test_a_head_twice_as_far_behind_twice_the_focal_length_has_the_same_target():
    """Their pictures are the same but for perspective, and so is what is learnt; decoding gives both distances."""
    encoding = Encoding(camera="canonical", focal_length_spread=2)
    depth_m, focal_widths = torch.tensor([0.7, 1.4])[:, None, None, None], torch.tensor([1.0, 2.0])
    target = encode_depth(depth_m, encoding, focal_widths=focal_widths)
    torch.testing.assert_close(target[0], target[1])
    torch.testing.assert_close(decode_depth(target, encoding, focal_widths=focal_widths), depth_m)


def test_background_has_one_target_whatever_the_focal_length():
    """No network tells the focal length from a backdrop: it is asked for one number, and that is background again."""
    encoding = Encoding(camera="canonical", background_depth_m=5.0)
    focal_widths = torch.tensor([1.1, 1.4, 1.8])
    target = encode_depth(torch.zeros(3, 1, 2, 2), encoding, focal_widths=focal_widths)
    assert target.unique().tolist() == [pytest.approx(1 / 1.3)]
    assert decode_depth(target, encoding, focal_widths=focal_widths).unique().tolist() == [5.0]
    assert [decoded_background_m(encoding, focal_widths=value) for value in (1.1, 1.8)] == [5.0, 5.0]
    short = torch.tensor([0.35, 0.35, 0.35])
    beyond = decode_depth(target, encoding, focal_widths=short).unique().item()
    assert beyond == pytest.approx(5 * 1.3 / 4)
    assert decoded_background_m(encoding, focal_widths=0.35) == pytest.approx(5 * 1.3 / 4)


def test_a_canonical_camera_without_focal_lengths_is_refused():
    """Depth of an unknown camera is never passed on as depth of a known one."""
    for change in (encode_depth, decode_depth):
        with pytest.raises(ValueError, match="pass focal_widths"):
            change(torch.ones(1, 1, 2, 2), Encoding(camera="canonical"))


def test_focal_lengths_count_in_widths_of_the_picture():
    """70 pixels of a picture 50 wide are 1.4 widths; another size of the same picture has the same number."""
    intrinsics_px = np.array([np.diag([70.0, 71.0, 1.0]), np.diag([35.0, 36.0, 1.0])])
    assert focal_lengths_in_widths(intrinsics_px, width_px=50).tolist() == [pytest.approx(1.4), pytest.approx(0.7)]


def test_cameras_that_do_not_suit_the_encoding_are_refused_with_what_to_set():
    """`fixed` takes one focal length, `canonical` those within its spread, `metric` all."""
    varied, one = torch.tensor([1.1, 1.8]), torch.tensor([1.2, 1.2])
    check_cameras(varied, Encoding(), where="here")
    check_cameras(varied, Encoding(camera="canonical"), where="here")
    check_cameras(one, Encoding(camera="fixed"), where="here")
    with pytest.raises(InputError, match=r"here has focal lengths of 1\.1 to 1\.8 picture widths.*needs one"):
        check_cameras(varied, Encoding(camera="fixed"), where="here")
    for wrong in (torch.tensor([1.0, 1.4]), torch.tensor([1.4, 1.96])):
        with pytest.raises(InputError, match=r"Try --set encoding\.focal_length_spread=1\.41"):
            check_cameras(wrong, Encoding(camera="canonical"), where="here")
