"""Depth metrics: the test vector of the specification, pooling, alignment and masks."""

import numpy as np
import pytest

from train.metrics.depth import (
    ImageSums,
    all_scores,
    dataset_scores,
    error_sums,
    evaluation_masks,
    image_sums,
    pool,
    scale_aligned,
    scale_aligned_least_squares,
    scores,
    silog_squared,
)

TRUE_M = np.array([[1.0, 2.0, 4.0]])
PREDICTED_M = np.array([[1.1, 1.8, 5.0]])
ALL = np.ones((1, 3), dtype=bool)


def test_the_vector_of_the_specification():
    """g = (1, 2, 4), p = (1.1, 1.8, 5): all numbers to 1e-6. Source: SPEC B0.

    5/4 is exactly 1.25, and 1.25 is not below 1.25: delta_1 is 2/3.
    """
    sums = error_sums(PREDICTED_M, TRUE_M, ALL)
    assert scores(sums) == pytest.approx(
        {
            "abs_rel": 0.15,
            "sq_rel": 0.0933333,
            "rmse_m": 0.5916080,
            "rmse_ln": 0.1527284,
            "rmse_log10": 0.0663291,
            "mean_abs_log10": 0.0613534,
            "silog": 0.1352056,
            "delta_1": 2 / 3,
            "delta_2": 1.0,
            "delta_3": 1.0,
        },
        abs=1e-6,
    )
    assert silog_squared(sums, mean_weight=1.0) == pytest.approx(0.0182806, abs=1e-6)
    assert silog_squared(sums, mean_weight=0.5) == pytest.approx(0.0208033, abs=1e-6)


def test_a_perfect_prediction_has_no_error():
    """Errors are 0 and all shares 1."""
    found = scores(error_sums(TRUE_M, TRUE_M, ALL))
    assert [found[name] for name in ("delta_1", "delta_2", "delta_3")] == [1, 1, 1]
    assert all(value == 0 for name, value in found.items() if not name.startswith("delta"))


def test_pixels_outside_the_mask_never_count():
    """Holes in the truth and nonsense in the prediction change nothing where the mask is False."""
    true_m = np.array([[1.0, 2.0, 4.0, 0.0, 7.0]])
    predicted_m = np.array([[1.1, 1.8, 5.0, np.nan, -3.0]])
    mask = np.array([[True, True, True, False, False]])
    assert error_sums(predicted_m, true_m, mask) == error_sums(PREDICTED_M, TRUE_M, ALL)


def test_a_hole_inside_the_mask_is_refused():
    """True depth 0 has no relative error: the mask is wrong, and the message says how many pixels are."""
    with pytest.raises(ValueError, match="1 of 2 pixels of the mask have no true depth"):
        error_sums(np.ones((1, 2)), np.array([[1.0, 0.0]]), np.ones((1, 2), dtype=bool))


def test_a_prediction_that_is_no_number_is_refused():
    """NaN would silently spoil every score."""
    with pytest.raises(ValueError, match="1 of 2 predicted depths"):
        error_sums(np.array([[1.0, np.inf]]), np.ones((1, 2)), np.ones((1, 2), dtype=bool))


def test_predictions_of_zero_and_below_count_as_one_millimetre():
    """Logarithms stay finite, and a negative depth is far off and not "within 1.25"."""
    found = scores(error_sums(np.array([[0.0, -2.0]]), np.ones((1, 2)), np.ones((1, 2), dtype=bool)))
    assert found["rmse_ln"] == pytest.approx(np.log(1000))
    assert found["delta_3"] == 0
    assert found["abs_rel"] == pytest.approx((1 + 3) / 2)


def test_pooled_scores_weigh_pixels_and_mean_scores_weigh_images():
    """Two images of 1 and 3 pixels with constant errors of 1 m and 3 m at 10 m, in closed form."""
    images = []
    for error_m, pixels in ((1.0, 1), (3.0, 3)):
        true_m = np.full((1, pixels), 10.0)
        images.append(image_sums(true_m + error_m, true_m, true_m > 0, background_depth_m=20.0))
    found = dataset_scores(images)["head_mask"]
    assert found["pooled"]["rmse_m"] == pytest.approx(np.sqrt((1 + 3 * 9) / 4))
    assert found["mean_over_images"]["rmse_m"] == pytest.approx(2.0)
    assert found["pooled"]["abs_rel"] == pytest.approx((0.1 + 3 * 0.3) / 4)
    assert found["mean_over_images"]["abs_rel"] == pytest.approx(0.2)
    assert found["pooled"]["images"] == 2
    assert found["pooled"]["pixels"] == 4


def test_pooling_is_adding():
    """The sums of all pixels at once are the pooled sums of the parts."""
    stream = np.random.default_rng(0)
    true_m, predicted_m = stream.uniform(0.5, 2, (7, 5)), stream.uniform(0.5, 2, (7, 5))
    whole = error_sums(predicted_m, true_m, np.ones((7, 5), dtype=bool))
    parts = pool(
        [
            error_sums(predicted_m[rows], true_m[rows], np.ones((len(predicted_m[rows]), 5), dtype=bool))
            for rows in (slice(0, 3), slice(3, 7))
        ]
    )
    assert scores(parts) == pytest.approx(scores(whole), rel=1e-12)


