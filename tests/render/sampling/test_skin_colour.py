"""Skin colour from pigments."""

import itertools

import numpy as np
import pytest
from jaxtyping import Float

from render.sampling.skin_colour import skin_albedo_rgb, skin_reflectance

# sRGB (0..255) of the ColorChecker patches "light skin" and "dark skin". Source: McCamy, Marcus, Davidson 1976, in the
# sRGB values that the chart's maker publishes.
LIGHT_SKIN_SRGB = (194, 150, 130)
DARK_SKIN_SRGB = (115, 82, 68)
# A chart shows what is seen of skin, with the light that the surface mirrors; the albedo is without it.
SURFACE_REFLECTANCE = 0.02


def linear(srgb: tuple[int, int, int]) -> Float[np.ndarray, "3"]:
    value = np.array(srgb) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    xyz_from_rgb = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    x, y, z = np.cbrt(xyz_from_rgb @ rgb / xyz_from_rgb.sum(axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize(
    ("patch", "melanin_range"), [(LIGHT_SKIN_SRGB, (0.013, 0.063)), (DARK_SKIN_SRGB, (0.18, 0.43))]
)
def test_some_pigments_in_the_published_range_match_measured_skin(patch, melanin_range):
    """Within the melanin range that Jacques 1998 gives, some pigments come within 2 CIELAB units of the patch."""
    wanted = lab(linear(patch))
    distances = [
        np.linalg.norm(lab(skin_albedo_rgb(melanin, haemoglobin) + SURFACE_REFLECTANCE) - wanted)
        for melanin in np.linspace(melanin_range[0], melanin_range[1], 40)
        for haemoglobin in (0.02, 0.03, 0.04, 0.05, 0.06, 0.07)
    ]
    assert min(distances) < 2.0


@pytest.mark.parametrize("pigment", ["melanin", "haemoglobin"])
def test_more_pigment_never_brightens_any_channel(pigment: str):
    """Albedo falls, channel by channel, as either pigment grows over its whole range."""
    other = 0.04
    if pigment == "melanin":
        albedos = [skin_albedo_rgb(value, other) for value in np.linspace(0, 0.6, 61)]
    else:
        albedos = [skin_albedo_rgb(other, value) for value in np.linspace(0, 0.2, 41)]
    for lighter, darker in itertools.pairwise(albedos):
        assert (darker < lighter).all()


def test_albedo_is_that_of_skin_at_both_ends():
    """Pale skin reflects well over half of the red light, very dark skin under a tenth; red exceeds green and blue."""
    pale, dark = skin_albedo_rgb(0.013, 0.03), skin_albedo_rgb(0.43, 0.045)
    assert 0.55 < pale[0] < 0.8
    assert 0.03 < dark[0] < 0.12
    for albedo in (pale, dark):
        assert 0 < albedo[2] < albedo[1] < albedo[0] < 1


def test_blood_dips_twice_in_the_green():
    """Oxygenated blood absorbs most near 540 and 580 nm and less between: the W that measured pale skin shows."""
    reflectance = skin_reflectance(0.013, 0.05)
    at_540, at_560, at_580, at_600 = (reflectance[round((nm - 400) / 10)] for nm in (540, 560, 580, 600))
    assert at_540 < at_560
    assert at_580 < at_560
    assert at_600 > at_560


@pytest.mark.parametrize(("melanin", "haemoglobin", "name"), [(0.61, 0.04, "melanin"), (0.1, -0.01, "haemoglobin")])
def test_pigments_out_of_range_are_errors(melanin, haemoglobin, name):
    """The message names the pigment, its range and the value."""
    with pytest.raises(ValueError, match=rf"{name} is a volume fraction and must lie in 0\.0\.\."):
        skin_albedo_rgb(melanin, haemoglobin)
