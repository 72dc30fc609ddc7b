"""Masks and angles of normals against numbers that can be worked out by hand."""

import numpy as np
import pytest

from train.metrics.normals import ImageAngles, angle_map_deg, dataset_scores, image_angles, pool, scores


def _tilted(*degrees: float) -> np.ndarray:
    """A row of normals turned by these angles about y, away from the camera's axis; NaN stands for none."""
    radians = np.radians(degrees)
    rows = np.stack([np.sin(radians), np.zeros(len(degrees)), -np.cos(radians)], axis=-1)
    return np.nan_to_num(rows)[None].astype(np.float32)


NONE = float("nan")
# Five pixels are true, five predicted, four both: 0, 15, 31 and 89 degrees apart.
TRUE = _tilted(0, 10, -6, 0, 40, NONE)
PREDICTED = _tilted(0, 25, 25, 89, NONE, 12)


def test_angles_and_masks_are_those_of_the_pixels():
    """4 of 5 and 4 of 5; mean 33.75, deviation sqrt(1137.6875), median 23; below 10 degrees lies one of
    four, below 20 lie two, below 30 (no pixel is near) as many. Source of the rules: SPEC B4."""
    image = image_angles(PREDICTED, TRUE)
    np.testing.assert_allclose(image.angles_deg, [0, 15, 31, 89], atol=2e-5)
    found = scores(image)
    assert (found["mask_precision"], found["mask_recall"]) == (0.8, 0.8)
    assert found["mean_angle_deg"] == pytest.approx(33.75, abs=1e-4)
    assert found["std_angle_deg"] == pytest.approx(np.sqrt(1137.6875), abs=1e-4)
    assert found["median_angle_deg"] == pytest.approx(23, abs=1e-4)
    assert [found[f"below_{limit}_deg"] for limit in (10, 20, 30)] == [0.25, 0.5, 0.5]


def test_below_a_limit_means_below():
    """10 degrees are not below 10. Source: bouafif2020, table 1, "< 10°"."""
    found = scores(ImageAngles(true_pixels=2, predicted_pixels=2, angles_deg=np.array([10.0, 9.99])))
    assert found["below_10_deg"] == 0.5


def test_precision_and_recall_are_told_apart():
    """Of three predicted pixels one is true, of two true ones one was found."""
    image = image_angles(_tilted(0, 0, 0, NONE), _tilted(NONE, NONE, 0, 0))
    assert scores(image)["mask_precision"] == pytest.approx(1 / 3)
    assert scores(image)["mask_recall"] == pytest.approx(1 / 2)


def test_lengths_do_not_count():
    """Half floats are not quite of length 1, and their angle to themselves is 0 all the same; opposite is 180."""
    normals = _tilted(3, 33, 77)
    np.testing.assert_allclose(image_angles(0.7 * normals, normals).angles_deg, 0, atol=0.03)
    np.testing.assert_allclose(image_angles(-normals, normals).angles_deg, 180, atol=0.03)


def test_pooled_scores_count_pixels_and_means_count_images():
    """Four pixels of 0 and one of 40 degrees: pooled 8, mean over images 20; an image without any head in truth or
    prediction counts for neither, one with none in truth alone for precision."""
    still, off = image_angles(_tilted(0, 0, 0, 0), _tilted(0, 0, 0, 0)), image_angles(_tilted(40), _tilted(0))
    nothing, invented = image_angles(_tilted(NONE), _tilted(NONE)), image_angles(_tilted(1, 2), _tilted(NONE, NONE))
    found = dataset_scores([still, off, nothing, invented])["head"]
    assert found["pooled"]["mean_angle_deg"] == pytest.approx(8, abs=1e-4)
    assert found["mean_over_images"]["mean_angle_deg"] == pytest.approx(20, abs=1e-4)
    assert found["pooled"]["median_angle_deg"] == pytest.approx(0, abs=1e-4)
    assert found["pooled"]["mask_precision"] == pytest.approx(5 / 7)
    assert found["mean_over_images"]["mask_precision"] == pytest.approx(2 / 3)
    assert found["mean_over_images"]["mask_recall"] == 1
    assert (found["pooled"]["images"], found["pooled"]["pixels"]) == (4, 5)
    assert set(found["pooled"]) == set(found["mean_over_images"])
    assert pool([still, off]).angles_deg.shape == (5,)


def test_a_score_of_no_pixel_does_not_exist():
    """Nothing predicted: recall is 0, precision and angles are not invented; without images there is no region."""
    assert scores(image_angles(_tilted(NONE, NONE), _tilted(0, 5))) == {"mask_recall": 0.0}
    assert dataset_scores([]) == {}


def test_the_map_of_angles_has_them_in_their_places():
    """NaN where one of both has no normal."""
    np.testing.assert_allclose(angle_map_deg(PREDICTED, TRUE), [[0, 15, 31, 89, NONE, NONE]], atol=2e-5)


def test_a_prediction_that_is_no_number_is_refused():
    """The message counts the pixels."""
    broken = TRUE.copy()
    broken[0, 1, 2] = np.inf
    with pytest.raises(ValueError, match="1 of 6 predicted normals"):
        image_angles(broken, TRUE)
