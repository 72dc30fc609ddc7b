"""The stored picture: exposure, clipping, the sRGB curve and rounding, in closed form."""

import numpy as np
import pytest

from render.picture import PictureError, check_picture, srgb_picture


def grey(*values: float) -> np.ndarray:
    """One row of grey pixels."""
    return np.repeat(np.array(values, dtype=np.float32)[None, :, None], 3, axis=2)


def test_known_values_of_the_srgb_curve():
    """0 and 1 stay, 18 % grey is 118, the end of the linear part (0.0031308) is 10; what lies outside is clipped.

    Source of the numbers: IEC 61966-2-1, worked out by hand: 255 (1.055 0.18^(1/2.4) - 0.055) = 117.6.
    """
    picture = srgb_picture(grey(-0.5, 0.0, 0.0031308, 0.18, 1.0, 7.0), exposure_ev=0.0)
    assert picture.dtype == np.uint8
    assert picture[0, :, 1].tolist() == [0, 0, 10, 118, 255, 255]


def test_every_level_comes_back_from_its_linear_value():
    """The 256 levels, decoded by the inverse curve of the standard, are encoded to themselves."""
    share = np.arange(256) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    assert srgb_picture(grey(*linear), exposure_ev=0.0)[0, :, 0].tolist() == list(range(256))


def test_one_stop_is_a_factor_of_two():
    """exposure_ev multiplies light by 2 ** ev before anything else, each channel by itself."""
    light = np.random.default_rng(4).uniform(0, 0.5, (5, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(srgb_picture(light, exposure_ev=1.0), srgb_picture(2 * light, exposure_ev=0.0))
    darker = srgb_picture(light, exposure_ev=-1.0)
    np.testing.assert_array_equal(darker, srgb_picture(light / 2, exposure_ev=0.0))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_pixel_that_is_no_number_is_named(value):
    """A picture with a broken pixel is an error that tells where, never a black or white dot."""
    light = np.full((6, 9, 3), 0.2, dtype=np.float32)
    light[4, 7, 1] = value
    with pytest.raises(PictureError, match="not finite, first at row 4, column 7"):
        srgb_picture(light, exposure_ev=0.0)


@pytest.mark.parametrize(("level", "words"), [(3, "100.0% of it is black"), (252, "100.0% blown out")])
def test_a_picture_of_nothing_is_refused(level: int, words: str):
    """All but black, or all but white, within 1 % of the pixels: an error that names the settings; 1 % more passes."""
    picture = np.full((10, 30, 3), level, dtype=np.uint8)
    with pytest.raises(PictureError, match=rf"{words}.*check lightings"):
        check_picture(picture)
    picture[4, 7:9, 1] = 100
    with pytest.raises(PictureError, match=r"99\.3%"):
        check_picture(picture)
    picture[4, 9, 1] = 100
    check_picture(picture)
