"""PSNR is what its definition says."""

import math

import numpy as np
import pytest

from benchmarks.picture_quality import psnr_db


def test_psnr_of_a_constant_difference_is_its_closed_form():
    """Pictures apart by d have 20 log10(255 / d) dB, either way round; equal ones have infinite PSNR."""
    picture = np.full((3, 5, 3), 10, dtype=np.uint8)
    for difference in (1, 7, 245):
        other = picture + np.uint8(difference)
        assert psnr_db(picture, other) == pytest.approx(20 * math.log10(255 / difference))
        assert psnr_db(other, picture) == psnr_db(picture, other)
    assert psnr_db(picture, picture) == math.inf


def test_one_wrong_pixel_counts_by_its_share():
    """An error of 51 in one of 15 pixels, in one channel, is a mean square of 51² / 45."""
    picture = np.zeros((3, 5, 3), dtype=np.uint8)
    other = picture.copy()
    other[2, 4, 1] = 51
    assert psnr_db(picture, other) == pytest.approx(10 * math.log10(255**2 / (51**2 / 45)))