def test_a_scaled_prediction_is_perfect_once_aligned():
    """If p = 1.7 g, either alignment finds 1 / 1.7, and every aligned error is 0; the plain ones are not."""
    stream = np.random.default_rng(1)
    true_m = stream.uniform(0.6, 1.1, (5, 6)).astype(np.float32)
    mask = stream.random((5, 6)) > 0.3
    predicted_m = (true_m * 1.7).astype(np.float32)
    aligned = scale_aligned(predicted_m, true_m, mask)
    fitted = scale_aligned_least_squares(predicted_m, true_m, mask)
    sums = ImageSums(*(error_sums(each_m, true_m, mask) for each_m in (predicted_m, aligned, fitted)))
    found = all_scores(sums)
    assert found["abs_rel_scale_aligned_least_squares"] == pytest.approx(0.0, abs=1e-6)
    assert found["abs_rel"] == pytest.approx(0.7, rel=1e-5)
    assert found["abs_rel_scale_aligned"] == pytest.approx(0.0, abs=1e-6)
    assert found["rmse_m_scale_aligned"] == pytest.approx(0.0, abs=1e-6)
    assert found["delta_1_scale_aligned"] == 1
    assert found["silog"] == pytest.approx(found["silog_scale_aligned"], abs=1e-5)


def test_each_alignment_is_its_closed_form():
    """g = (1, 2, 4), p = (1.1, 1.8, 5): medians give 2 / 1.8; least squares give (p . g) / (p . p) = 24.7 / 29.45."""
    np.testing.assert_allclose(scale_aligned(PREDICTED_M, TRUE_M, ALL), PREDICTED_M * 2 / 1.8, rtol=1e-12)
    fitted = scale_aligned_least_squares(PREDICTED_M, TRUE_M, ALL)
    np.testing.assert_allclose(fitted, PREDICTED_M * 24.7 / 29.45, rtol=1e-12)


def test_least_squares_has_the_least_rmse_and_medians_resist_an_outlier():
    """A flat head at 0.8 m predicted at 0.9 m, with one pixel of 100 fallen into the background at 5 m: medians give
    the head exactly, least squares pull all of it towards the camera and have the smaller RMSE."""
    true_m, predicted_m = np.full((10, 10), 0.8), np.full((10, 10), 0.9)
    predicted_m[0, 0] = 5.0
    everywhere = true_m > 0
    by_median = scale_aligned(predicted_m, true_m, everywhere)
    fitted = scale_aligned_least_squares(predicted_m, true_m, everywhere)
    assert by_median[5, 5] == pytest.approx(0.8)
    assert fitted[5, 5] < 0.7
    errors_m = [np.sqrt(((each_m - true_m) ** 2).mean()) for each_m in (fitted, by_median, predicted_m)]
    assert errors_m == sorted(errors_m)
    for factor in (0.99, 1.01):
        assert np.sqrt(((fitted * factor - true_m) ** 2).mean()) > errors_m[0]


def test_every_image_is_aligned_by_a_number_of_its_own():
    """Two images predicted 1.1 and 0.8 times too far are both perfect once aligned; in the pool as well."""
    true_m = np.linspace(0.6, 1.1, 12).reshape(3, 4)
    images = [image_sums(true_m * factor, true_m, true_m > 0, background_depth_m=5.0) for factor in (1.1, 0.8)]
    for averaged in dataset_scores(images)["head_mask"].values():
        assert averaged["abs_rel"] == pytest.approx(0.15)
        assert averaged["abs_rel_scale_aligned"] == pytest.approx(0, abs=1e-12)
        assert averaged["rmse_m_scale_aligned_least_squares"] == pytest.approx(0, abs=1e-12)


def test_masks_are_the_picture_the_head_and_half_a_metre():
    """With the nearest pixel at 0.8 m, 1.3 m still counts and 1.31 m does not; holes count in the full picture only."""
    depth_m = np.array([[0.0, 0.8, 1.0], [1.3, 1.31, 2.0]])
    head = np.array([[True, True, False], [False, False, False]])
    masks = evaluation_masks(depth_m, head)
    assert masks["full"].all()
    assert masks["head_mask"].tolist() == [[False, True, False], [False, False, False]]
    assert masks["nearest_plus_half_metre"].tolist() == [[False, True, True], [True, False, False]]


def test_inside_the_head_is_two_pixels_from_anything_else():
    """A hole, or a pixel of something else, takes all within two pixels; the border of the picture takes none."""
    head, depth_m = np.ones((9, 12), dtype=bool), np.ones((9, 12))
    assert evaluation_masks(depth_m, head)["head_inside"].all()
    depth_m[4, 3] = 0.0
    head[0, 11] = False
    rows, columns = np.mgrid[:9, :12]
    near_hole = np.maximum(abs(rows - 4), abs(columns - 3)) <= 2
    near_other = np.maximum(rows, 11 - columns) <= 2
    assert (evaluation_masks(depth_m, head)["head_inside"] == ~(near_hole | near_other)).all()


def test_the_background_counts_in_the_full_picture():
    """A hole is scored against background_depth_m in `full`, and nowhere else."""
    depth_m, head = np.array([[0.0, 1.0]]), np.array([[False, True]])
    sums = image_sums(np.array([[4.0, 1.0]]), depth_m, head, background_depth_m=5.0)
    assert scores(sums["full"].raw)["abs_rel"] == pytest.approx((1 / 5 + 0) / 2)
    assert scores(sums["head_mask"].raw)["abs_rel"] == 0
    assert sums["nearest_plus_half_metre"].raw.pixels == 1


def test_an_image_without_a_head_is_counted_nowhere():
    """It has no score under the head mask, and the count of images says so; the full picture still counts it."""
    with_head = image_sums(np.full((2, 3), 1.1), np.ones((2, 3)), np.ones((2, 3), dtype=bool), background_depth_m=5.0)
    without = image_sums(np.full((2, 3), 5.0), np.zeros((2, 3)), np.zeros((2, 3), dtype=bool), background_depth_m=5.0)
    found = dataset_scores([with_head, without])
    assert found["head_mask"]["pooled"]["images"] == 1
    assert found["full"]["pooled"]["images"] == 2
    assert "head_mask" not in dataset_scores([without])
