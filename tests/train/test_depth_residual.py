"""The robust σ of depth maps: closed forms, its invariances, and what it refuses."""

import numpy as np
import pytest

from train.errors import InputError
from train.metrics.depth_residual import (
    RobustResidual,
    depth_residual_px,
    residual_histogram,
    robust_residual,
    robust_sigma_px,
)

NAN = np.nan


def test_the_three_steps_by_hand():
    """Residuals -1 -1 0 0 0 2 2, one 6.5 and one 40: M = 0; σ_M over the first eight; 6.5 leaves within 3 σ_M or not.

    Within ±7: mean 1.0625, mean of squares 52.25/8, so σ_M = √(6.53125 - 1.12890625) = 2.32430...; 3 σ_M = 6.97 keeps
    6.5, and the variance is 5.40234375.
    """
    residual_px = np.array([[-1, -1, 0, 0, 0], [2, 2, 6.5, 40, NAN]])
    found = robust_residual(residual_px)
    assert (found.median_px, found.pixels, found.pixels_kept) == (0.0, 9, 8)
    assert found.spread_px**2 == pytest.approx(5.40234375, abs=1e-12)
    assert found.variance_px2 == pytest.approx(5.40234375, abs=1e-12)


def test_the_last_step_leaves_out_what_lies_beyond_three_spreads():
    """49 each of 1 and -1, one 0, one 5: M = 0.5, and 5 lies within ±7 of it, but beyond 3 σ_M = 3.32; the variance
    is that of the other 99."""
    residual_px = np.array([[1.0, -1.0] * 49 + [0.0, 5.0]])
    found = robust_residual(residual_px)
    assert found.spread_px == pytest.approx(np.sqrt((98 + 25) / 100 - (5 / 100) ** 2), abs=1e-12)
    assert (found.median_px, found.pixels_kept) == (0.5, 99)
    assert found.variance_px2 == pytest.approx(98 / 99, abs=1e-12)


def test_both_intervals_include_their_ends():
    """Residuals of exactly ±7 around the median count; a hair beyond, they do not."""
    at = robust_residual(np.array([[-7.0, 0.0, 7.0]]))
    assert at.spread_px == pytest.approx(np.sqrt(98 / 3))
    beyond = robust_residual(np.array([[-7.001, 0.0, 7.001]]))
    assert (beyond.spread_px, beyond.variance_px2, beyond.pixels_kept) == (0.0, 0.0, 1)


def test_an_offset_changes_the_median_alone_and_a_flip_of_sign_nothing_else():
    """Depth is known up to a constant: σ does not see it. True minus reconstructed: the median shows the sign."""
    true_px = np.random.default_rng(0).normal(0, 2, (9, 14))
    reconstructed_px = np.random.default_rng(1).normal(0, 2, (9, 14))
    everywhere = np.ones((9, 14), dtype=bool)
    plain = robust_residual(depth_residual_px(true_px, reconstructed_px, everywhere, everywhere))
    moved = robust_residual(depth_residual_px(true_px, reconstructed_px - 100, everywhere, everywhere))
    assert moved.median_px == pytest.approx(plain.median_px + 100, abs=1e-9)
    assert moved.variance_px2 == pytest.approx(plain.variance_px2, abs=1e-9)
    swapped = robust_residual(depth_residual_px(reconstructed_px, true_px, everywhere, everywhere))
    assert swapped.median_px == pytest.approx(-plain.median_px, abs=1e-12)
    assert swapped.variance_px2 == pytest.approx(plain.variance_px2, abs=1e-12)


def test_only_pixels_of_both_masks_count():
    """Nonsense outside either mask changes nothing, and the map is NaN there."""
    true_px = np.array([[1.0, 2.0, 3.0, NAN]])
    reconstructed_px = np.array([[0.5, 0.0, np.inf, 7.0]])
    residual_px = depth_residual_px(
        true_px, reconstructed_px, np.array([[True, True, True, False]]), np.array([[True, True, False, True]])
    )
    np.testing.assert_array_equal(residual_px, [[0.5, 2.0, NAN, NAN]])


def test_sigma_is_the_root_of_the_mean_variance_over_images():
    """Variances 1 and 7 give σ = 2, whatever the number of pixels; the mean of roots would be 1.82."""
    images = [RobustResidual(0.0, 1.0, 1.0, 10, 10), RobustResidual(3.0, 2.0, 7.0, 9000, 8000)]
    assert robust_sigma_px(images) == pytest.approx(2.0, abs=1e-12)


def test_the_histogram_counts_every_residual_and_marks_both_intervals():
    """Bins of 0.5 px from the floor of the least: counts by hand, edges on multiples of the width."""
    histogram = residual_histogram(np.array([[-0.6, 0.0, 0.2, 0.5], [0.9, 1.0, NAN, 0.1]]), bin_width_px=0.5)
    np.testing.assert_allclose(histogram.edges_px, [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
    np.testing.assert_array_equal(histogram.counts, [1, 0, 3, 2, 1])
    assert histogram.median_px == 0.2
    assert histogram.first_interval_px == pytest.approx((-6.8, 7.2))
    spread_px = np.std([-0.6, 0.0, 0.2, 0.5, 0.9, 1.0, 0.1])
    assert histogram.kept_interval_px == pytest.approx((0.2 - 3 * spread_px, 0.2 + 3 * spread_px))


def test_what_cannot_be_scored_is_refused():
    """Masks without a common pixel, depth that is not finite, two parts with nothing between, no image, no width."""
    depth_px, all_pixels = np.zeros((2, 3)), np.ones((2, 3), dtype=bool)
    with pytest.raises(InputError, match=r"no pixel lies in both masks \(6 pixels true, 0 reconstructed\)"):
        depth_residual_px(depth_px, depth_px, all_pixels, ~all_pixels)
    with pytest.raises(InputError, match="6 of 6 shared pixels have no finite depth"):
        depth_residual_px(depth_px, np.full((2, 3), NAN), all_pixels, all_pixels)
    with pytest.raises(InputError, match="holds no pixel"):
        robust_residual(np.full((2, 3), NAN))
    with pytest.raises(InputError, match="two parts with nothing between"):
        robust_residual(np.array([[0.0, 0.0, 50.0, 50.0]]))
    with pytest.raises(InputError, match="one image or more"):
        robust_sigma_px([])
    with pytest.raises(InputError, match="width of a bin"):
        residual_histogram(depth_px, bin_width_px=0.0)
